"""GraphQL, of which there is one mutation and its way back: `minimizeComment`, in any spelling of its arguments.

An App folds anybody's comment, but on a pull request `issues: write` is not enough: it is refused with "Resource
not accessible by integration" (seen by dotnet/maui, pull request 36021, which folds what people wrote).
"""

import re
from typing import Any

from tests.fakes.github.access import Credential
from tests.fakes.github.answers import Answer
from tests.fakes.github.apps import covers
from tests.fakes.github.comments import Comment
from tests.fakes.github.routing import Exchange, Route

CLASSIFIERS = {"ABUSE", "DUPLICATE", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM"}


def query(exchange: Exchange) -> Answer:
    text = exchange.body.get("query")
    text = text if isinstance(text, str) else ""
    found = re.search(r"\b(un)?minimizeComment\b", text)
    if found is None:
        return _error("UNKNOWN", "the fake knows minimizeComment and unminimizeComment only")
    name, is_undone = found[0], found[1] is not None
    variables = exchange.body.get("variables") or {}
    subject = _argument(text, "subjectId", variables)
    reason = _argument(text, "classifier", variables)
    if not is_undone and reason not in CLASSIFIERS:
        return _error("INVALID", f"classifier is one of {', '.join(sorted(CLASSIFIERS))}")
    comment = _comment(exchange, subject)
    if comment is None:
        return _error("NOT_FOUND", f"Could not resolve to a node with the global id of '{subject}'.")
    if not _may_write(exchange, comment):
        return _error("FORBIDDEN", "Resource not accessible by integration")
    comment.minimized = None if is_undone else reason
    shown = {"isMinimized": not is_undone, "minimizedReason": None if is_undone else reason.lower()}
    subject_name = "unminimizedComment" if is_undone else "minimizedComment"
    return Answer(200, {"data": {name: {subject_name: shown}}})


def _may_write(exchange: Exchange, comment: Comment) -> bool:
    """Unlike REST, which takes either permission for a comment on a pull request."""
    needed = "pull_requests" if comment.number in comment.home.pulls else "issues"
    token = exchange.caller.token
    return token is not None and covers(token.permissions, needed, "write")


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
