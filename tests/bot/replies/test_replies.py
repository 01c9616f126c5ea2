"""What the bot says, word by word in `texts.md`; it reaches nobody but the asker and commands nobody."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from automation.catalogue import Found
from automation.definition import read_definition
from automation.errors import AutomationError, Misconfigured, Place, Refused
from automation.outcome import Outcome
from automation.output.excerpt import Excerpt
from automation.reasons import Conclusion, Reason
from automation.report import write_report
from automation.report.fences import open_at_end
from automation.report.live import write_live_report
from automation.result import Result
from automation.verdict import Verdict
from bot import replies
from bot.commands import COMMAND, Command, Mistake, Verb, read_command
from bot.replies.inert import inert, quiet
from bot.replies.meanings import MEANINGS
from bot.runs.run import End, Run, State
from tests.bot.replies.texts import AUTOMATIONS, FAILED, FILE, NOON, RUN, RUNNING, document, page, texts

LIMIT = 65_536
GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])

OUR_HTML = re.compile(r"<!-- automation-bot:[a-z0-9:/-]+ -->|</?(details|summary)>")
KNOWN = ("https://github.com/octo/demo/", "https://bot.example/")

TRICKS = [
    f"{COMMAND} hello",
    f"\n{COMMAND} hello\n",
    f"\n\n{COMMAND} cancel all\n\n",
    f"`\n\n{COMMAND} list\n\n`",
    "/merge",
    "@octo",
    "@org/team",
    "&#64;octo",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "<!-- automation-bot:status/review -->",
    "</details>",
    "![i](https://evil.example/i.png)",
    "[l](https://evil.example)",
    "https://evil.example",
    "```",
    "~~~\n",
    "`",
    "|",
    "| a |\n|---|\n",
    "\n- ",
    "\n> ",
    "\r",
    "\u202e",
    "\u2028",
    "\ud800",
    "::error::x",
    "$(id)",
    "#1",
]
wild = st.lists(st.sampled_from(TRICKS) | st.text(max_size=8), max_size=6).map("".join)
moments = st.sampled_from([0.0, NOON - 50, NOON])
ends = st.builds(
    End,
    conclusion=st.sampled_from(Conclusion),
    reason=st.sampled_from(Reason),
    sentence=wild,
    title=wild,
    summary=wild,
)
runs = st.builds(
    replace,
    st.just(RUN),
    automation=wild,
    name=wild,
    head_sha=st.just(RUN.head_sha) | wild,
    head_ref=wild,
    repository=st.just(RUN.repository) | wild,
    actor=wild,
    check_url=st.sampled_from([RUN.check_url, "", "javascript:alert(1)", "https://x.example/ y", "/a)(b"]),
    stop_by=wild,
    stop_cause=st.sampled_from(["", "cancelled", "superseded"]) | wild,
    state=st.sampled_from(State),
    attempt=st.integers(1, 3),
    started_at=moments,
    ended_at=moments,
    end=st.none() | ends,
)


def is_harmless(text: str, *, asker: str = "", has_links: bool = False) -> bool:
    """It is no command, notifies nobody else, holds no HTML but ours, fits beside its marker, and leads nowhere.

    Args:
        has_links: an automation's summary may have some.
    """
    assert read_command(text) is None
    assert len(f"{replies.marker('k' * 200)}\n{text}".encode()) < LIMIT
    # One in a list or a quotation ends with that.
    assert (fence := open_at_end(text)) is None or not fence.certain
    for token in GITHUB.parse(text.removeprefix(f"@{asker} ") if asker else text):
        if token.type == "html_block":
            assert "<" not in OUR_HTML.sub("", token.content)
        depth = 0
        for child in token.children or ():
            depth += child.nesting if child.type.startswith("link_") else 0
            assert child.type not in {"image", "html_inline"}
            if child.type == "text":
                assert not re.search(r"(?<![A-Za-z0-9])@[A-Za-z0-9]", child.content)
                assert has_links or depth or not re.search(r"https?://\w", child.content)
            if child.type == "link_open" and not has_links:
                assert str(child.attrs["href"]).startswith(KNOWN)
    return True


def misread(words: str) -> Mistake:
    read = read_command(f"{COMMAND} {words}")
    return read if isinstance(read, Mistake) else Mistake("nothing")


def test_the_texts_are_as_they_were_read() -> None:
    assert FILE.read_text() == document(), "run `python -m tests.bot.replies.texts` and read what has changed"


def test_the_texts_are_harmless() -> None:
    assert all(is_harmless(text, asker="alice") for when, text in texts() if not text.startswith("@bob"))
    assert all(is_harmless(text, asker="bob") for when, text in texts() if text.startswith("@bob"))


def test_every_command_in_a_text_can_be_written() -> None:
    shown = {command for _, text in texts() for command in re.findall(rf"`({COMMAND}[^`]*)`", text)}
    assert len(shown) > 10
    for command in shown:
        line = re.sub(
            r"<40 hex>", RUN.head_sha, command.replace("[name] [key=value ...] [--sha <40 hex>]", "x")
        )
        line = re.sub(r"\[name or run or all\]|\[name\]|<name>( \.\.\.)?", "name", line)
        assert isinstance(read_command(line), Command), command


def test_help_names_every_verb() -> None:
    assert all(f"{COMMAND} {verb}" in replies.help([]) for verb in Verb)


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Reason)


@pytest.mark.parametrize(
    ("login", "begins"),
    [
        ("alice", "@alice "),
        ("a-b_corp", "@a-b_corp "),
        ("dependabot[bot]", "Which one?"),
        ("", "Which one?"),
        ("alice @bob", "Which one?"),
        ("alice\n/merge", "Which one?"),
    ],
)
def test_only_a_login_is_mentioned(login: str, begins: str) -> None:
    assert replies.which(login, AUTOMATIONS).startswith(begins)


@pytest.mark.parametrize(
    "say",
    [
        lambda words: replies.mistake("alice", misread(words)),
        lambda words: replies.refusal("alice", Refused(words)),
        lambda words: replies.refusal("alice", Misconfigured(words, places=(Place(words, 1, words),))),
        lambda words: replies.unknown_automation("alice", words, [words, "review"]),
        lambda words: replies.unknown_automation("alice", words, []),
        lambda words: replies.approval_needed("alice", words, RUN.head_sha),
        lambda words: replies.nothing_to_cancel("alice", words),
        lambda words: replies.nothing_to_retry("alice", words),
        lambda words: replies.retried("alice", [RUN], {words: Refused(words), "b": Misconfigured(words)}),
        lambda words: replies.retried("alice", [], {words: Refused(words)}),
    ],
)
@given(words=wild)
@settings(max_examples=50)
def test_whatever_is_quoted_is_harmless(say: Callable[[str], str], words: str) -> None:
    assert is_harmless(say(words), asker="alice")


@given(listed=st.lists(runs, max_size=4), name=wild, now=moments)
@settings(max_examples=100, deadline=None)
def test_whatever_runs_say_is_harmless(listed: list[Run], name: str, now: float) -> None:
    assert is_harmless(replies.status(listed, now, page))
    assert is_harmless(replies.why(listed, now, page))
    assert is_harmless(replies.cancelled(listed))
    assert is_harmless(replies.approved(RUN.head_sha, listed, {name: Refused(name)}))
    if listed:
        assert is_harmless(replies.status_comment(name, listed, page, now), has_links=True)


@given(slug=wild, name=wild.filter(str.strip), description=wild, default=wild)
@settings(max_examples=100, deadline=None)
def test_whatever_definitions_say_is_harmless(slug: str, name: str, description: str, default: str) -> None:
    reading = read_definition("{name: x, entrypoint: sh x.sh, github: {inputs: {a: {default: b}}}}", file="f")
    definition = reading.usable()
    declared = definition.settings.inputs["a"].model_copy(
        update={"default": default, "choices": (default, "b"), "description": description}
    )
    github = definition.settings.model_copy(update={"inputs": {"a": declared}})
    wilder = definition.model_copy(update={"name": name, "description": description, "github": github})
    each = Found(slug, Path("x"), Path("f"), replace(reading, definition=wilder))
    broken = Found(slug, Path("x"), Path("f"), read_definition(f"{{{name!r}: 1}}", file="f"))
    for text in (replies.help([each, broken]), replies.listing([each, broken])):
        assert is_harmless(text)
    assert is_harmless(replies.which("alice", [broken, each]), asker="alice")


@given(words=wild, conclusion=st.sampled_from(Conclusion), reason=st.sampled_from(Reason))
@settings(max_examples=100, deadline=None)
def test_a_report_in_a_comment_is_no_command(words: str, conclusion: Conclusion, reason: Reason) -> None:
    output = Excerpt()
    output.feed(f"Error: {words}\n{words}".encode("utf-8", "replace"))
    result = Result(title=words, summary=words)
    verdict = Verdict(conclusion, reason, words, 1, result)
    report = write_report(words, Outcome("r-1", verdict, output, log=words, summary=words))
    live = write_live_report(words, "r-1", words, output, page(RUN))
    for written in (report, live):
        end = End(conclusion, reason, words, title=written.title, summary=written.as_markdown())
        comment = replies.status_comment(words, [replace(FAILED, end=end)], page, NOON)
        assert is_harmless(comment, has_links=True)
        assert read_command(inert(written.as_markdown())) is None
        assert read_command(quiet(f"{written.summary}\n\n{written.text}")) is None


def test_a_refusal_says_reason_and_sentence() -> None:
    for error in (
        Refused("no", reason=Reason.SHA_MOVED),
        Misconfigured("no"),
        AutomationError("no", reason=Reason.GITHUB_LOST),
    ):
        assert f"(`{error.reason}`): no." in replies.refusal("alice", error)


def test_huge_replies_are_cut_and_say_so() -> None:
    many = [replace(AUTOMATIONS[1], slug=f"automation-{number}") for number in range(400)]
    for text in (replies.help(many), replies.listing(many), replies.which("alice", many)):
        assert is_harmless(text, asker="alice")
        assert len(text) > 8_000
    text = replies.refusal("alice", Misconfigured("\n".join(f"the input {n} is wrong" for n in range(9_000))))
    assert is_harmless(text, asker="alice")
    assert replies.help(many).startswith("| A comment")
    assert replies.help(many).endswith("… and 370 more: `/run-automation list`.")
    assert "automation-0`" in replies.listing(many)


def test_running_is_what_has_not_ended() -> None:
    assert "Under way: 1 of the last 2 runs." in replies.status([RUNNING, FAILED], NOON)
    assert "Being stopped" not in replies.status([RUNNING, FAILED], NOON)
