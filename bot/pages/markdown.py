"""A report's Markdown as HTML for a page. Pure.

No HTML of its own is live, no image is loaded, and a link goes to the web or nowhere. Never raises.
"""

from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup


def as_html(markdown: str) -> Markup:
    """The HTML of the Markdown, with headings below those of a page."""
    tokens = _PARSER.parse(markdown)
    for token in tokens:
        _tame(token)
    html: str = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return Markup(html)  # noqa: S704  # the parser has escaped all text


def _tame(token: Token) -> None:
    # An alignment would be a style, and the page's policy refuses those.
    token.attrs.pop("style", None)
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"
    for child in token.children or ():
        if child.type == "link_open":
            child.attrSet("rel", "nofollow noopener noreferrer")


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.validateLink = _is_to_the_web  # type: ignore[method-assign]
    return parser


def _is_to_the_web(url: str, *_: Any) -> bool:
    return url.lower().startswith(("http://", "https://"))


_PARSER = _parser()
