"""The README says what the code does: reasons, exit codes, commands, variables, keys, figures, examples."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

from automation import settings
from automation.backends import BackendName
from automation.cli import cli
from automation.connection import AgentConnection
from automation.defaults import OUTPUT_LIMIT, PATIENCE
from automation.definition import DEFAULT_TIMEOUT, MAX_TIMEOUT, Definition, read_definition
from automation.definition.github_key import (
    Concurrency,
    ConcurrencyPolicy,
    Forks,
    GitHubKey,
    RepositoryContent,
)
from automation.definition.inputs import PREFIX, Input, InputType
from automation.definition.role import Role
from automation.definition.trigger import CronTrigger, EventTrigger
from automation.execution import DispatchResult, RunResult, RunState
from automation.exit_codes import Exit, exit_code
from automation.external_tarball import EXTERNAL_LIMIT
from automation.packing import bundle_plan, repository, tree
from automation.packing.ignore import ALWAYS_IGNORED
from automation.reasons import Conclusion, Reason
from automation.result import Annotation, AnnotationLevel, Result, parse_result
from automation.run.commands import run_key
from automation.run.conduct import STOP_WITHIN
from automation.run.environment import (
    KEYS_OF_OPENHANDS,
    KEYS_OF_THE_SERVER,
    MAX_EVENT_VARIABLE,
    Subject,
    run_environment,
)
from automation.run.follow import SMALL_FILE
from automation.run.patience import FIRST_CONTACT, PAUSES
from automation.run.start import BACKSTOP, Order
from bot.cli import cli as bot_cli
from tests.documents.readme import examples, first_column, section, table, words

MIB = 1024 * 1024


def commands(group: click.Command = cli, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words."""
    if not isinstance(group, click.Group):
        yield path, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, f"{path} {name}".strip())


def options_of(command: click.Command) -> Iterator[click.Option]:
    yield from (option for option in command.params if isinstance(option, click.Option))


COMMANDS = dict(commands())
OPTIONS = [(path, option) for path, command in COMMANDS.items() for option in options_of(command)]


def option_row(option: click.Option) -> list[str]:
    rows = [
        row for row in table("Options") if {word.split()[0] for word in words(row[0])} == set(option.opts)
    ]
    assert len(rows) == 1, f"the README has {len(rows)} rows for {' '.join(option.opts)}"
    return rows[0]


def test_every_reason_has_one_row_and_nothing_else_has() -> None:
    assert sorted(first_column("Reasons")) == sorted(Reason)


@pytest.mark.parametrize("row", table("Reasons"), ids=lambda row: str(row[0]))
def test_a_reason_has_its_exit_code_and_conclusions_that_exist(row: list[str]) -> None:
    assert int(row[2]) == exit_code(Reason(words(row[0])[0]))
    assert set(words(row[1])) <= set(Conclusion)
    assert all(row[3:5])


def test_every_conclusion_is_reached_by_a_reason() -> None:
    assert {word for row in table("Reasons") for word in words(row[1])} == set(Conclusion)


def test_exit_codes() -> None:
    assert {row[0]: row[1] for row in table("Exit codes")} == {
        str(code.value): code.name.lower() for code in Exit
    }


def test_every_command_is_in_the_table() -> None:
    rows = first_column("Command line")
    spans = [" ".join(re.findall(r"[a-z]+", span)) for span in rows if span.startswith("automation ")]
    assert sorted(spans) == sorted(f"automation {path}" for path in COMMANDS)


@pytest.mark.parametrize(("path", "option"), OPTIONS, ids=lambda value: str(getattr(value, "name", value)))
def test_every_option_is_in_the_table_with_its_command(path: str, option: click.Option) -> None:
    row = option_row(option)
    assert path in words(row[1])
    if isinstance(option.default, int | float) and not isinstance(option.default, bool):
        assert f"Default: {option.default:g}" in row[2]


def test_the_table_of_options_has_nothing_that_is_not_there() -> None:
    there = {(path, name) for path, option in OPTIONS for name in option.opts}
    said = {
        (path, word.split()[0])
        for row in table("Options")
        for word in words(row[0])
        for path in words(row[1])
    }
    assert said == there


def test_the_backends_are_what_the_option_takes() -> None:
    assert sorted(first_column("Backends")) == sorted(BackendName)
    [option] = [option for path, option in OPTIONS if (path, option.name) == ("run", "backend")]
    for name in BackendName:
        assert name in words(option_row(option)[2])
        assert option.type.convert(name.value, option, None) == name


def test_settings() -> None:
    names = [value for name, value in vars(settings).items() if name.isupper() and isinstance(value, str)]
    assert settings.AGENT_SERVER_URL in names
    assert first_column("Settings") == names


def given_variables() -> set[str]:
    """The names of all that a run can be given."""
    subject = Subject("n", "s", "h", "b", "m", 1, "push", {"ref": "r"}, "model")
    here = AgentConnection("http://127.0.0.1:8000", "key")
    there = AgentConnection("https://example.com", "key", sandbox_id="box", cloud_api_url="https://c.example")
    given: set[str] = set()
    for connection in (here, there):
        given |= set(
            run_environment(
                "run",
                "/runs/run",
                subject,
                connection,
                callback_url="https://example.com",
                has_repository=True,
                has_changes=True,
            )
        )
    return given | KEYS_OF_OPENHANDS | {f"{PREFIX}<NAME>"}


def test_every_variable_of_a_run_is_in_the_table_and_no_other() -> None:
    assert sorted(first_column("Environment of a run")) == sorted(given_variables())


def test_the_keys_that_are_taken_away_are_named() -> None:
    assert set(KEYS_OF_THE_SERVER) <= set(words(section("Environment of a run")))


def test_every_key_of_a_definition_is_in_the_table_and_no_other() -> None:
    keys = [field.alias or name for name, field in Definition.model_fields.items()]
    assert sorted(first_column("Keys of `automation.yaml`")) == sorted(keys)


def test_every_key_of_ours_is_in_the_table_with_its_default() -> None:
    rows = {words(row[0])[0]: row for row in table("The `github:` key")}
    assert sorted(rows) == sorted(GitHubKey.model_fields)
    for name, default in GitHubKey().model_dump(mode="json").items():
        match default:
            case str():
                assert words(rows[name][1]) == [default]
            case {"key": key, "policy": policy}:
                assert words(rows[name][1]) == [f"{{key: {key}, policy: {policy}}}"]
            case _:
                assert not default
                assert rows[name][1] == "none"


@pytest.mark.parametrize(
    ("title", "models"),
    [
        ("Keys of `automation.yaml`", [CronTrigger, EventTrigger]),
        ("The `github:` key", [Input, Concurrency]),
        ("What a run may say", [Result, Annotation]),
    ],
)
def test_every_key_below_is_named(title: str, models: list[type[BaseModel]]) -> None:
    text = section(title)
    missing = [name for model in models for name in model.model_fields if not re.search(rf"\b{name}\b", text)]
    assert not missing


@pytest.mark.parametrize(
    ("title", "choices"),
    [
        ("The `github:` key", [*Role, *Forks, *RepositoryContent, *ConcurrencyPolicy, *InputType]),
        ("The repository", [*RepositoryContent]),
        ("What a run may say", [*AnnotationLevel, "success", "failure", "action_required"]),
        ("The bundle", [*ALWAYS_IGNORED, ".automationignore", "setup.sh"]),
        (
            "Library",
            [*RunState, *(f.name for f in fields(RunResult)), *(f.name for f in fields(DispatchResult))],
        ),
    ],
)
def test_every_word_is_named(title: str, choices: list[str]) -> None:
    assert not set(choices) - set(words(section(title)))


@pytest.mark.parametrize(
    ("title", "phrase"),
    [
        ("Keys of `automation.yaml`", f"1 to {MAX_TIMEOUT}. Default: {DEFAULT_TIMEOUT}."),
        ("The bundle", f"{bundle_plan.MAX_FILES:,} files and {bundle_plan.MAX_BYTES // MIB} MiB"),
        ("The repository", f"{tree.MAX_FILES:,} files and {tree.MAX_BYTES // MIB // 1024} GiB"),
        ("The repository", f"cut after {repository.MAX_CHANGES // MIB} MiB"),
        ("Environment of a run", f"at most {MAX_EVENT_VARIABLE // 1024} KiB"),
        ("What a run may say", f"{SMALL_FILE // MIB} MiB is read"),
        ("Options", f"wait up to {STOP_WITHIN:g} s"),
        ("What happens on the server", f"after {Order.grace:g} s KILL"),
        ("What happens on the server", f"stands {Order.grace + BACKSTOP:g} s above"),
        ("What happens on the server", f"Over {OUTPUT_LIMIT // MIB} MiB"),
        (
            "What happens on the server",
            f"after {', '.join(f'{pause:g}' for pause in PAUSES)}, {PAUSES[-1]:g}, … s",
        ),
        ("What happens on the server", f"silent for {PATIENCE:g} s"),
        ("What happens on the server", f"first contact gets {FIRST_CONTACT:g} s"),
        ("Library", f"at most {EXTERNAL_LIMIT // MIB} MiB"),
    ],
)
def test_figures(title: str, phrase: str) -> None:
    assert phrase.replace(",000", " 000") in section(title)


def test_the_directory_of_a_run_is_named_after_its_id() -> None:
    one = "2ee9763a-d05c-4edc-8055-965aad372f7b"
    assert str(run_key(one)) == one
    assert run_key("nightly-1") == run_key("nightly-1") != run_key("nightly-2")


def test_the_example_of_a_definition_is_right() -> None:
    definitions = [text for text in examples("yaml") if "entrypoint:" in text]
    assert definitions
    for text in definitions:
        assert read_definition(text, file="automation.yaml").problems == ()


def test_the_example_of_a_result_is_right() -> None:
    for text in examples("json"):
        assert parse_result(text.encode()).outputs


def typed() -> list[list[str]]:
    """The words behind `automation-bot`, of every command line of it that somebody is told to type."""
    lines = [line.lstrip("$ ") for block in examples("console") for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in found if words[:1] == ["automation-bot"]]


@pytest.mark.parametrize("words", typed(), ids=lambda words: str(words[0]))
def test_what_somebody_is_told_to_type_for_the_bot_can_be_typed(words: list[str]) -> None:
    context = click.Context(bot_cli, **bot_cli.context_settings)
    name, command, rest = bot_cli.resolve_command(context, words)
    assert command is not None
    command.make_context(name, rest, parent=context)


def test_the_examples_in_python_compile() -> None:
    assert len(examples("python")) > 1
    for text in examples("python"):
        compile(text, "README.md", "exec")


def test_the_example_automation_finds_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [code] = [text for text in examples("python") if "AUTOMATION_CHANGES" in text]
    (tmp_path / "patch").write_text("diff --git a/src/parser.py b/src/parser.py\n")
    monkeypatch.setenv("AUTOMATION_CHANGES", str(tmp_path / "patch"))
    monkeypatch.setenv("AUTOMATION_RESULT", str(tmp_path / "result"))
    monkeypatch.setenv("AUTOMATION_INPUT_WATCHED", "src/")
    scope: dict[str, Any] = {}
    exec(code, scope)
    result = parse_result((tmp_path / "result").read_bytes())
    assert result.conclusion == "failure"
    assert [annotation.path for annotation in result.annotations] == ["src/parser.py"]
