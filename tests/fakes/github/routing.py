"""Routes of the fake: a path of GitHub's description, what its caller has to have, and who answers."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import quote

from tests.fakes.github.access import Access
from tests.fakes.github.answers import Answer, no_commit, not_found, refusal
from tests.fakes.github.apps import App
from tests.fakes.github.credentials import Caller
from tests.fakes.github.paging import page_of
from tests.fakes.github.recording import Recorded
from tests.fakes.github.repository import Repository
from tests.fakes.github.world import World

# Parameters that hold slashes: GitHub takes branches and paths as they are.
WITH_SLASHES = {"branch", "ref", "path", "basehead", "tree_sha"}


@dataclass(frozen=True)
class Exchange:
    """A request on its way to its answer.

    Attributes:
        found: the repository that the path names; only repository routes have one.
    """

    world: World
    caller: Caller
    recorded: Recorded
    found: Repository | None = None

    @property
    def repository(self) -> Repository:
        assert self.found is not None
        return self.found

    @property
    def app(self) -> App:
        assert self.caller.app is not None
        return self.caller.app

    @property
    def query(self) -> Mapping[str, str]:
        return self.recorded.query

    @property
    def accept(self) -> str:
        return self.recorded.headers.get("accept", "")

    def accepts(self, word: str) -> bool:
        """Whether GitHub's media type `word` is asked for, in any of its spellings: `.v3.word`, `.word+json`."""
        return (
            re.search(rf"application/vnd\.github\.(v3\.)?{word}(\+json)?(?![\w-])", self.accept) is not None
        )

    def text(self, name: str) -> str:
        """A parameter of the path."""
        return self.recorded.parameters[name]

    def number(self, name: str) -> int:
        """A parameter that is a number.

        Raises:
            Refusal: 404, it is none.
        """
        value = self.text(name)
        if not value.isdecimal() or len(value) > 18:
            raise not_found()
        return int(value)

    @cached_property
    def body(self) -> dict[str, Any]:
        """The body, an empty one for none.

        Raises:
            Refusal: 400, no JSON object.
        """
        raw = self.recorded.body
        if not raw:
            return {}
        try:
            body = json.loads(raw, parse_constant=_refuse_constant)
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError):
            raise refusal(400, "Problems parsing JSON") from None
        if not isinstance(body, dict):
            raise refusal(400, "Body should be a JSON object")
        return body

    def commit(self, parameter: str) -> str:
        """The commit that a ref in the path names.

        Raises:
            Refusal: 422, there is none.
        """
        ref = self.text(parameter)
        sha = self.repository.resolve(ref)
        if sha is None:
            raise no_commit(ref)
        return sha

    def page[T](self, items: Sequence[T]) -> tuple[list[T], dict[str, str]]:
        return page_of(items, self.world.url + quote(self.recorded.path), self.query)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


type Handler = Callable[[Exchange], Answer]


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        template: its path, as in GitHub's description.
    """

    method: str
    template: str
    access: Access
    handler: Handler
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", _group, self.template)
        object.__setattr__(self, "pattern", re.compile(pattern))


def _group(found: re.Match[str]) -> str:
    name = found[1]
    return f"(?P<{name}>{'.+?' if name in WITH_SLASHES else '[^/]+'})"


def find(routes: Sequence[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The first route for a request."""
    for route in routes:
        if route.method == method and (found := route.pattern.fullmatch(path)):
            return route, found.groupdict()
    return None
