"""Whatever an automation prints, and however it is cut: GitHub's runner obeys us and nobody else.

The runner is a model of `ActionCommandManager.cs` of actions/runner, which it follows where that is strict and
outdoes where it is lenient: any word is a command here, in both of the forms that the runner knows.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automation.action.job_log import JobLog
from automation.action.workflow_commands import annotation, command
from automation.result import AnnotationLevel
from automation.run.progress import Phase

_WHITE = " \t\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2028\u2029\u202f\u3000\u200b\ufeff"
_OLD_FORM = re.compile(r"##\[([^\] ]+)[^\]]*\](.*)")


@dataclass
class Runner:
    """Reads a step's output.

    Attributes:
        obeyed: the commands that it took, as they stood in the log.
        shown: the lines that it took for text.
        token: that it waits for while it takes no commands.
        tokens: all that it was ever told to wait for.
    """

    obeyed: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    token: str | None = None
    tokens: list[str] = field(default_factory=list)

    def read(self, log: bytes) -> "Runner":
        for line in re.split(r"\r\n|\r|\n", log.decode("utf-8", "replace")):
            self._take(line)
        return self

    def _take(self, line: str) -> None:
        name, data = _parse(line)
        if self.token is not None:
            if name.casefold() == self.token.casefold():
                self.token = None
            else:
                self.shown.append(line)
        elif name.casefold() == "stop-commands":
            self.token = data
            self.tokens.append(data)
        elif name:
            self.obeyed.append(line)
        else:
            self.shown.append(line)


def _parse(line: str) -> tuple[str, str]:
    """Name and data of the command in a line, empty for none: `::name properties::data`, or `##[name]data` anywhere."""
    stripped = line.strip().strip(_WHITE)
    if stripped.startswith("::") and "::" in stripped[2:]:
        head, data = stripped[2:].split("::", 1)
        if name := head.split(" ", 1)[0]:
            return name, data
    if found := _OLD_FORM.search(line):
        return found[1], found[2]
    return "", ""


class Story:
    """A log that is written, and what ought to be obeyed of it."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self.log = JobLog(self.stream)
        self.ours: list[str] = []
        self.foreign: list[bytes] = []

    @property
    def runner(self) -> Runner:
        return Runner().read(self.stream.getvalue())

    def output(self, data: bytes) -> None:
        self.log.output(data)
        self.foreign.append(data)

    def commands(self, *commands: str) -> None:
        self.log.commands(*commands)
        self.ours += commands

    def replay(self, form: str) -> None:
        """Output that says again whatever word made the runner listen before."""
        spent = self.runner.tokens[:-1] if self.runner.token else self.runner.tokens
        for token in spent:
            self.output(form.format(token).encode())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("::error::x", "error"),
        ("  ::error file=a,line=1::x", "error"),
        ("\u2028::error::x", "error"),
        ("##[error]x", "error"),
        ("text ##[add-path /x]y", "add-path"),
        ("::x", ""),
        ("text ::error::x", ""),
        ("::::", ""),
        ("# [error]", ""),
    ],
)
def test_the_model_knows_commands(line: str, name: str) -> None:
    assert _parse(line)[0] == name
    assert bool(Runner().read(line.encode()).obeyed) is bool(name)


def test_commands_of_ours_are_obeyed() -> None:
    story = Story()
    story.commands("::add-mask::abcd")
    story.output(b"hello\n")
    story.commands("::error::one", "::warning::two")
    story.log.close()
    assert story.runner.obeyed == story.ours
    assert story.runner.token is None
    assert "hello" in story.runner.shown


HOSTILE = [
    b"::add-mask::x\n",
    b"\r::add-mask::x\r",
    b"##[add-mask]x\n",
    b"text ##[set-env name=PATH]x",
    b"::stop-commands::mine\n",
    b"::stop-commands::\n::endgroup::\n",
    b"\xe2\x80",
    b"\xff\xfe:\0:\0",
    b"\xef\xbb\xbf::error::x\n",
    b"  ::error::x",
    b"\xc2\x85::error::x\n",
    b"\x00::error::x\n",
    b"::",
    b":",
    b"\r",
    b"\n",
    b"#",
    b"##[",
    b"error]",
    b"error::x",
    b"",
]


@pytest.mark.parametrize("data", HOSTILE)
def test_output_is_text(data: bytes) -> None:
    story = Story()
    story.output(data)
    story.log.note("ours")
    story.output(data)
    story.commands("::notice::ours")
    story.output(data)
    story.log.close()
    assert story.runner.obeyed == ["::notice::ours"]
    assert story.runner.token is None
    assert story.stream.getvalue().count(data) >= 3


@pytest.mark.parametrize("cut", range(len(b"::error::x\r\n##[error]y\r\n") + 1))
def test_a_command_cut_in_two_is_text(cut: int) -> None:
    story = Story()
    data = b"::error::x\r\n##[error]y\r\n"
    story.output(data[:cut])
    story.log.note("ours")
    story.output(data[cut:])
    story.commands("::notice::ours")
    story.log.close()
    assert story.runner.obeyed == ["::notice::ours"]


FRAGMENTS = (
    st.sampled_from(HOSTILE) | st.binary(max_size=6) | st.text(max_size=6).map(lambda text: text.encode())
)
CHUNKS = st.lists(FRAGMENTS, max_size=4).map(b"".join)
WORDS = st.lists(
    st.sampled_from(["::error::x", "\n", "\r", "##[error]", "::", "%0A", "\u2028", "\x1b[31m", " "])
    | st.text(max_size=5),
    max_size=4,
).map("".join)
PHASES = st.sampled_from(Phase)
STEPS: st.SearchStrategy[Callable[[Story], None]] = st.one_of(
    CHUNKS.map(lambda data: lambda story: story.output(data)),
    CHUNKS.map(lambda data: lambda story: [story.output(bytes([byte])) for byte in data] and None),
    WORDS.map(lambda words: lambda story: story.log.note(words)),
    WORDS.map(lambda words: lambda story: story.log.say(words)),
    st.builds(lambda phase, words: lambda story: story.log.enter(phase, words), PHASES, WORDS),
    WORDS.map(
        lambda words: lambda story: story.commands(annotation(AnnotationLevel.FAILURE, words, title=words))
    ),
    WORDS.map(
        lambda words: lambda story: story.commands(command("notice", words), command("add-mask", words))
    ),
    st.just(lambda story: story.log.end()),
    st.sampled_from(["::{}::", "\n::{}::\n", "\r##[{}]\r"]).map(
        lambda form: lambda story: story.replay(form)
    ),
)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEPS, max_size=12))
@example(
    steps=[
        lambda story: story.output(b"::"),
        lambda story: story.log.note("x"),
        lambda story: story.output(b"x::"),
    ]
)
def test_nothing_foreign_is_ever_obeyed(steps: list[Callable[[Story], None]]) -> None:
    story = Story()
    for step in steps:
        step(story)
    story.log.close()
    runner = story.runner
    assert [line.strip() for line in runner.obeyed] == [line.strip() for line in story.ours]
    assert runner.token is None, "the next step's commands are its own"
    assert len(set(runner.tokens)) == len(runner.tokens)
    raw = story.stream.getvalue()
    at = 0
    for data in story.foreign:
        at = raw.index(data, at) + len(data)


@settings(max_examples=100, deadline=None)
@given(titles=st.lists(WORDS, max_size=4), data=CHUNKS)
def test_groups_are_ours_whatever_their_titles(titles: list[str], data: bytes) -> None:
    story = Story()
    for title in titles:
        story.log.group(title)
        story.output(data)
    story.log.close()
    obeyed = story.runner.obeyed
    assert len(obeyed) == 2 * len(titles)
    assert all(line.startswith("::group::") for line in obeyed[::2])
    assert all(line == "::endgroup::" for line in obeyed[1::2])


def test_a_group_ends_where_the_output_begins() -> None:
    story = Story()
    story.log.group("Preparing the run")
    for phase in (Phase.CONNECT, Phase.PREPARE, Phase.UPLOAD, Phase.START):
        story.log.enter(phase, "there")
    assert story.runner.obeyed == ["::group::Preparing the run"]
    story.log.enter(Phase.RUN)
    assert story.runner.obeyed == ["::group::Preparing the run", "::endgroup::"]
    story.log.end_group()
    story.log.close()
    assert story.runner.obeyed == ["::group::Preparing the run", "::endgroup::"]


def test_a_phase_is_told_when_it_is_over() -> None:
    story = Story()
    story.log.enter(Phase.UPLOAD, "650 KiB")
    assert b"upload" not in story.stream.getvalue()
    story.log.enter(Phase.START)
    assert re.search(rb"\nupload: \d+ ms 650 KiB\n", story.stream.getvalue())
    story.log.end()
    story.log.end()
    assert len(re.findall(rb"start: ", story.stream.getvalue())) == 1


def test_tokens_cannot_be_guessed_and_serve_once() -> None:
    tokens = []
    for _ in range(3):
        story = Story()
        for _ in range(20):
            story.output(b"x\n")
            story.commands("::notice::x")
        story.log.close()
        tokens += story.runner.tokens
    assert len(set(tokens)) == len(tokens) >= 60
    assert all(re.fullmatch(r"[0-9a-f]{32}", token) for token in tokens)


WRITES: list[Callable[[JobLog], None]] = [
    lambda log: log.output(b"\xff\xfe"),
    lambda log: log.say("\ufeff"),
    lambda log: log.note("x"),
]


@pytest.mark.parametrize("write", WRITES)
def test_the_very_first_bytes_are_ours(write: Callable[[JobLog], None]) -> None:
    """Marks of another encoding at the beginning of a stream would change how all of it is read."""
    stream = io.BytesIO()
    write(JobLog(stream))
    assert stream.getvalue().startswith(b"::stop-commands::")


def test_a_log_that_says_nothing_is_empty() -> None:
    story = Story()
    story.log.end()
    story.log.close()
    assert story.stream.getvalue() == b""


def test_closed_it_can_be_opened_again() -> None:
    story = Story()
    story.output(b"a\n")
    story.log.close()
    story.output(b"::error::b\n")
    story.log.close()
    story.log.close()
    assert story.runner.obeyed == []
    assert story.runner.token is None


def test_lines_of_ours_stand_on_their_own() -> None:
    story = Story()
    story.output(b"no end of line")
    story.log.note("ours")
    story.output(b"again")
    story.log.close()
    assert story.stream.getvalue().splitlines()[1:-1] == [b"no end of line", b"note: ours", b"again"]


def test_a_sentence_is_one_line_of_bounded_length() -> None:
    story = Story()
    story.log.say("a\nb\x1b[2Jc\0" + "x" * 5000)
    [_, line, _] = story.stream.getvalue().decode().split("\n")
    assert line.startswith("a b [2Jc xxx")
    assert len(line) <= 1000
    assert line.isprintable()


class Gone(io.BytesIO):
    """Nobody reads any more."""

    def __init__(self, error: Exception, after: int) -> None:
        super().__init__()
        self.error = error
        self.writes = after

    def write(self, data: object) -> int:
        self.writes -= 1
        if self.writes < 0:
            raise self.error
        return len(data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(28, "No space left"), ValueError("I/O on closed file")]
)
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_reader_that_is_gone_does_not_stop_the_step(error: Exception, after: int) -> None:
    stream = Gone(error, after)
    log = JobLog(stream)
    log.output(b"x")
    log.note("x")
    log.group("x")
    log.commands("::notice::x")
    log.enter(Phase.RUN)
    log.end()
    log.close()
    assert stream.writes == -1, "it is not tried again"
