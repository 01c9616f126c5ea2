"""What an automation is, read from its `automation.yaml`.

Pure: text in, a `Definition` and everything that is wrong with it out, each with its line. Keys that OpenHands
may add one day are warnings, not errors; what would be misread if it were passed over is an error.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from automation.definition.automation_yaml import DEFAULT_TIMEOUT, MAX_TIMEOUT, Definition
from automation.definition.complaints import describe
from automation.definition.github_key import Concurrency, GitHubKey
from automation.definition.inputs import Input, resolve
from automation.definition.located_yaml import Document, KeyPath, YamlInvalid, parse_yaml
from automation.definition.problems import Problem, Severity, nearest, quote
from automation.definition.trigger import CronTrigger, EventTrigger
from automation.errors import Misconfigured, Place

__all__ = [
    "DEFAULT_TIMEOUT",
    "MAX_TIMEOUT",
    "Definition",
    "Problem",
    "Reading",
    "Severity",
    "load_definition",
    "read_definition",
    "resolve_inputs",
]

# What a Fernet token, the form of git sync's encrypted files, begins with.
_ENCRYPTED: Final = "gAAAAA"

# A misspelt `github:` would silently drop all that it restricts; no key of OpenHands' is this close to it.
_MEANT_GITHUB: Final = 0.8

_KEYS: Final = tuple(field.alias or name for name, field in Definition.model_fields.items())


@dataclass(frozen=True)
class Reading:
    """A definition file as read: no definition without errors in `problems`; warnings may stand beside one."""

    definition: Definition | None
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)

    def usable(self) -> Definition:
        """The definition.

        Raises:
            Misconfigured: there are errors; names all of them, one per line.
        """
        if self.definition is None:
            places = tuple(Place(each.file, each.line, each.message) for each in self.errors)
            raise Misconfigured("\n".join(map(str, self.errors)), places=places)
        return self.definition


def read_definition(text: str, *, file: str) -> Reading:
    """Read an `automation.yaml` and say all that is wrong with it at once.

    Args:
        text: The content of the file.
        file: Its name in the messages.
    """
    if text.startswith(_ENCRYPTED):
        said = "OpenHands git sync has encrypted this file; store it without encryption to run it here"
        return Reading(None, (Problem(file, 1, 1, Severity.ERROR, said),))
    problems: list[Problem] = []
    document: Document | None
    try:
        document = parse_yaml(text)
    except YamlInvalid as invalid:
        document = invalid.document
        problems += [
            Problem(file, flaw.line, flaw.column, Severity.ERROR, flaw.message) for flaw in invalid.flaws
        ]
    definition = None
    if document is not None:
        definition, found = _judge(document)
        problems += [Problem(file, *document.locate(path), severity, said) for path, severity, said in found]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    reading = Reading(definition, tuple(problems))
    return Reading(None, reading.problems) if reading.errors else reading


def load_definition(text: str, file: str) -> Definition:
    """Read an `automation.yaml` that has to be right.

    Raises:
        Misconfigured: all that is wrong with it, one `file:line:column: message` per line.
    """
    return read_definition(text, file=file).usable()


def resolve_inputs(definition: Definition, given: Mapping[str, str]) -> dict[str, str]:
    """What a run of this automation gets in its environment for the inputs it was given.

    Args:
        definition: The automation.
        given: Text by input name.

    Returns:
        Text by variable name (`AUTOMATION_INPUT_<NAME>`); no variable for an input without a value.

    Raises:
        Misconfigured: all that does not fit the declared inputs, one complaint per line.
    """
    return resolve(definition.settings.inputs, given)


type _Finding = tuple[KeyPath, Severity, str]


def _judge(document: Document) -> tuple[Definition | None, list[_Finding]]:
    data = {} if document.value is None else document.value
    findings = list(_doubts(data)) if isinstance(data, dict) else []
    try:
        definition = Definition.model_validate(data)
    except ValidationError as invalid:
        return None, findings + [_finding(error) for error in invalid.errors(include_url=False)]
    if definition.trigger is not None:
        findings += [(("trigger", key), Severity.WARNING, said) for key, said in definition.trigger.doubts()]
    return definition, findings


def _doubts(data: Mapping[Any, Any]) -> Iterator[_Finding]:
    for key in data:
        if key in _KEYS:
            continue
        if nearest(key, ["github"], cutoff=_MEANT_GITHUB):
            yield (key,), Severity.ERROR, f"unknown key {quote(key)}; did you mean 'github'?"
        elif key in GitHubKey.model_fields:
            yield (
                (key,),
                Severity.WARNING,
                f"the key {quote(key)} is ignored here; it belongs under 'github:'",
            )
        else:
            near = nearest(key, _KEYS)
            meant = f"; did you mean {quote(near)}?" if near else ""
            yield (key,), Severity.WARNING, f"unknown key {quote(key)} is ignored{meant}"
    names = data.get("tarball_executables", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        said = "'tarball_executables' must be a list of file names; what is not is ignored, as OpenHands does"
        yield ("tarball_executables",), Severity.WARNING, said


def _finding(error: ErrorDetails) -> _Finding:
    location = error["loc"]
    path = tuple(part for part in location if part != "[key]")
    if path[:1] == ("trigger",) and path[1:2] in {("cron",), ("event",)}:
        path = (path[0], *path[2:])
    if error["type"].startswith("union_tag_"):
        path = (*path, "type")
    return path, Severity.ERROR, describe(path, error, _keys_beside(location))


def _keys_beside(location: KeyPath) -> Iterable[str]:
    """The keys that are known where pydantic found an unknown one."""
    match location[:-1]:
        case ("trigger", "cron"):
            return CronTrigger.model_fields
        case ("trigger", "event"):
            return EventTrigger.model_fields
        case ("github", "inputs", _):
            return Input.model_fields
        case ("github", "concurrency"):
            return Concurrency.model_fields
        case _:
            return GitHubKey.model_fields
