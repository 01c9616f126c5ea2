"""Only a line of a comment's own text commands; whatever shows, quotes or hides one does not."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.markdown import BODY_LIMIT, LINES_LIMIT, command_lines

C = "/run-automation hello"


@pytest.mark.parametrize(
    "body",
    [
        C,
        f"   {C}",
        f"{C}   \t",
        f"\n\n{C}\n",
        f"{C}\r\n",
        f"Looks good.\r{C}\rThanks!",
        f"Looks good.\n{C}\nThanks!",
        f"Looks good.  \n  {C}",
        f"Looks good.\\\n{C}",
        f"# Title\n{C}",
        f"> quoted\n\n{C}",
        f"- item\n\n{C}",
        f"```\ncode\n```\n{C}",
        f"`code` and **more**\n{C}",
        f"a lone ` backtick\n{C}",
        f"a lone [ bracket\n{C}",
        f"a < b\n{C}",
        f"<!-- hidden -->\n{C}",
        f"text <!-- hidden --> text\n{C}",
        f"use <br>\n{C}",
        f"<details>\n\nfolded\n\n</details>\n\n{C}",
        f"<!-- <details> -->\n\n{C}",
        f"write `<details>` here\n\n{C}",
        f"{C}\n| a | b |\n|---|---|",
        f"- a\n- b\n\n***\n{C}",
        f"[x]: https://example.test\n{C}",
        f"{C}\n\n---\nSent from a telephone",
    ],
)
def test_a_line_of_its_own_commands(body: str) -> None:
    assert command_lines(body) == (C,)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "run-automation hello",
        f"please {C}",
        f".{C}",
        "/run-automations",
        "/run-automation-hello",
        "/Run-Automation hello",
        "//run-automation hello",
        "\\/run-automation hello",
        "&#47;run-automation hello",
        f"    {C}",
        f"\t{C}",
        f"text\n    {C}",
        f"text\n\t{C}",
        f"```\n{C}\n```",
        f"~~~\n{C}\n~~~",
        f"```\n{C}",
        f"`{C}`",
        f"`\n{C}\n`",
        f"``a\n{C}\nb``",
        f"> {C}",
        f"> text\n{C}",
        f">>> {C}",
        f"- {C}",
        f"- text\n{C}",
        f"- text\n\n  {C}",
        f"1. {C}",
        f"- [ ] {C}",
        f"# {C}",
        f"{C}\n===",
        f"{C}\n---",
        f"text\n{C}\n---",
        f"| {C} |\n|---|",
        f"{C} | b\n---|---",
        f"a | b\n:-:|---\n{C}",
        f"<!-- {C} -->",
        f"<!--\n{C}\n-->",
        f"<!--\n\n{C}\n\n-->",
        f"<!--\n\n{C}",
        f"text <!--\n{C}\n-->",
        f"<div>\n{C}\n</div>",
        f"<b>\n{C}\n</b>",
        f"<script>\n\n{C}\n\n</script>",
        f"<pre>\n\n{C}\n\n</pre>",
        f"<details><summary>s</summary>\n\n{C}\n\n</details>",
        f"<details>\n\n<details>\n\n</details>\n\n{C}\n\n</details>",
        f"<blockquote>\n\n{C}\n\n</blockquote>",
        f"text <del>\n{C}\n</del>",
        f'text <a title="\n{C}\n">',
        f"**text\n{C}\ntext**",
        f"~~text\n{C}\ntext~~",
        f"[text\n{C}\n](https://example.test)",
        f"![text\n{C}\n](https://example.test)",
        f'[text](https://example.test "\n{C}\n")',
        "[x]: /run-automation",
        f'[x]: y "\n{C}\n"',
    ],
)
def test_nothing_else_does(body: str) -> None:
    assert command_lines(body) == ()


def test_it_is_the_written_text_that_counts() -> None:
    line = r'/run-automation a k="*b* `c` <d> [e](f) \\ &amp; ~~g~~"'
    assert command_lines(f"text\n{line}\n*text*") == (line,)


def test_what_a_command_says_hides_no_other_one() -> None:
    assert command_lines(f"{C} `\n{C} `") == (f"{C} `", f"{C} `")
    assert command_lines(f"{C} <!--\n\n{C} -->") == (f"{C} <!--", f"{C} -->")


def test_two_are_enough_to_know_that_there_is_not_one() -> None:
    assert command_lines(f"{C}\n\n" * 500) == (C, C)


def test_what_is_longer_than_any_comment_is_not_read() -> None:
    assert command_lines(f"{C}\n".ljust(BODY_LIMIT, "\n")) == (C,)
    assert command_lines(f"{C}\n".ljust(BODY_LIMIT + 1, "\n")) == ()


def test_a_log_before_the_command_is_no_trouble() -> None:
    log = "[error] `x` <y> *z*\n" * (LINES_LIMIT - 10)
    assert command_lines(f"{log}\n{C}") == (C,)


OPEN_AND_CLOSED = [
    ("```\n", "\n```"),
    ("~~~~ py\n", "\n~~~~"),
    ("<!--\n", "\n-->"),
    ("<!-- ", " -->"),
    ("<pre>\n", "\n</pre>"),
    ("<details>\n\n", "\n\n</details>"),
    ("<blockquote>\n\n", "\n\n</blockquote>"),
    ("`", "`"),
    ("``\n", "\n``"),
    ("[", "](https://example.test)"),
    ("*a\n", "\nb*"),
    ("~~a\n", "\nb~~"),
]
commands = st.text(st.characters(codec="utf-8", exclude_characters="\r\n`~<>[]*_-\\"), max_size=30).map(
    lambda rest: f"/run-automation {rest}"
)


@given(
    command=commands,
    wrapping=st.sampled_from(OPEN_AND_CLOSED),
    before=st.sampled_from(["", "Look:\n\n", "# Title\n", "> quoted\n\n", "- item\n\n"]),
    after=st.sampled_from(["", "\n\nThanks!", "\n\n> quoted", "\n\n```\ncode\n```"]),
)
def test_what_is_wrapped_does_not_command(
    command: str, wrapping: tuple[str, str], before: str, after: str
) -> None:
    opened, closed = wrapping
    assert command_lines(f"{before}{opened}{command}{closed}{after}") == ()
    assert len(command_lines(f"{before}{command}{after}")) == 1


@given(
    command=commands,
    marks=st.lists(
        st.sampled_from(["> ", ">", "- ", "* ", "1. ", "    ", "\t", "# ", "| "]), min_size=1, max_size=5
    ),
)
def test_what_is_marked_does_not_command(command: str, marks: list[str]) -> None:
    assert command_lines(f"{''.join(marks)}{command}") == ()


@given(
    body=st.lists(
        st.sampled_from(["/run-automation", " ", "\n", "\n\n", "\r", "`", "```", "<!--", "-->", "<details>"])
        | st.sampled_from(["> ", "- ", "[", "](", ")", "*", "~~", "|", "---", "\\", "\0", "\u2028", "\ud800"])
        | st.text(max_size=5),
        max_size=40,
    ).map("".join)
)
@settings(max_examples=300)
def test_no_text_is_too_wild(body: str) -> None:
    for line in command_lines(body):
        assert line.startswith("/run-automation")
        assert line in body.replace("\0", "\ufffd")


N = BODY_LIMIT - 200
HOSTILE = {
    "quotations": ">" * N,
    "lists": "- " * (N // 2),
    "deep lists": "\n".join("  " * depth + "- a" for depth in range(240)),
    "lazy lines": ">" * 20 + "a\n" * (N // 3),
    "short items": "1. a\n" * (N // 5),
    "brackets": "[" * N,
    "nested brackets": "[" * (N // 2) + "]" * (N // 2),
    "images": "![[" * (N // 3),
    "backticks": "` " * (N // 2),
    "growing backticks": "a".join("`" * length for length in range(1, 350)),
    "stars": "*a_ " * (N // 4),
    "comments": "a<!--" * (N // 5),
    "declarations": "a<![CDATA[" * (N // 10),
    "definitions": '[a]: b "c\n' * (N // 10),
    "an endless label": "[" + "a\n" * (N // 2),
    "a wide table": "a|" * (N // 4) + "\n" + "-|" * (N // 4),
    "a long table": "|" * 1000 + "\n" + "-|" * 1000 + "\n" + "|\n" * (N // 4),
    "headings": "a\n=\n" * (N // 4),
    "elements": "<details>\n" * (N // 10),
    "commands": f"{C}\n" * (N // len(C) - 1),
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in HOSTILE.items()])
def test_hostile_text_takes_a_bounded_time(text: str) -> None:
    bodies = [f"{text[:N]}\n{C}", f"{C}\n{text[:N]}", f"{text[:8_000]}\n{C}\n\n" * 8]
    command_lines(C)
    for body in bodies:
        assert len(body) <= BODY_LIMIT
        # It takes less than 0.1 s; the machine may be busy with other things, so it may try again.
        assert any(_seconds(body) < 0.3 for _ in range(8))


def _seconds(body: str) -> float:
    began = time.process_time()
    command_lines(body)
    return time.process_time() - began
