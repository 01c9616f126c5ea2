"""What can be written to the bot, and what there is to be started. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from automation.catalogue import Found
from automation.definition import Definition
from automation.definition.github_key import Forks
from automation.definition.inputs import Input
from automation.report.fitting import Section
from automation.report.markdown import code, escape
from automation.sentences import one_line
from bot.commands import COMMAND
from bot.replies.text import ended, fitted, in_table, named, prose, reply, span

COMMANDS: Final = {
    "[name] [key=value ...] [--sha <40 hex>]": "start an automation; without a name, the only one that there is",
    "run <name> ...": "the same, for one that is called like a word of this table",
    "help": "this",
    "list": "the automations",
    "status [name]": "where the runs on this pull request are",
    "cancel [name or run or all]": "stop what is under way",
    "retry [name]": "start again what has failed",
    "approve <40 hex>": "let a fork's commit run, once you have looked at it",
    "why [name]": "why the last run ended as it did, or why there is none",
}

NO_AUTOMATIONS: Final = "The base branch has no automations. Each is a directory with an `automation.yaml` in `.openhands/automations`."

MOST_IN_FULL: Final = 30

_TEXT: Final = 300
_VALUE: Final = 60
_IN_FULL: Final = 10
_LISTED: Final = 20


def help(found: Sequence[Found]) -> str:  # noqa: A001  # the command's own name; called as `replies.help`
    """How to write commands, and every automation with its inputs.

    Args:
        found: the automations of the base branch, also those with errors.
    """
    rows = [f"| {code(f'{COMMAND} {words}')} | {what} |" for words, what in COMMANDS.items()]
    grammar = _table("A comment with this on a line of its own", "does this", rows=rows)
    rules = (
        'Values with spaces are put in quotation marks: `title="two words"`. One command for each comment; '
        "edited comments, code and quotations command nothing."
    )
    parts = [Section(_in_full(each), priority=_IN_FULL) for each in found[:MOST_IN_FULL]]
    more = (
        f"… and {len(found) - len(parts)} more: {code(f'{COMMAND} list')}." if len(found) > len(parts) else ""
    )
    return fitted([grammar, rules, *parts, more if found else NO_AUTOMATIONS])


def listing(found: Sequence[Found]) -> str:
    """Every automation in a line."""
    return fitted(_lines(found))


def which(asker: str, found: Sequence[Found]) -> str:
    """A command without a name, where there is not just one automation."""
    if not found:
        return reply(asker, f"There is nothing to start. {NO_AUTOMATIONS}")
    return reply(asker, f"Which one? Write {code(f'{COMMAND} <name>')}.", *_lines(found))


def _lines(found: Sequence[Found]) -> Iterator[str | Section]:
    if not found:
        yield NO_AUTOMATIONS
    else:
        yield Section("\n".join(f"- {_line(each)}" for each in found), priority=_LISTED)


def _line(found: Found) -> str:
    definition = found.reading.definition
    if definition is None:
        return f"{named(found.slug)} has errors: {_first_error(found)}"
    description = f": {_description(definition)}" if definition.description else ""
    name = one_line(definition.name, _VALUE)
    also = f" ({escape(name)})" if name != found.slug else ""
    return f"{named(found.slug)}{also}{description}{_arguments(definition)}"


def _description(definition: Definition) -> str:
    return ended(escape(one_line(definition.description or definition.name, _TEXT)))


def _arguments(definition: Definition) -> str:
    names = ", ".join(code(name) for name in definition.settings.inputs)
    return f" Takes {names}." if names else ""


def _in_full(found: Found) -> str:
    definition = found.reading.definition
    heading = f"### {named(found.slug)}"
    if definition is None:
        return f"{heading}\n\nHas errors and cannot be started: {_first_error(found)}"
    inputs = definition.settings.inputs
    rows = [_input_row(name, declared) for name, declared in inputs.items()]
    table = _table("Argument", "takes", "if it is left out", rows=rows) if rows else "It takes no arguments."
    return "\n\n".join([heading, _description(definition), _terms(definition), table])


def _terms(definition: Definition) -> str:
    """Who may start it, on what, for how long."""
    settings = definition.settings
    forks = "not on forks" if settings.forks is Forks.DENY else "on forks once the commit is approved"
    return f"For people with the role {code(settings.who)} or more; {forks}; {span(definition.timeout_seconds)} at most."


def _input_row(name: str, declared: Input) -> str:
    takes = f"one of {_values(declared.choices)}" if declared.choices else declared.type.phrase
    about = f"; {escape(one_line(declared.description, _TEXT))}" if declared.description else ""
    if declared.default is not None:
        default = _values([declared.default])
    else:
        default = "has to be given" if declared.required else "nothing"
    return f"| {in_table(code(name))} | {in_table(takes + about)} | {in_table(default)} |"


def _values(values: Iterable[object]) -> str:
    return ", ".join(code(one_line(_as_written(value), _VALUE)) or "an empty text" for value in values)


def _as_written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_error(found: Found) -> str:
    first, *rest = map(str, found.reading.errors)
    return prose(first) + (f" (and {len(rest)} more)" if rest else "")


def _table(*headings: str, rows: Iterable[str]) -> str:
    return "\n".join([f"| {' | '.join(headings)} |", "|---" * len(headings) + "|", *rows])
