"""A report is readable on a page, and nothing in it reaches beyond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pages.markdown import as_html
from tests.bot.pages.reading import HARMLESS, read


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**Failure** (`ok`)", "<p><strong>Failure</strong> (<code>ok</code>)</p>\n"),
        ("### Last lines", "<h4>Last lines</h4>\n"),
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        ("a <img src=x onerror=y>", "<p>a &lt;img src=x onerror=y&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>\n"),
        ("[x](//evil.example)", "<p>[x](//evil.example)</p>\n"),
        ("[x](http:evil)", "<p>[x](http:evil)</p>\n"),
        (
            "```text\n</pre><b>\n```",
            '<pre><code class="language-text">&lt;/pre&gt;&lt;b&gt;\n</code></pre>\n',
        ),
    ],
)
def test_what_it_becomes(markdown: str, html: str) -> None:
    assert as_html(markdown) == html


def test_a_link_to_the_web_says_not_where_it_was() -> None:
    assert as_html("[x](https://a.example)") == (
        '<p><a href="https://a.example" rel="nofollow noopener noreferrer">x</a></p>\n'
    )


def test_no_image_is_loaded() -> None:
    assert "img" not in [tag for tag, _ in read(as_html("![x](https://a.example/x.png)")).elements]


def test_a_table_has_no_styles() -> None:
    html = as_html("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert "<table>" in html
    assert "style" not in html


@given(st.text(alphabet="<>&\"'`*_[]()!:/\\#|-~ \nabhjx", max_size=80))
def test_only_harmless_elements_come_out(markdown: str) -> None:
    for tag, attributes in read(as_html(markdown)).elements:
        assert tag in HARMLESS
        assert set(attributes) <= {"href", "rel", "title", "class", "start"}
        assert (attributes.get("href") or "https://").startswith(("http://", "https://"))
