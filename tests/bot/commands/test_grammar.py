"""A command says what it means or is a mistake that says what was expected; values arrive as they were written."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.report.markdown import disarm
from bot.commands import COMMAND, Command, Mistake, Verb, may_command, nearest_verb, read_command
from bot.commands.grammar import ARGUMENTS_LIMIT, NAME_LIMIT
from bot.commands.words import VALUE_LIMIT

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Command(Verb.RUN)),
        ("review", Command(Verb.RUN, "review")),
        ("\u00a0review\u3000", Command(Verb.RUN, "review")),
        ("Review", Command(Verb.RUN, "Review")),
        ('"Changelog guard"', Command(Verb.RUN, "Changelog guard")),
        ("'Changelog guard'", Command(Verb.RUN, "Changelog guard")),
        ("don't", Command(Verb.RUN, "don't")),
        ("review target=next deep=true", Command(Verb.RUN, "review", {"target": "next", "deep": "true"})),
        ("target=next", Command(Verb.RUN, "", {"target": "next"})),
        ("status=1", Command(Verb.RUN, "", {"status": "1"})),
        ("review k=a=b", Command(Verb.RUN, "review", {"k": "a=b"})),
        (
            "review u=https://example.test/?q=1#x",
            Command(Verb.RUN, "review", {"u": "https://example.test/?q=1#x"}),
        ),
        ('review k="two words"', Command(Verb.RUN, "review", {"k": "two words"})),
        ("review k='two words'", Command(Verb.RUN, "review", {"k": "two words"})),
        ('review k=""', Command(Verb.RUN, "review", {"k": ""})),
        (r'review k="say \"hi\" \\ \n"', Command(Verb.RUN, "review", {"k": r'say "hi" \ \n'})),
        (r"review k='it\'s' j=C:\new", Command(Verb.RUN, "review", {"k": "it's", "j": r"C:\new"})),
        ("review k=漢🎉", Command(Verb.RUN, "review", {"k": "漢🎉"})),
        ("review k=$(id);`id`", Command(Verb.RUN, "review", {"k": "$(id);`id`"})),
        ("review k=--sha", Command(Verb.RUN, "review", {"k": "--sha"})),
        (f"review --sha {SHA}", Command(Verb.RUN, "review", sha=SHA)),
        (f"review --sha={SHA.upper()} k=v", Command(Verb.RUN, "review", {"k": "v"}, SHA)),
        (f"--sha {SHA}", Command(Verb.RUN, sha=SHA)),
        ("run", Command(Verb.RUN)),
        ("run list", Command(Verb.RUN, "list")),
        ("run run k=v", Command(Verb.RUN, "run", {"k": "v"})),
        ('"list"', Command(Verb.RUN, "list")),
        ("List", Command(Verb.RUN, "List")),
        ("help", Command(Verb.HELP)),
        ("list", Command(Verb.LIST)),
        ("status", Command(Verb.STATUS)),
        ("status review", Command(Verb.STATUS, "review")),
        ("cancel", Command(Verb.CANCEL)),
        ("cancel all", Command(Verb.CANCEL, "all")),
        (
            "cancel 6b1f1f0e-7d3a-4b43-9d3c-1c2f9f1d0a11",
            Command(Verb.CANCEL, "6b1f1f0e-7d3a-4b43-9d3c-1c2f9f1d0a11"),
        ),
        ('retry "two words"', Command(Verb.RETRY, "two words")),
        ("why", Command(Verb.WHY)),
        ("why review", Command(Verb.WHY, "review")),
        (f"approve {SHA.upper()}", Command(Verb.APPROVE, sha=SHA)),
    ],
)
def test_commands(line: str, command: Command) -> None:
    assert read_command(f"{COMMAND} {line}") == command
    assert read_command(f"Thanks!\n\n{COMMAND}\t{line}  \nBye") == command


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("review next", "`next` is neither an argument nor an option"),
        ("k=v review", "`review` is neither an argument nor an option"),
        ("review k=", "the argument `k` has no value"),
        ("review k= v", "the argument `k` has no value"),
        ("review k = v", "`k` is neither an argument nor an option"),
        ("review =v", "`=` is no name of an argument"),
        ("review 1k=v", "`1k` is no name of an argument"),
        ("review a.b=v", "`a.b` is no name of an argument"),
        ("review k=1 k=2", "the argument `k` is given twice"),
        ('review k="open', "a quotation mark is not closed, or stands in the middle of a word"),
        ('review k="a"b', "a quotation mark is not closed, or stands in the middle of a word"),
        ('review "k"=v', "a quotation mark is not closed, or stands in the middle of a word"),
        (r'review k="a\"', "a quotation mark is not closed, or stands in the middle of a word"),
        ("review k=“two words”", "the value of `k` begins with a typographic quotation mark"),
        ("“review”", "one word of the command begins with a typographic quotation mark"),
        ("review —sha 1", "an option begins with a long dash"),
        ("review --force", "there is no option `--force`"),
        ("review --force=1", "there is no option `--force`"),
        ("-h", "there is no option `-h`"),
        ("review --sha", "`--sha` takes all 40 hexadecimal digits of a commit's SHA"),
        (
            "review --sha 0123456",
            "`--sha` takes all 40 hexadecimal digits of a commit's SHA, and `0123456` is not",
        ),
        ("review --sha k=v", "`--sha` takes all 40 hexadecimal digits of a commit's SHA"),
        (f"review --sha {SHA} --sha {SHA}", "`--sha` is given twice"),
        (
            f"review --sha {SHA}0",
            "`--sha` takes all 40 hexadecimal digits of a commit's SHA, and a word of 41 characters is not",
        ),
        ("approve", "`approve` takes all 40 hexadecimal digits of a commit's SHA"),
        (
            "approve 0123456",
            "`approve` takes all 40 hexadecimal digits of a commit's SHA, and `0123456` is not",
        ),
        (f"approve {SHA} review", "nothing comes after `approve <sha>`"),
        ("help review", "nothing comes after `help`"),
        ("list all", "nothing comes after `list`"),
        ("status two words", "nothing comes after `status <name>`"),
        ("cancel k=v", "`cancel` takes a name and no arguments"),
        ("retry --sha", "`retry` takes a name and no arguments"),
        ("tools/review", "`tools/review` is a path, and a comment names an automation"),
        ("run ..", "`..` is a path, and a comment names an automation"),
        (r"a\b", r"`a\b` is a path, and a comment names an automation"),
        ("automation.yaml", "`automation.yaml` is a path, and a comment names an automation"),
        ('""', "the name is empty"),
        ("status ''", "the name is empty"),
        ("review k='a\tb'", None),
        ("review k='a\x07b'", "a command has no control characters in it"),
        ("review k='a\x85b'", "a command has no control characters in it"),
        ("review k='a\ud800b'", "a command has no control characters in it"),
        (
            f"review k={'v' * 1001}",
            f"the value of `k` is 1001 characters long, and {VALUE_LIMIT} is the most",
        ),
        ("r" * 501, f"the name is 501 characters long, and {NAME_LIMIT} is the most"),
        (" ".join(f"k{n}=v" for n in range(51)), f"there are more than {ARGUMENTS_LIMIT} arguments"),
    ],
)
def test_mistakes(line: str, sentence: str | None) -> None:
    read = read_command(f"{COMMAND} {line}")
    if sentence is None:
        assert isinstance(read, Command)
    else:
        assert isinstance(read, Mistake)
        assert read.sentence == sentence


def test_one_comment_one_command() -> None:
    read = read_command(f"{COMMAND} a\n\n{COMMAND} b")
    assert isinstance(read, Mistake)
    assert read.sentence == "the comment has more than one command, so none was followed"


@pytest.mark.parametrize("body", ["", "hello", "/run-automations", f"`{COMMAND} help`", f"see {COMMAND}"])
def test_ordinary_talk_is_left_alone(body: str) -> None:
    assert read_command(body) is None


@pytest.mark.parametrize(
    "line",
    [
        "a k= {secret}",
        "a k=v {secret}",
        "a 1k={secret}",
        "a --sha {secret}",
        'a k="{secret}',
        "a k=“{secret}",
    ],
)
def test_a_long_word_is_never_quoted_back(line: str) -> None:
    secret = "ghs_" + "s" * 60
    read = read_command(f"{COMMAND} {line.format(secret=secret)}")
    assert isinstance(read, Mistake)
    assert "ghs_" not in read.sentence + read.hint


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        ("hlep", Verb.HELP),
        ("Help", Verb.HELP),
        ("halp", Verb.HELP),
        ("?", Verb.HELP),
        ("stats", Verb.STATUS),
        ("cancle", Verb.CANCEL),
        ("stop", Verb.CANCEL),
        ("rerun", Verb.RETRY),
        ("aprove", Verb.APPROVE),
        ("lst", Verb.LIST),
        ("review", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_the_nearest_verb(word: str, verb: Verb | None) -> None:
    assert nearest_verb(word) is verb


values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,10}", fullmatch=True)
names = values.filter(lambda name: name.strip() and not {"/", "\\"} & set(name) and name not in {".", ".."})


def quoted(text: str, mark: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"


@given(
    name=names,
    arguments=st.dictionaries(keys, values, max_size=6),
    mark=st.sampled_from(['"', "'"]),
    sha=st.just("") | st.from_regex("[0-9a-f]{40}", fullmatch=True),
)
def test_whatever_is_quoted_arrives(name: str, arguments: dict[str, str], mark: str, sha: str) -> None:
    words = [quoted(name, mark), *(f"{key}={quoted(value, mark)}" for key, value in arguments.items())]
    option = [f"--sha {sha}"] if sha else []
    body = " ".join([COMMAND, *words, *option])
    assert read_command(body) == Command(Verb.RUN, name, arguments, sha)


wild = st.lists(
    st.sampled_from([COMMAND, f"\n{COMMAND} ", "\n", " ", "=", '"', "'", "\\", "--sha", *Verb, "k=v", SHA])
    | st.text(max_size=4),
    max_size=20,
).map("".join)


@given(body=wild)
@settings(max_examples=300)
def test_no_text_is_too_wild(body: str) -> None:
    read = read_command(body)
    assert may_command(body) or read is None
    if isinstance(read, Mistake):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", read.sentence)
        assert disarm(read.sentence) == read.sentence
        assert "\n" not in read.sentence + read.hint
    if isinstance(read, Command):
        assert all(key.isascii() and len(value) <= VALUE_LIMIT for key, value in read.arguments.items())


def test_a_long_command_is_read_at_once() -> None:
    body = " ".join([COMMAND, "a", *(f'k{n}="{"v " * 490}"' for n in range(50))])
    read = read_command(body)
    assert isinstance(read, Command)
    assert len(read.arguments) == 50
    assert isinstance(read_command(f'{COMMAND} "{"\\" * 60_000}'), Mistake)
    assert isinstance(read_command(f"{COMMAND} {'a=' * 30_000}"), Mistake)
    assert isinstance(read_command(f"{COMMAND} {'a ' * 30_000}"), Mistake)
