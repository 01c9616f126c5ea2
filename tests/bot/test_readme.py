"""The bot's README says what the code does: commands, options, examples, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from automation.definition import read_definition
from automation.definition.trigger import EventTrigger
from bot.cli import cli
from bot.commands import Command, Verb, read_command
from bot.settings import NAMES
from bot.triggers import matches

HERE = Path(__file__).parents[2] / "bot"
README = (HERE / "README.md").read_text(encoding="utf-8")
SHA = "1f2e" * 10


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def typed() -> Iterator[list[str]]:
    """Every command line of the bot that somebody is told to type, behind the program's name."""
    for block in blocks("console"):
        for line in block.replace("\\\n", " ").splitlines():
            found = list(shlex.split(line.lstrip("$# ")))
            at = [n for n, word in enumerate(found) if word.rpartition("/")[2] == "automation-bot"]
            rest = [found[n + 1 :] for n in at if n + 1 < len(found)]
            yield from ([word for word in words if word != "IMAGE"] for words in rest[-1:] if words)


@pytest.mark.parametrize(
    "words", [words for words in typed() if words[0] in {"serve", "setup", "check", "new-key"}], ids=" ".join
)
def test_what_somebody_is_told_to_type_can_be_typed(words: list[str], tmp_path: Path) -> None:
    context = click.Context(cli, **cli.context_settings)
    command = cli.get_command(context, words[0])
    assert command is not None
    command.make_context(words[0], words[1:], parent=context)


def test_the_commands_are_shown() -> None:
    assert {words[0] for words in typed()} >= {"serve", "setup", "check"}


def commented() -> list[str]:
    table = README.partition("## Commands\n")[2].partition("\n## ")[0]
    return [command.replace("1f2e...", SHA) for command in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)]


@pytest.mark.parametrize("comment", commented())
def test_a_command_of_the_table_is_one(comment: str) -> None:
    assert isinstance(read_command(comment), Command)


def test_every_verb_is_in_the_table() -> None:
    found = {command.verb for comment in commented() if isinstance(command := read_command(comment), Command)}
    assert found == set(Verb)


def test_the_first_automation_is_one() -> None:
    [definition] = [block for block in blocks("yaml") if "entrypoint" in block]
    assert "bash main.sh" in definition
    reading = read_definition(definition, file="automation.yaml")
    assert reading.definition is not None
    assert not reading.problems


def test_the_trigger_is_one_and_matches_what_it_says() -> None:
    [example] = [block for block in blocks("yaml") if "trigger" in block]
    trigger = EventTrigger.model_validate(yaml.load(example, Loader=yaml.BaseLoader)["trigger"])
    pull = {"draft": False, "base": {"ref": "release/1"}}
    assert matches(trigger, "pull_request.opened", {"pull_request": pull})
    assert not matches(trigger, "pull_request.opened", {"pull_request": pull | {"draft": True}})
    assert not matches(trigger, "pull_request.opened", {"pull_request": pull | {"base": {"ref": "main"}}})
    assert not matches(trigger, "pull_request.closed", {"pull_request": pull})


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        assert not path or (HERE / path).exists(), target
        if not path:
            assert anchor in anchors, target


def test_every_setting_that_is_named_is_one() -> None:
    named = set(re.findall(r"\b(?:BOT|AUTOMATION)_[A-Z_]+\b", README))
    assert named - set(NAMES) <= {"BOT_ENV_FILE", "AUTOMATION_SHA", "AUTOMATION_CHANGES"}


def test_the_service_starts_what_the_command_line_has() -> None:
    unit = (HERE / "systemd" / "automation-bot.service").read_text(encoding="utf-8")
    [line] = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    program, name, *words = shlex.split(line)
    assert program.endswith("/bin/automation-bot")
    context = click.Context(cli, **cli.context_settings)
    command = cli.get_command(context, name)
    assert command is not None
    command.make_context(name, words, parent=context)
