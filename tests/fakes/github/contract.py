"""Requests and answers against GitHub's own description.

It judges what goes over the wire, nothing more: the fake's own strictness is in its rules. Answers of another
kind than JSON, redirects, 204 and 304 have no body to judge. Safe to use from several threads.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
from openapi_core import OpenAPI
from openapi_core.configurations import Config
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.fakes.github.description import description
from tests.fakes.github.recording import Recorded
from tests.fakes.github.service import API

HOST = "https://api.github.com"
MAX_SHOWN = 300


@dataclass
class _Request:
    """A recorded request as openapi-core wants it.

    The path is put together from the route: a slash within a parameter, as in `contents/{path}`, is encoded.
    """

    path: str
    method: str
    content_type: str
    body: bytes | None
    parameters: RequestParameters
    host_url: str = HOST


@dataclass(frozen=True)
class _Answer:
    status_code: int
    content_type: str
    headers: Headers
    data: bytes | None


class Contract:
    """GitHub's description of the operations that the fake has."""

    def __init__(self, trimmed: dict[str, Any]) -> None:
        self.description = trimmed
        self._lock = threading.Lock()
        # It was checked when it was trimmed; checking it takes longer than all else.
        self._openapi = OpenAPI.from_dict(trimmed, config=Config(spec_validator_cls=None))
        self._known = {
            (method.upper(), path) for path, methods in trimmed["paths"].items() for method in methods
        }
        self._queries = {operation: self._query_names(*operation) for operation in self._known}

    @classmethod
    def load(cls) -> "Contract":
        """The description from the cache, or from npm.

        Raises:
            DescriptionMissing: it is in neither.
        """
        return cls(description(operations()))

    def judge_request(self, recorded: Recorded) -> list[str]:
        """What a request has that GitHub does not describe."""
        if recorded.template is None:
            return ["there is no such operation in the fake"]
        operation = (recorded.method, recorded.template)
        if operation not in self._known:
            return []
        unknown = [
            f"request: there is no query parameter {name!r}"
            for name in recorded.query
            if name not in self._queries[operation]
        ]
        try:
            recorded.body.decode()
        except UnicodeDecodeError:
            return [*unknown, "request: the body is not UTF-8"]
        with self._lock:
            errors = list(self._openapi.iter_request_errors(_request(recorded)))
            return unknown + [f"request: {words}" for words in _words(errors)]

    def judge_answer(self, recorded: Recorded) -> list[str]:
        """What an answer of the fake has that GitHub's would not have."""
        if recorded.template is None or (recorded.method, recorded.template) not in self._known:
            return []
        kind = recorded.answer_headers.get("content-type", "")
        is_json = kind.startswith("application/json")
        status = recorded.status or 0
        if status in {204, 304} or 300 <= status < 400 or not is_json:
            return []
        answer = _Answer(status, kind, Headers(dict(recorded.answer_headers)), recorded.answer_body)
        with self._lock:
            errors = list(self._openapi.iter_response_errors(_request(recorded), answer))
            return [f"answer {status}: {words}" for words in _words(errors)]

    def _query_names(self, method: str, path: str) -> set[str]:
        names = set()
        for parameter in self.description["paths"][path][method.lower()].get("parameters", []):
            found = parameter
            if "$ref" in parameter:
                found = self.description["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
            if found["in"] == "query":
                names.add(found["name"])
        return names


def operations() -> Sequence[tuple[str, str]]:
    """The operations of the fake's API; GitHub describes all but GraphQL and some other forms of a path."""
    return [(route.method, route.template) for route in API]


def _request(recorded: Recorded) -> _Request:
    assert recorded.template is not None
    encoded = {name: quote(value, safe="") for name, value in recorded.parameters.items()}
    return _Request(
        path=recorded.template.format(**encoded),
        method=recorded.method.lower(),
        content_type=recorded.headers.get("content-type", "").lower(),
        body=recorded.body or None,
        parameters=RequestParameters(
            query=ImmutableMultiDict(recorded.query), header=Headers(_sendable(recorded.headers))
        ),
    )


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """Without credentials: violations are shown."""
    return {name: value for name, value in headers.items() if name != "authorization"}


def _words(errors: Iterable[BaseException]) -> list[str]:
    found = []
    for error in errors:
        details = [_said(detail) for detail in getattr(error.__cause__, "schema_errors", [])]
        found += details or [_short(f"{type(error).__name__}: {error.__cause__ or error}")]
    return found


def _said(detail: Any) -> str:
    """A schema's error; for a choice of schemas also the one that came nearest."""
    said = f"{_place(detail)}: {_short(detail.message)}"
    nearest = best_match([detail])
    if nearest is None or nearest is detail:
        return said
    return f"{said}; nearest: {_place(nearest)}: {_short(nearest.message)}"


def _place(detail: Any) -> str:
    return "/".join(str(part) for part in detail.absolute_path) or "body"


def _short(words: str) -> str:
    """Begins with the value and ends with what is wrong with it."""
    half = MAX_SHOWN // 2
    return words if len(words) <= MAX_SHOWN else f"{words[:half]} … {words[-half:]}"
