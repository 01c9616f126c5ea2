"""GraphQL, of which there is one mutation: `minimizeComment`, in any spelling of its arguments."""

import re
from typing import Any

from tests.fakes.github.access import Credential
from tests.fakes.github.answers import Answer
from tests.fakes.github.apps import covers
from tests.fakes.github.pulls import Comment
from tests.fakes.github.routing import Exchange, Route

CLASSIFIERS = {"ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM"}


def query(exchange: Exchange) -> Answer:
    text = exchange.body.get("query")
    if not isinstance(text, str) or "minimizeComment" not in text:
        return _error("UNKNOWN", "the fake knows minimizeComment only")
    variables = exchange.body.get("variables") or {}
    subject = _argument(text, "subjectId", variables)
    reason = _argument(text, "classifier", variables)
    if reason not in CLASSIFIERS:
        return _error("INVALID", f"classifier is one of {', '.join(sorted(CLASSIFIERS))}")
    comment = _comment(exchange, subject)
    if comment is None:
        return _error("NOT_FOUND", f"Could not resolve to a node with the global id of '{subject}'.")
    token = exchange.caller.token
    if token is None or not any(
        covers(token.permissions, name, "write") for name in ("issues", "pull_requests")
    ):
        return _error("FORBIDDEN", "Resource not accessible by integration")
    comment.minimized = reason
    shown = {"isMinimized": True, "minimizedReason": reason.lower()}
    return Answer(200, {"data": {"minimizeComment": {"minimizedComment": shown}}})


def _error(kind: str, message: str) -> Answer:
    return Answer(200, {"data": None, "errors": [{"type": kind, "message": message}]})


def _argument(text: str, name: str, variables: dict[str, Any]) -> str:
    """An argument as it is written, as a variable, or in an `input` variable."""
    found = re.search(rf'{name}\s*:\s*(?:"([^"]*)"|\$(\w+)|(\w+))', text)
    if found is None or found[2]:
        given = variables.get("input")
        nested = given.get(name) if isinstance(given, dict) else None
        return str(variables.get(found[2] if found else name, nested))
    return found[1] or found[3] or ""


def _comment(exchange: Exchange, node_id: str) -> Comment | None:
    token = exchange.caller.token
    names = token.repositories if token else frozenset()
    return next(
        (
            comment
            for name in names
            for comment in exchange.world.repositories[name].comments.values()
            if comment.node_id == node_id
        ),
        None,
    )


ROUTES = (Route("POST", "/graphql", Credential.TOKEN, query),)
