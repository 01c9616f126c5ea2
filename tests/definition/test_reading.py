"""`automation.yaml`: what OpenHands writes is read, what is wrong is said with its line, all of it at once."""

import json
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from automation.definition.automation_yaml import State
from automation.definition.complaints import dotted
from automation.definition.github_key import ConcurrencyPolicy, Forks, GitHubKey, RepositoryContent
from automation.definition.inputs import InputType
from automation.definition.located_yaml import YamlInvalid, parse_yaml
from automation.definition.reading import (
    DEFAULT_TIMEOUT,
    MAX_TIMEOUT,
    Definition,
    Reading,
    load_definition,
    read_definition,
    resolve_inputs,
)
from automation.definition.role import Role
from automation.definition.trigger import CronTrigger, EventTrigger
from automation.errors import Misconfigured
from automation.reasons import Reason

MINIMAL = "name: Guard\nentrypoint: bash main.sh\n"

EXPORTED = """\
agent_profile_id: 6f1c2f0e-3f3c-4a53-9a39-5f0a5a3f8c11
description: Looks at every pull request.
enabled: true
entrypoint: .venv/bin/python main.py
keep_alive: null
model: claude-sonnet.4
name: Review
observability_associations:
  pull_request: event.number
preset_metadata:
  preset_type: prompt
  prompt: Review it.
  repos: []
prompt: Review it.
setup_script_path: setup.sh
state: ACTIVE
tarball_executables:
- setup.sh
tarball_source:
  type: internal
  url: null
timeout: null
trigger:
  destination: dispatch_run
  filter: icontains(comment.body, '@bot')
  'on': issue_comment.created
  source: github
  subject_key_expr: null
  turn_text_expr: null
  type: event
  wake_agent: true
"""


def read(text: str) -> Reading:
    return read_definition(text, file="a.yaml")


def load(*lines: str) -> Definition:
    return load_definition(MINIMAL + "\n".join(lines), file="a.yaml")


def complaints(*lines: str) -> list[str]:
    """What is said of the minimal definition with these lines below it (the first one is line 3)."""
    return [str(problem).removeprefix("a.yaml:") for problem in read(MINIMAL + "\n".join(lines)).problems]


# OpenHands' own keys


def test_reads_all_that_openhands_exports() -> None:
    reading = read(EXPORTED)
    assert reading.problems == ()
    definition = reading.definition
    assert definition is not None
    assert (definition.name, definition.entrypoint) == ("Review", ".venv/bin/python main.py")
    assert definition.agent_profile_id == UUID("6f1c2f0e-3f3c-4a53-9a39-5f0a5a3f8c11")
    assert definition.tarball_executables == ("setup.sh",)
    assert definition.tarball_source is not None
    assert definition.tarball_source.type == "internal"
    assert definition.setup_script_path == "setup.sh"
    assert isinstance(definition.trigger, EventTrigger)
    assert definition.trigger.on == ("issue_comment.created",)
    assert definition.github is None


def test_a_minimal_definition_has_the_defaults() -> None:
    definition = load()
    assert definition.trigger is None
    assert definition.enabled
    assert definition.timeout_seconds == DEFAULT_TIMEOUT == 600
    assert definition.settings == GitHubKey()


@pytest.mark.parametrize(
    ("lines", "enabled"),
    [
        pytest.param("", True, id="absent"),
        pytest.param("enabled:", True, id="null"),
        pytest.param("enabled: true", True, id="enabled"),
        pytest.param("enabled: false", False, id="disabled"),
        pytest.param("state: ACTIVE", True, id="active"),
        pytest.param("state: INACTIVE", False, id="inactive"),
        pytest.param("state: DRAFT", False, id="draft"),
        pytest.param("enabled: false\nstate: INACTIVE", False, id="both agree"),
        pytest.param("enabled: false\nstate:", False, id="state null"),
    ],
)
def test_enabled(lines: str, enabled: bool) -> None:
    assert load(lines).enabled is enabled


@pytest.mark.parametrize(
    ("line", "executables"),
    [
        pytest.param("", None, id="absent"),
        pytest.param("tarball_executables: []", (), id="none"),
        pytest.param("tarball_executables: [a.sh, b]", ("a.sh", "b"), id="listed"),
    ],
)
def test_executables(line: str, executables: tuple[str, ...] | None) -> None:
    reading = read(MINIMAL + line)
    assert reading.problems == ()
    assert reading.definition is not None
    assert reading.definition.tarball_executables == executables


@pytest.mark.parametrize(
    ("line", "executables"),
    [
        pytest.param("tarball_executables: a.sh", None, id="text"),
        pytest.param("tarball_executables: [a.sh, 3]", ("a.sh",), id="number among them"),
    ],
)
def test_malformed_executables_are_read_as_openhands_does_and_doubted(
    line: str, executables: tuple[str, ...] | None
) -> None:
    reading = read(MINIMAL + line)
    assert reading.definition is not None
    assert reading.definition.tarball_executables == executables
    assert "'tarball_executables' must be a list of file names" in str(reading.warnings[0])


@pytest.mark.parametrize(
    "entrypoint",
    ["bash main.sh", "uv run main.py 'a b'", "FOO=1 bash x.sh", ".venv/bin/python main.py", "bash a..b"],
)
def test_entrypoints_that_may_run(entrypoint: str) -> None:
    assert (
        load_definition(json.dumps({"name": "x", "entrypoint": entrypoint}), file="a").entrypoint
        == entrypoint
    )


@pytest.mark.parametrize(
    ("entrypoint", "said"),
    [
        pytest.param("  ", "must not be blank", id="blank"),
        pytest.param("/bin/sh", "must not begin with '/'", id="absolute"),
        pytest.param("bash ../x.sh", "must not contain '..'", id="parent in the second word"),
        pytest.param("../x.sh", "must not contain '..'", id="parent"),
        pytest.param("bash a/../x.sh", "must not contain '..'", id="parent inside"),
        pytest.param("a && b", "must not contain the character '&'", id="and"),
        pytest.param("python m.py $X", "must not contain the character '$'", id="variable"),
        pytest.param("echo a > b", "must not contain the character '>'", id="redirection"),
        pytest.param("a\nb", "must not contain a line break", id="line break"),
        pytest.param("a\rb", "must not contain a carriage return", id="carriage return"),
        pytest.param("a\0b", "must not contain a NUL", id="NUL"),
    ],
)
def test_entrypoints_that_may_not(entrypoint: str, said: str) -> None:
    reading = read(json.dumps({"name": "x", "entrypoint": entrypoint}))
    assert f"a.yaml:1:15: 'entrypoint' {said}" in str(reading.errors[0])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param("timeout: 0", "3:1: 'timeout' must be between 1 and 1800 (seconds)", id="timeout 0"),
        pytest.param(
            "timeout: 1801", "3:1: 'timeout' must be between 1 and 1800 (seconds)", id="timeout high"
        ),
        pytest.param("timeout: '60'", "3:1: 'timeout' must be a whole number; it is text", id="timeout text"),
        pytest.param(
            "timeout: true", "3:1: 'timeout' must be a whole number; it is a boolean", id="timeout bool"
        ),
        pytest.param(
            "timeout: 1.5", "3:1: 'timeout' must be a whole number; it is a number", id="timeout float"
        ),
        pytest.param("model: a/b", "3:1: 'model' must be a model profile", id="model"),
        pytest.param(
            "keep_alive: maybe", "3:1: 'keep_alive' must be true or false; it is text", id="keep_alive"
        ),
        pytest.param("enabled: [1]", "3:1: 'enabled' must be true or false; it is a list", id="enabled"),
        pytest.param(
            "state: ON", "3:1: 'state' must be 'ACTIVE', 'INACTIVE' or 'DRAFT'; it is a boolean", id="state"
        ),
        pytest.param(
            "enabled: true\nstate: DRAFT",
            "4:1: 'state' must agree with 'enabled': DRAFT says otherwise",
            id="disagree",
        ),
        pytest.param(
            "prompt: 3", "3:1: 'prompt' must be text; it is a number, put it in quotes", id="prompt"
        ),
        pytest.param("description: [a]", "3:1: 'description' must be text; it is a list", id="description"),
        pytest.param(
            "preset_metadata: x", "3:1: 'preset_metadata' must be a mapping; it is text", id="metadata"
        ),
        pytest.param(
            "agent_profile_id: x", "3:1: 'agent_profile_id' must be a UUID; it is text", id="profile"
        ),
        pytest.param(
            "setup_script_path: /x", "3:1: 'setup_script_path' must not begin with '/'", id="setup script"
        ),
        pytest.param(
            "tarball_source: {type: x}", "3:18: 'tarball_source.type' must be 'internal' or", id="source"
        ),
        pytest.param(
            "observability_associations: {a b: c}",
            "3:30: 'observability_associations.a b' is refused: string",
            id="key",
        ),
        pytest.param("trigger: daily", "3:1: 'trigger' must be a mapping; it is text", id="trigger text"),
        pytest.param(
            "trigger: {}", "3:1: 'trigger.type' must be 'cron' or 'event'; it is empty", id="no type"
        ),
        pytest.param(
            "trigger: {type: evnt}", "3:11: 'trigger.type' must be 'cron' or 'event'; did you mean", id="type"
        ),
        pytest.param(
            "trigger: {type: event, on: push}", "3:1: the key 'trigger.source' is missing", id="no source"
        ),
        pytest.param(
            "trigger: {type: event, source: github, on: [push, 1]}",
            "3:51: 'trigger.on[1]' must be text",
            id="pattern",
        ),
        pytest.param(
            "trigger: {type: event, source: github, on: push, branch: x}",
            "3:50: unknown key 'trigger.branch'; known are type, source, on",
            id="unknown key in an event trigger",
        ),
        pytest.param(
            "trigger: {type: cron, schedul: '@daily', schedule: '@daily'}",
            "3:23: unknown key 'trigger.schedul'; did you mean 'schedule'?",
            id="unknown key in a cron trigger",
        ),
    ],
)
def test_errors_in_openhands_keys(lines: str, said: str) -> None:
    reading = read(MINIMAL + lines)
    assert reading.definition is None
    assert str(reading.errors[0]).startswith(f"a.yaml:{said}")


@pytest.mark.parametrize("name", ["''", f"'{'x' * 501}'"])
def test_a_name_has_1_to_500_characters(name: str) -> None:
    assert "1:1: 'name' is refused: string should have at" in str(
        read(f"name: {name}\nentrypoint: x").errors[0]
    )
    assert read(f"name: {'x' * 500}\nentrypoint: x").errors == ()


def test_the_longest_timeout() -> None:
    assert load(f"timeout: {MAX_TIMEOUT}").timeout_seconds == 1800


def test_an_empty_profile_is_none() -> None:
    assert load("agent_profile_id: ''").agent_profile_id is None


@pytest.mark.parametrize(
    "schedule",
    [
        "0 9 * * 1-5",
        "*/5 * * * *",
        "0 0 L * *",
        "0 9 * * MON#1",
        "@daily",
        "0 0 1 1 * 30",
        "* * * * * 0 2030",
    ],
)
def test_schedules(schedule: str) -> None:
    trigger = load(
        f"trigger: {{type: cron, schedule: '{schedule}', timezone: America/Argentina/Ushuaia}}"
    ).trigger
    assert isinstance(trigger, CronTrigger)
    assert trigger.schedule == schedule
    assert list(trigger.doubts()) == []


@pytest.mark.parametrize("schedule", ["", "daily", "* * * *", "* * * * * * * *", "0 9 * * $", "@never"])
def test_schedules_that_are_none(schedule: str) -> None:
    assert (
        "3:23: 'trigger.schedule' must be a cron expression"
        in complaints(f"trigger: {{type: cron, schedule: '{schedule}'}}")[0]
    )


@pytest.mark.parametrize("timezone", ["", "../etc/passwd", "/UTC", "Europe/Berlin\n"])
def test_timezones_that_are_none(timezone: str) -> None:
    trigger = {"type": "cron", "schedule": "@daily", "timezone": timezone}
    assert "'trigger.timezone' must be an IANA time zone" in complaints(f"trigger: {json.dumps(trigger)}")[0]


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        pytest.param("source: GitHub, on: push", "'GitHub'; did you mean 'github'?", id="case"),
        pytest.param(
            "source: my_own, on: push", "no event can come from a source named 'my_own'", id="not a name"
        ),
        pytest.param("source: github, on: []", "no pattern is given", id="no pattern"),
    ],
)
def test_a_trigger_that_can_never_fire_is_doubted(trigger: str, said: str) -> None:
    reading = read(MINIMAL + f"trigger: {{type: event, {trigger}}}")
    assert reading.definition is not None
    assert said in str(reading.warnings[0])


@pytest.mark.parametrize("source", ["github", "jira_dc", "azure_devops", "a", "my-hooks-2"])
def test_sources(source: str) -> None:
    assert complaints(f"trigger: {{type: event, source: {source}, on: [push, 'pull_request.*']}}") == []


def test_a_trigger_may_be_empty() -> None:
    assert load("trigger:").trigger is None


# keys that are not known


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("next_thing: 1", "3:1: unknown key 'next_thing' is ignored", id="unknown"),
        pytest.param("timout: 1", "3:1: unknown key 'timout' is ignored; did you mean 'timeout'?", id="near"),
        pytest.param(
            "secrets: [A]", "3:1: the key 'secrets' is ignored here; it belongs under 'github:'", id="ours"
        ),
        pytest.param("5: 1", "3:1: unknown key '5' is ignored", id="number"),
    ],
)
def test_unknown_keys_are_warnings(line: str, said: str) -> None:
    reading = read(MINIMAL + line)
    assert reading.definition is not None
    assert reading.errors == ()
    assert [str(warning) for warning in reading.warnings] == [f"a.yaml:{said}"]


@pytest.mark.parametrize("key", ["GitHub", "githb", "git-hub"])
def test_a_misspelt_github_is_an_error_because_it_restricts(key: str) -> None:
    assert read(MINIMAL + f"{key}: {{who: admin}}").definition is None
    assert complaints(f"{key}: {{who: admin}}") == [f"3:1: unknown key '{key}'; did you mean 'github'?"]


# our own key


def test_reads_the_github_key() -> None:
    settings = load(
        "github:",
        "  who: maintain",
        "  forks: deny",
        "  repository: git",
        "  inputs: {target: {default: main, choices: [main, next]}, note:}",
        "  secrets: [NPM_TOKEN]",
        "  outputs: [report]",
        "  concurrency: {key: branch, policy: replace}",
    ).settings
    assert settings.who is Role.MAINTAIN
    assert settings.forks is Forks.DENY
    assert settings.repository is RepositoryContent.GIT
    assert settings.inputs["target"].choices == ("main", "next")
    assert settings.inputs["note"].type is InputType.STRING
    assert settings.secrets == ("NPM_TOKEN",)
    assert settings.outputs == ("report",)
    assert settings.concurrency.policy is ConcurrencyPolicy.REPLACE


@pytest.mark.parametrize(
    "line", ["github:", "github: {}", "github: {inputs: , secrets: , outputs: , concurrency: }"]
)
def test_an_empty_github_key_is_there_and_has_the_defaults(line: str) -> None:
    definition = load(line)
    assert definition.github == definition.settings == GitHubKey()
    assert (definition.settings.who, definition.settings.forks) == (Role.WRITE, Forks.APPROVE)
    assert definition.settings.repository is RepositoryContent.ARCHIVE
    assert definition.settings.concurrency.key == "pr"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("whoo: write", "4:3: unknown key 'github.whoo'; did you mean 'who'?", id="unknown key"),
        pytest.param(
            "xyz: 1", "4:3: unknown key 'github.xyz'; known are who, forks, repository", id="unknown, far"
        ),
        pytest.param("1: 1", "4:3: unknown key 'github[1]'; known are who", id="number as key"),
        pytest.param(
            "concurrency: {polcy: x}", "4:17: unknown key 'github.concurrency.polcy'; did you mean", id="deep"
        ),
        pytest.param(
            "inputs: {a: {defalt: x}}",
            "4:16: unknown key 'github.inputs.a.defalt'; did you mean",
            id="deeper",
        ),
        pytest.param(
            "who: writer",
            "4:3: 'github.who' must be 'read', 'triage', 'write', 'maintain' or 'admin'; did",
            id="who",
        ),
        pytest.param(
            "who:",
            "4:3: 'github.who' must be 'read', 'triage', 'write', 'maintain' or 'admin'; it is empty",
            id="who null",
        ),
        pytest.param(
            "forks: {}", "4:3: 'github.forks' must be 'deny' or 'approve'; it is a mapping", id="forks"
        ),
        pytest.param(
            "repository: tar", "4:3: 'github.repository' must be 'none', 'archive' or 'git'", id="repository"
        ),
        pytest.param("secrets: A", "4:3: 'github.secrets' must be a list; it is text", id="secrets text"),
        pytest.param(
            "secrets: [A, A, B]", "4:3: 'github.secrets' names 'A' more than once", id="secrets twice"
        ),
        pytest.param(
            "secrets: [A, b-c]",
            "4:16: 'github.secrets[1]' must be the name of an environment",
            id="secret name",
        ),
        pytest.param("outputs: [a b]", "4:13: 'github.outputs[0]' must be a name", id="output name"),
        pytest.param("outputs: [a, a]", "4:3: 'github.outputs' names 'a' more than once", id="outputs twice"),
        pytest.param("inputs: [a]", "4:3: 'github.inputs' must be a mapping; it is a list", id="inputs list"),
        pytest.param(
            "inputs: {a: x}", "4:12: 'github.inputs.a' must be a mapping, such as", id="input shorthand"
        ),
        pytest.param("inputs: {2a: {}}", "4:12: 'github.inputs.2a' must be a name", id="input name"),
        pytest.param(
            "inputs: {a-b: {}, A_B: {}}",
            "4:3: 'github.inputs' 'a-b' and 'A_B' would both arrive as AUTOMATION_INPUT_A_B",
            id="collision",
        ),
        pytest.param(
            "inputs: {a: {type: text}}",
            "4:16: 'github.inputs.a.type' must be 'string', 'integer', 'number' or",
            id="type",
        ),
        pytest.param(
            "inputs: {a: {type: txt, default: 3, choices: [x]}}",
            "4:16: 'github.inputs.a.type' must be",
            id="type unknown",
        ),
        pytest.param(
            "inputs: {a: {default: 3}}",
            "4:16: 'github.inputs.a.default' must be text, and '3' is not; put it in quotes",
            id="default",
        ),
        pytest.param(
            "inputs: {a: {default: c, choices: [a, b]}}",
            "4:16: 'github.inputs.a.default' must be one of the choices: 'a', 'b'",
            id="default no choice",
        ),
        pytest.param(
            "inputs: {a: {choices: []}}",
            "4:16: 'github.inputs.a.choices' must name at least one value",
            id="no choices",
        ),
        pytest.param(
            "inputs: {a: {choices: x}}", "4:16: 'github.inputs.a.choices' must be a list", id="choices text"
        ),
        pytest.param(
            "inputs: {a: {type: integer, choices: [1, x]}}",
            "4:31: 'github.inputs.a.choices' must be a whole number, and 'x' is not",
            id="choice",
        ),
        pytest.param(
            "inputs: {a: {type: integer, default: true}}",
            "4:31: 'github.inputs.a.default' must be a whole number",
            id="boolean as integer",
        ),
        pytest.param(
            "inputs: {a: {type: number, default: .inf}}",
            "4:30: 'github.inputs.a.default' must be a number",
            id="infinite",
        ),
        pytest.param(
            "inputs: {a: {type: number, default: '1'}}",
            "4:30: 'github.inputs.a.default' must be a number",
            id="quoted number",
        ),
        pytest.param(
            "inputs: {a: {type: boolean, default: 'true'}}",
            "4:31: 'github.inputs.a.default' must be true or false",
            id="quoted boolean",
        ),
        pytest.param(
            'inputs: {a: {default: "\\0"}}', "4:16: 'github.inputs.a.default' must be text", id="NUL"
        ),
        pytest.param(
            "inputs: {a: {required: 'yes'}}",
            "4:16: 'github.inputs.a.required' must be true or false; it is text",
            id="required",
        ),
        pytest.param(
            "concurrency: replace",
            "4:3: 'github.concurrency' must be a mapping; it is text",
            id="concurrency",
        ),
        pytest.param(
            "concurrency: {key: ' '}",
            "4:17: 'github.concurrency.key' must be one line of text",
            id="concurrency key",
        ),
    ],
)
def test_errors_in_the_github_key(line: str, said: str) -> None:
    found = complaints("github:", f"  {line}")
    assert found[0].startswith(said)
    assert read(MINIMAL + f"github:\n  {line}").definition is None


def test_github_itself_has_to_be_a_mapping() -> None:
    assert complaints("github: yes") == ["3:1: 'github' must be a mapping; it is a boolean"]


# everything at once


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = "nam: x\nentrypoint: a;b\ntimeout: 0\ntimeout: 1\ngithub:\n  who: me\n  inputs: {a: {x: 1, default: 2}}\n"
    reading = read(text)
    assert [str(problem).split(";")[0] for problem in reading.problems] == [
        "a.yaml:1:1: unknown key 'nam' is ignored",
        "a.yaml:1:1: the key 'name' is missing",
        "a.yaml:2:1: 'entrypoint' must not contain the character '",
        "a.yaml:3:1: 'timeout' must be between 1 and 1800 (seconds)",
        "a.yaml:4:1: the key 'timeout' stands twice, first on line 3",
        "a.yaml:6:3: 'github.who' must be 'read', 'triage', 'write', 'maintain' or 'admin'",
        "a.yaml:7:16: unknown key 'github.inputs.a.x'",
        "a.yaml:7:22: 'github.inputs.a.default' must be text, and '2' is not",
    ]
    with pytest.raises(Misconfigured) as caught:
        load_definition(text, file="a.yaml")
    assert caught.value.reason is Reason.BAD_CONFIG
    assert caught.value.sentence.splitlines() == [str(error) for error in reading.errors]


def test_a_key_that_stands_twice_is_an_error_even_where_all_else_is_right() -> None:
    assert read(MINIMAL + "name: y\n").definition is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "", ["1:1: the key 'name' is missing", "1:1: the key 'entrypoint' is missing"], id="empty"
        ),
        pytest.param("- a", ["1:1: the file must be a mapping; it is a list"], id="list"),
        pytest.param(
            "a: [", ["1:5: not YAML: while parsing a flow node, expected the node content"], id="syntax"
        ),
        pytest.param("gAAAAABmZ0", ["1:1: OpenHands git sync has encrypted this file"], id="encrypted"),
    ],
)
def test_files_that_are_no_definition(text: str, said: list[str]) -> None:
    reading = read(text)
    assert reading.definition is None
    for problem, beginning in zip(reading.errors, said, strict=True):
        assert str(problem).startswith(f"a.yaml:{beginning}")


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KNOWN = [
    *(field.alias or name for name, field in Definition.model_fields.items()),
    *GitHubKey.model_fields,
    "type",
    "on",
]
MAPPINGS = st.recursive(
    JSON_LIKE, lambda inner: st.dictionaries(st.sampled_from(KNOWN), inner, max_size=5), max_leaves=12
)


@given(st.dictionaries(st.sampled_from(KNOWN), MAPPINGS, max_size=8))
def test_any_mapping_is_read_or_refused(mapping: dict[str, Any]) -> None:
    text = yaml.safe_dump(mapping)
    reading = read(text)
    assert (reading.definition is None) is bool(reading.errors)
    assert all("\n" not in str(problem) for problem in reading.problems)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = read(text)
    assert (reading.definition is None) is bool(reading.errors)


# inputs

INPUTS = """\
github:
  inputs:
    target: {default: main, choices: [main, next]}
    count: {type: integer, choices: [1, 7]}
    ratio: {type: number, default: 0.5}
    dry-run: {type: boolean, default: true}
    note:
"""


@pytest.mark.parametrize(
    ("given_values", "expected"),
    [
        pytest.param({}, {"TARGET": "main", "RATIO": "0.5", "DRY_RUN": "true"}, id="defaults"),
        pytest.param({"target": "next"}, {"TARGET": "next", "RATIO": "0.5", "DRY_RUN": "true"}, id="choice"),
        pytest.param(
            {"count": "007", "ratio": "1e3", "dry-run": "False", "note": "a\nb"},
            {"TARGET": "main", "COUNT": "7", "RATIO": "1e3", "DRY_RUN": "false", "NOTE": "a\nb"},
            id="all types",
        ),
        pytest.param(
            {"note": ""}, {"TARGET": "main", "RATIO": "0.5", "DRY_RUN": "true", "NOTE": ""}, id="empty text"
        ),
    ],
)
def test_inputs_become_variables(given_values: dict[str, str], expected: dict[str, str]) -> None:
    variables = {f"AUTOMATION_INPUT_{name}": value for name, value in expected.items()}
    assert resolve_inputs(load(INPUTS), given_values) == variables


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("target", "main2", "the input 'target' must be one of 'main', 'next'", id="no choice"),
        pytest.param("count", "8", "the input 'count' must be one of '1', '7'", id="no integer choice"),
        pytest.param("count", "1_0", "the input 'count' must be a whole number", id="no integer"),
        pytest.param("count", "9" * 19, "the input 'count' must be a whole number", id="huge integer"),
        pytest.param("ratio", "nan", "the input 'ratio' must be a number", id="nan"),
        pytest.param("ratio", "1e999", "the input 'ratio' must be a number", id="infinite"),
        pytest.param("dry-run", "1", "the input 'dry-run' must be true or false", id="no boolean"),
        pytest.param("note", "\0", "the input 'note' must be text", id="NUL"),
        pytest.param("note", "\ud800", "the input 'note' must be text", id="half a character"),
        pytest.param("targt", "x", "there is no input 'targt'; did you mean 'target'?", id="unknown, near"),
        pytest.param(
            "zzz", "x", "there is no input 'zzz'; known are target, count, ratio, dry-run, note", id="unknown"
        ),
    ],
)
def test_inputs_that_do_not_fit(name: str, value: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        resolve_inputs(load(INPUTS), {name: value})
    assert caught.value.sentence == said


def test_all_that_is_wrong_with_inputs_is_said_at_once() -> None:
    definition = load("github: {inputs: {a: {required: true}, b: {type: number}}}")
    with pytest.raises(Misconfigured) as caught:
        resolve_inputs(definition, {"b": "secret value", "c": "3"})
    assert caught.value.sentence.splitlines() == [
        "there is no input 'c'; known are a, b",
        "the input 'a' is required (text)",
        "the input 'b' must be a number",
    ]


def test_an_automation_without_inputs_takes_none() -> None:
    with pytest.raises(Misconfigured, match="there is no input 'a': this automation declares none"):
        resolve_inputs(load(), {"a": "1"})


def test_an_empty_default_is_none() -> None:
    assert resolve_inputs(load("github: {inputs: {a: {default: , type: integer}}}"), {}) == {}


def test_false_is_a_value() -> None:
    declared = load("github: {inputs: {a: {type: boolean, default: false, choices: [false]}}}")
    assert resolve_inputs(declared, {}) == {"AUTOMATION_INPUT_A": "false"}


# words


def test_roles_are_ordered_by_what_they_permit() -> None:
    assert sorted(Role) == [Role.READ, Role.TRIAGE, Role.WRITE, Role.MAINTAIN, Role.ADMIN]
    assert Role.ADMIN >= Role.WRITE
    assert Role.ADMIN > Role.MAINTAIN
    assert Role.READ <= Role.READ
    assert Role.TRIAGE < Role.WRITE


def test_state_is_closed() -> None:
    assert set(State) == {"ACTIVE", "INACTIVE", "DRAFT"}


def test_the_whole_file_has_a_name() -> None:
    assert dotted(()) == "the file"


def test_words_of_the_file_are_quoted_on_one_short_line() -> None:
    (warning,) = complaints('"a\\nb' + "c" * 100 + '": 1')
    assert warning == f"3:1: unknown key 'a\\nb{'c' * 54}...' is ignored"
    with pytest.raises(YamlInvalid):
        parse_yaml("a: 1\na: 1")
