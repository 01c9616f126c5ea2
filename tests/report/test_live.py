"""The report on a run under way says what it is doing and shows the end of its output, fits, and can be sent as it is."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.output.excerpt import Excerpt
from automation.report.fences import open_at_end
from automation.report.fitting import LIMIT
from automation.report.live import SHOWN, write_live_report

RUN = "12391758-bc02-4a9f-8093-303e1a2c0c4e"
URL = "https://github.com/octo/demo/actions/runs/4242"


def excerpt(data: bytes) -> Excerpt:
    """As a check run keeps it."""
    kept = Excerpt(head_bytes=0, tail_bytes=SHOWN)
    kept.feed(data)
    return kept


def test_a_run_that_has_said_nothing() -> None:
    for output in (None, excerpt(b"")):
        report = write_live_report("guard", RUN, "Starting", output)
        assert report.title == "Starting …"
        assert report.summary == f"Starting. Automation `guard` · run `{RUN}`"
        assert report.text == ""


def test_a_run_under_way() -> None:
    report = write_live_report("guard", RUN, "Running", excerpt(b"one\nError: two is broken\nthree\n"), URL)
    assert report.title == "Running …"
    assert report.summary == (
        f"Running. Automation `guard` · run `{RUN}` · [live log]({URL})\n\n"
        "First error so far:\n\n```text\nError: two is broken\n```"
    )
    assert report.text == "### Output so far\n\n```text\none\nError: two is broken\nthree\n```"


def test_the_end_of_a_long_output_is_shown() -> None:
    report = write_live_report(
        "guard", RUN, "Running", excerpt(b"".join(b"line %d\n" % n for n in range(100_000)))
    )
    assert report.text.rstrip("`\n").endswith("line 99999")
    assert "line 1\n" not in report.text
    assert SHOWN // 2 < len(report.text.encode()) < 2 * SHOWN


def test_control_characters_are_not_shown() -> None:
    report = write_live_report("guard", RUN, "Running", excerpt(b"\x1b[31mred\x1b[0m 10 %\r20 %\rdone\0\n"))
    assert "done" in report.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", report.text)


EVIL = [
    "`" * 20_000,
    "```\n@octo\n",
    "~~~",
    "@everyone",
    "<script>",
    "![x](http://y)",
    "\udcff",
    "\u202e",
    "[a](b)",
    "|",
]


@pytest.mark.parametrize("text", EVIL)
def test_nothing_gets_out_of_its_place(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    report = write_live_report(text, RUN, "Running", excerpt(data + b"\nError: " + data + b"\n"), URL)
    for part in (report.summary, report.text):
        assert open_at_end(part) is None
        outside = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", part)
        outside = re.sub(r"(?s)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
        assert not re.search(r"@\w|<script|!\[|\|", outside)


@settings(max_examples=200, deadline=None)
@given(
    name=st.text(max_size=500),
    doing=st.sampled_from(["Starting", "Running", "Being stopped"]) | st.text(max_size=20),
    pieces=st.lists(
        st.binary(max_size=50) | st.sampled_from([b"`" * 9000, b"x" * 20_000, b"\n" * 500, b"Error: x\n"])
    ),
)
def test_it_always_fits_and_can_be_sent(name: str, doing: str, pieces: list[bytes]) -> None:
    output = Excerpt(head_bytes=0, tail_bytes=SHOWN)
    for piece in pieces:
        output.feed(piece)
    report = write_live_report(name, RUN, doing, output, URL)
    for part in (report.summary, report.text):
        assert len(part.encode()) <= LIMIT
    assert report.title
    assert len(report.title.encode()) <= 255
