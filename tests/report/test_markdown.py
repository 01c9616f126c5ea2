"""Nothing a stranger, a log or a model writes reaches beyond the page, and a report always fits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from automation.output.terminal import plain
from automation.report.fences import close
from automation.report.fitting import LIMIT, Keep, Section, fit
from automation.report.markdown import code, disarm, escape, fence

Z = "\u200b"
MENTION = re.compile(r"(?<![\w`])@\w")
FENCES = ["`", "``", "```", "~~~", "``` py"]
BLOCKS = ["\n", "\n\n", " ", "    ", "\t", "- ", "1. ", "> ", "|", "\\"]
REACH = ["@user", "@org/team", "&#64;user", "<!--", "-->", "<img src=x>", "![alt](x)", "[a](b)", "#12"]
markdownish = st.lists(
    st.sampled_from([*FENCES, *BLOCKS, *REACH, "text", "é", "🎉"]),
    max_size=25,
).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]0;never ends\nnext", "\nnext"),
        ("\x1b(B\x1b=ok\x1b", "ok"),
        ("\x1b[12", ""),
        ("progress\rdone", "done"),
        ("10%\r50%\r\n", "50%\n"),
        ("50%\r\x1b[Kdone\r", "done"),
        ("a\r\nb\r\r\nc", "a\nb\nc"),
        ("abc\b\bxy", "axy"),
        ("\b\bx\n\by", "x\ny"),
        ("_\bb\tc\n", "b\tc\n"),
        ("nul\0bel\x07\x9b\x7f", "nulbel"),
        ("\ud800", "\ufffd"),
    ],
)
def test_plain_is_what_a_terminal_would_have_left(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(text=st.text(alphabet="\x1b[]\\\r\n\b;m0aé\x07P", max_size=60))
def test_plain_leaves_no_control(text: str) -> None:
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", plain(text)) is None
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello world", "hello world"),
        ("ask @user and @org/team", f"ask @{Z}user and @{Z}org/team"),
        ("mail a@b.example", f"mail a@{Z}b.example"),
        ("fixes #12, GH-3, o/r#4", f"fixes #{Z}12, GH{Z}-3, o/r#{Z}4"),
        ("**b** _i_ ~s~ `c`", r"\*\*b\*\* \_i\_ \~s\~ \`c\`"),
        ("![i](u) [l](u)", r"\!\[i\]\(u\) \[l\]\(u\)"),
        ("<img src=x> &lt;", "&lt;img src=x&gt; &amp;lt;"),
        ("see https://evil.example www.evil.example", f"see https:{Z}//evil.example www{Z}.evil.example"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("> quote", "&gt; quote"),
        ("a | b", r"a \| b"),
        ("$x$", "&#36;x&#36;"),
        ("two\n\nlines\u2028three", "two lines three"),
        ("\x1b[31mred\x1b[0m \u202egnp.exe", "red gnp.exe"),
        ("@\u200buser \ufeff\u00adx", f"@{Z}user x"),
        ("\\@user", rf"\\@{Z}user"),
        ("", ""),
    ],
)
def test_escape_shows_the_text_and_nothing_more(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(text=st.text() | markdownish)
def test_escape_has_no_live_syntax(text: str) -> None:
    shown = escape(text)
    assert MENTION.search(shown) is None
    assert re.search(r"(?<!\\)(?:\\\\)*[`*\[\]!|~]", re.sub(r"\\[`*\[\]!|~]", "", shown)) is None
    assert re.search(r"[<>\n]|#\d", shown.replace("&#36;", "")) is None
    assert shown.encode() is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x = 1", "`x = 1`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``x", "``` ``x ```"),
        ("two\nlines", "`two lines`"),
        ("  ", ""),
    ],
)
def test_code_spans(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x", "```text\nx\n```"),
        ("x\n", "```text\nx\n```"),
        ("", "```text\n```"),
        ("a ```` b", "`````text\na ```` b\n`````"),
    ],
)
def test_fences_are_longer_than_what_is_in_them(text: str, shown: str) -> None:
    assert fence(text) == shown


def test_an_info_string_cannot_break_out() -> None:
    assert fence("x", "c++`\n@a").startswith("```c++a\n")


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("# Title\n\n- **a** [l](https://x.example) `c`", "# Title\n\n- **a** [l](https://x.example) `c`"),
        ("ask @user, @org/team", f"ask @{Z}user, @{Z}org/team"),
        ("mail a@b.example, react@18", "mail a@b.example, react@18"),
        ("&#64;user &#x40;u &commat;u", f"&{Z}#64;user &{Z}#x40;u &{Z}commat;u"),
        ("run `npm i @types/node`", "run `npm i @types/node`"),
        ("a ` b\n`@user` c", f"a ` b\n`@{Z}user` c"),
        ("a ` b\n\n`@user` c", "a ` b\n\n`@user` c"),
        ("| `@a | b` |", f"| `@{Z}a | b` |"),
        (r"\`@user`", rf"\`@{Z}user`"),
        ("https://medium.example/@user", "https://medium.example/%40user"),
        ("<img src=x> <https://x.example> 1 < 2", f"<{Z}img src=x> <https://x.example> 1 < 2"),
        ("`<b>` <b>", f"`<b>` <{Z}b>"),
        ('![alt](https://x.example/y.png "t") ![](u)', "alt image"),
        ("[![badge](i)](l)", "[badge](l)"),
        ("![a][ref]", f"!{Z}[a][ref]"),
        ("a <!-- x --> b<!-- y -->", "a  b"),
        ("a <!-- x\n```\n@y --> b", "a  b"),
        ("a <!-- never ends", f"a <{Z}!-- never ends"),
        ("`<!-- code -->`", "`<!-- code -->`"),
        ("<!-- a -->```\n@user", f"{Z}```\n@{Z}user"),
        ("```py\n@decorator <b> <!-- c -->\n```\n@user", f"```py\n@decorator <b> <!-- c -->\n```\n@{Z}user"),
        ("```\nopen @user", "```\nopen @user\n```"),
        ("~~~\n```\n@user\n~~~", "~~~\n```\n@user\n~~~"),
        ("1. step\n   ```sh\n   cmd @x\n   ```\n@user", f"1. step\n   ```sh\n   cmd @x\n   ```\n@{Z}user"),
        ("- a\n  ```\n@user\n```\n@b\n```", f"- a\n  ```\n  ```\n@{Z}user\n```\n@b\n```"),
        ("> ```\n> @user\n@user", f"> ```\n> @{Z}user\n@{Z}user"),
        ("\x1b[31mred\x1b[0m \u202ex", "red x"),
    ],
)
def test_disarm_keeps_the_form_and_takes_the_reach(markdown: str, shown: str) -> None:
    assert disarm(markdown) == shown


@given(markdown=markdownish)
def test_what_is_disarmed_is_dead_to_a_real_parser(markdown: str) -> None:
    shown = disarm(markdown)
    kinds, prose = parsed(shown)
    assert not kinds & {"html_inline", "html_block", "image"}
    assert MENTION.search(prose) is None
    assert disarm(shown) == shown
    assert parsed(f"{shown}\n\n# outside")[1].endswith("outside")


@given(text=markdownish)
def test_what_is_escaped_is_mere_text_to_a_real_parser(text: str) -> None:
    kinds, prose = parsed(escape(text))
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert prose.replace(Z, "") == " ".join(text.split())


def parsed(markdown: str) -> tuple[set[str], str]:
    """The kinds of all tokens, and the text outside of code, with a mark where two texts do not touch."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    inline = [child for token in tokens for child in [*(token.children or []), token]]
    texts = [token.content if token.type in ("text", "text_special") else "\n" for token in inline]
    return {token.type for token in inline}, re.sub(r"\n+", "\n", "".join(texts)).strip("\n")


def test_a_report_that_fits_is_left_alone() -> None:
    sections = [
        Section("Failed.", "Result"),
        Section("a\nb\n", "Output", fenced=True, keep=Keep.END, level=4),
    ]
    assert fit(sections) == "### Result\n\nFailed.\n\n#### Output\n\n```text\na\nb\n```"
    assert fit([]) == fit([Section("")]) == ""


def test_output_loses_its_beginning_first() -> None:
    output = "".join(f"line {n}\n" for n in range(10_000))
    sections = [
        Section("It failed.", "Result", priority=9),
        Section(output, "Output", fenced=True, keep=Keep.END),
        Section("How to mend it.", "Help", priority=5),
    ]
    report = fit(sections, 500)
    assert len(report.encode()) <= 500
    assert report.startswith(
        "### Result\n\nIt failed.\n\n### Output\n\n… 98.5 kB left out …\n\n```text\nline 99"
    )
    assert report.endswith("line 9999\n```\n\n### Help\n\nHow to mend it.")
    assert fit(sections, 150).startswith("### Result\n\nIt failed.")
    assert fit(sections, 70) == "### Result\n\nIt failed.\n\n### Help\n\nHow to mend it."
    assert fit(sections, 30) == "### Result\n\nIt failed."


def test_prose_keeps_its_beginning_and_closes_its_code() -> None:
    report = fit([Section("Intro\n```py\n" + "x = 1\n" * 100 + "```\nend")], 120)
    assert report.startswith("Intro\n```py\nx = 1\n")
    assert re.search(r"x = 1\n\n?```\n\n… \d+ bytes left out …$", report)


def test_the_end_of_prose_opens_the_code_that_was_cut() -> None:
    report = fit([Section("Intro\n```py\n" + "x = 1\n" * 100 + "```\nend", keep=Keep.END)], 120)
    assert re.match(r"… \d+ bytes left out …\n\n```py\nx = 1\n", report)
    assert report.endswith("x = 1\n```\nend")


def test_seventy_thousand_bytes_of_emoji_fit() -> None:
    report = fit([Section("🎉" * 17_500, fenced=True)])
    assert LIMIT - 100 <= len(report.encode()) <= LIMIT
    assert len(report.encode("utf-16-le")) // 2 <= LIMIT
    assert "\ufffd" not in report


@given(
    sections=st.lists(
        st.builds(
            Section,
            body=markdownish.map(lambda text: text * 5) | st.text(max_size=300),
            heading=st.none() | st.text(max_size=20),
            priority=st.integers(0, 3),
            keep=st.sampled_from(Keep),
            fenced=st.booleans(),
        ),
        max_size=5,
    ),
    limit=st.integers(0, 600),
)
def test_no_report_is_over_its_limit_or_leaves_code_open(sections: list[Section], limit: int) -> None:
    report = fit(sections, limit)
    assert len(report.encode()) <= limit
    assert len(report.encode("utf-16-le")) // 2 <= limit
    assert close(report) == report
