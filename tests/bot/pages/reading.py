"""HTML as a parser sees it: elements and text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

HARMLESS = {
    *("p", "strong", "em", "s", "code", "pre", "a", "blockquote", "ul", "ol", "li", "hr", "br"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
EMPTY = {"meta", "link", "br", "hr", "img", "input", "rect", "line"}


@dataclass
class Page:
    """What is in a page.

    Attributes:
        elements: tags and attributes, in order.
        texts: the text of each element that has an id.
    """

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    def with_id(self, name: str) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.elements if attributes.get("id") == name)

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.page.elements.append((tag, attributes))
        name = attributes.get("id")
        if name:
            self.page.texts[name] = ""
        if tag not in EMPTY:
            self._open.append((tag, name))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"</{tag}> ends <{opened}>"

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name:
                self.page.texts[name] += data


def read(html: str) -> Page:
    """The page; an element that is ended by another one's end is an error."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.page
