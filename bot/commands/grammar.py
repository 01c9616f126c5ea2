"""The grammar of `/run-automation`: a comment's text in, a command or what is wrong with it out. Pure.

    /run-automation [run] [name] [key=value ...] [--sha <40 hex>]
    /run-automation help | list | status [name] | cancel [name | run id | all] | retry [name]
    /run-automation approve <40 hex> | why [name]

A comment holds one command. What follows `run`, and what is quoted, is a name even where it is a verb's. Values
are data: whatever is written arrives as it is, and is never quoted back where it is wrong. A comment without a
command is None, so that ordinary talk is left alone; with a broken one, the commenter is told what was expected.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, assert_never

from automation.definition.problems import nearest
from automation.report.markdown import code
from bot.commands.command import COMMAND, Command, Mistake, Verb
from bot.commands.markdown import command_lines
from bot.commands.words import Misread, Word, read_words, shown

ARGUMENTS_LIMIT: Final = 50
NAME_LIMIT: Final = 500
"""Characters of a name: as many as an `automation.yaml` may have in its `name`."""

_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHA: Final = re.compile(r"[0-9A-Fa-f]{40}")
_PATH: Final = re.compile(r"[/\\]|\A(?:\.\.?|automation\.yaml)\Z")
_OPTION: Final = "--sha"
_SYNONYMS: Final[Mapping[str, Verb]] = {
    "?": Verb.HELP,
    "abort": Verb.CANCEL,
    "kill": Verb.CANCEL,
    "ls": Verb.LIST,
    "ok-to-test": Verb.APPROVE,
    "rerun": Verb.RETRY,
    "restart": Verb.RETRY,
    "start": Verb.RUN,
    "stop": Verb.CANCEL,
}
_CLOSE_ENOUGH: Final = 0.7


def may_command(body: str) -> bool:
    """Whether reading the comment may be worthwhile: cheap, and never False where `read_command` finds anything."""
    return COMMAND in body


def read_command(body: str) -> Command | Mistake | None:
    """The command of a comment.

    Args:
        body: the Markdown as it was written, any text at all.

    Returns:
        None where no line of it is a command; a `Mistake` where one is, but cannot be followed.
    """
    lines = command_lines(body)
    if not lines:
        return None
    if len(lines) > 1:
        return Mistake(
            "the comment has more than one command, so none was followed", "Write one comment for each."
        )
    try:
        return _command(list(read_words(lines[0].removeprefix(COMMAND))))
    except Misread as misread:
        return misread.mistake


def nearest_verb(word: str) -> Verb | None:
    """The verb that was probably meant by a word that is none; None when none is close."""
    near = _SYNONYMS.get(word.casefold()) or nearest(word, Verb, cutoff=_CLOSE_ENOUGH)
    return Verb(near) if near else None


def _command(words: list[Word]) -> Command:
    first, *rest = words or [Word("")]
    if first.key or first.is_quoted or first.text not in set(Verb):
        return _run(words)
    verb = Verb(first.text)
    match verb:
        case Verb.RUN:
            return _run(rest)
        case Verb.HELP | Verb.LIST:
            _check_no_more(verb, rest)
            return Command(verb)
        case Verb.STATUS | Verb.CANCEL | Verb.RETRY | Verb.WHY:
            return Command(verb, name=_only_name(verb, rest))
        case Verb.APPROVE:
            return Command(verb, sha=_approved(rest))
        case _:
            assert_never(verb)


def _run(words: Iterable[Word]) -> Command:
    name, sha, arguments = "", "", dict[str, str]()
    is_first, rest = True, iter(words)
    for word in rest:
        if _is_option(word):
            if sha:
                raise Misread(f"{code(_OPTION)} is given twice", "Name the one commit that is meant.")
            sha = _option(word, rest)
        elif word.key or (not word.is_quoted and "=" in word.text):
            _add(arguments, word)
        elif is_first:
            name = _name(word)
        else:
            raise Misread(
                f"{shown(word.text)} is neither an argument nor an option",
                f"After the name come arguments, {code('key=value')}; "
                f"what has spaces in it is put in quotation marks: {code('key="two words"')}.",
            )
        is_first = False
    return Command(Verb.RUN, name, arguments, sha)


def _is_option(word: Word) -> bool:
    return word.key.startswith("-") or (not word.key and not word.is_quoted and word.text.startswith("-"))


def _option(word: Word, rest: Iterator[Word]) -> str:
    name = word.key or word.text
    if name != _OPTION:
        raise Misread(
            f"there is no option {shown(name)}",
            f"The only one is {code('--sha <40 hexadecimal digits>')}; {code(f'{COMMAND} help')} shows the rest.",
        )
    value = Word(word.text) if word.key else next(rest, Word(""))
    return _full_sha(value, code(_OPTION))


def _full_sha(word: Word, what: str) -> str:
    """The SHA in lower case; a shorter one can be forged in minutes, so only a full one names a commit."""
    if word.key or not _SHA.fullmatch(word.text):
        given = f", and {shown(word.text)} is not" if word.text and not word.key else ""
        raise Misread(
            f"{what} takes all 40 hexadecimal digits of a commit's SHA{given}",
            "Copy it from the pull request's list of commits.",
        )
    return word.text.lower()


def _add(arguments: dict[str, str], word: Word) -> None:
    if not _KEY.fullmatch(word.key):
        raise Misread(
            f"{shown(word.key or word.text.partition('=')[0] or '=')} is no name of an argument",
            "A name is made of letters, digits, `_` and `-`, and does not begin with a digit or `-`.",
        )
    if not word.has_value:
        raise Misread(
            f"the argument {shown(word.key)} has no value",
            f"Write {code('key=value')} without spaces around the `=`, or {code('key=""')} for an empty text.",
        )
    if word.key in arguments:
        raise Misread(f"the argument {shown(word.key)} is given twice", "Keep one of them.")
    if len(arguments) == ARGUMENTS_LIMIT:
        raise Misread(f"there are more than {ARGUMENTS_LIMIT} arguments")
    arguments[word.key] = word.text


def _name(word: Word) -> str:
    if not word.text.strip():
        raise Misread("the name is empty", f"{code(f'{COMMAND} list')} shows the names that there are.")
    if _PATH.search(word.text):
        raise Misread(
            f"{shown(word.text)} is a path, and a comment names an automation",
            f"{code(f'{COMMAND} list')} shows the names that there are.",
        )
    if len(word.text) > NAME_LIMIT:
        raise Misread(f"the name is {len(word.text)} characters long, and {NAME_LIMIT} is the most")
    return word.text


def _only_name(verb: Verb, words: list[Word]) -> str:
    if not words:
        return ""
    if words[0].key or _is_option(words[0]):
        raise Misread(
            f"{code(verb)} takes a name and no arguments", f"Write {code(f'{COMMAND} {verb} [name]')}."
        )
    _check_no_more(f"{verb} <name>", words[1:])
    return _name(words[0])


def _approved(words: list[Word]) -> str:
    sha = _full_sha(words[0] if words else Word(""), code(Verb.APPROVE))
    _check_no_more(f"{Verb.APPROVE} <sha>", words[1:])
    return sha


def _check_no_more(what: str, words: list[Word]) -> None:
    if words:
        raise Misread(
            f"nothing comes after {code(what)}",
            "A name with spaces in it is put in quotation marks; "
            f"an automation that is called like a verb is started by {code(f'{COMMAND} run <name>')}.",
        )
