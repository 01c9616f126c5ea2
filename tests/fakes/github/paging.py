"""Pages of a list, and the Link header that leads through them.

More than 100 a page are 100. What is no number is as if it were left out.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

DEFAULT_PER_PAGE = 30
MAX_PER_PAGE = 100


def page_of[T](items: Sequence[T], url: str, query: Mapping[str, str]) -> tuple[list[T], dict[str, str]]:
    """The page that a query asks for, and the headers that go with it."""
    size = size_of(query)
    page = _number(query.get("page"), 1)
    last = max(1, -(-len(items) // size))
    pages: dict[str, int] = {}
    if page > 1:
        pages |= {"prev": min(page - 1, last)}
    if page < last:
        pages |= {"next": page + 1, "last": last}
    if page > 1:
        pages |= {"first": 1}
    links = [
        f'<{url}?{urlencode({**query, "page": str(number)})}>; rel="{relation}"'
        for relation, number in pages.items()
    ]
    return list(items[(page - 1) * size : page * size]), {"link": ", ".join(links)} if links else {}


def size_of(query: Mapping[str, str]) -> int:
    """How many a page has."""
    return min(_number(query.get("per_page"), DEFAULT_PER_PAGE), MAX_PER_PAGE)


def _number(value: str | None, default: int) -> int:
    if value is None or not value.isdecimal() or len(value) > 9:
        return default
    return int(value) or default
