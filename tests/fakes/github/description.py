"""GitHub's OpenAPI description, cut down to the operations that the fake has.

What is added to it here is ours, not GitHub's, and marked `x-ours`; each addition stands in `PATCHES` with its
reason. The trimmed form is kept in the cache: two processes may write it at once, each writes a file of its own
and moves it into place.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.github.packages import Package, cache_directory

type Json = dict[str, Any]

OPENAPI = Package(
    "@octokit/openapi",
    "23.0.2",
    "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    "GitHub's OpenAPI description",
)
MEMBER = "package/generated/api.github.com.json"

REFUSALS = ("400", "401", "403", "404", "422", "429", "500", "502", "503")
JSON_ALIASES = (
    "application/vnd.github+json",
    "application/vnd.github.v3+json",
    "application/vnd.github.machine-man-preview+json",
)


def description(operations: Sequence[tuple[str, str]]) -> Json:
    """The description of some operations, each a method and a path, as far as GitHub has them.

    Raises:
        DescriptionMissing: it is not in the cache and cannot be fetched.
    """
    cache = cache_directory()
    trimmed = cache / f"trimmed-{_key(operations)}.json"
    if not trimmed.exists():
        full = OPENAPI.json(MEMBER)
        _write(trimmed, json.dumps(trim(full, operations)).encode())
    found: Json = json.loads(trimmed.read_bytes())
    return found


def _key(operations: Sequence[tuple[str, str]]) -> str:
    """Changes with the operations and with this module, so that no old patch is ever used."""
    seed = json.dumps([OPENAPI.version, sorted(operations)]).encode() + Path(__file__).read_bytes()
    return hashlib.sha256(seed).hexdigest()[:16]


def _write(target: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix="trimmed-", suffix=".new")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(target)


def trim(full: Json, operations: Sequence[tuple[str, str]]) -> Json:
    """The operations with all they refer to, patched."""
    paths: Json = {}
    for method, path in operations:
        operation = full["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            paths.setdefault(path, {})[method.lower()] = operation
    trimmed: Json = {
        "openapi": full["openapi"],
        "info": full["info"],
        "servers": [{"url": "https://api.github.com"}],
        "paths": paths,
        "components": {},
    }
    pending = list(_references(paths))
    while pending:
        kind, name = pending.pop()
        section = trimmed["components"].setdefault(kind, {})
        if name not in section:
            section[name] = full["components"][kind][name]
            pending += _references(section[name])
    for patch in PATCHES:
        patch(trimmed)
    return trimmed


def _references(value: Any) -> Iterator[tuple[str, str]]:
    for each in _objects(value):
        reference = each.get("$ref")
        if isinstance(reference, str):
            _, _, kind, name = reference.split("/", 3)
            yield kind, name


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _operations(trimmed: Json) -> Iterator[Json]:
    for path in trimmed["paths"].values():
        yield from path.values()


def _know_json_by_its_aliases(trimmed: Json) -> None:
    """Clients ask for `application/vnd.github+json`; the description knows `application/json` only."""
    for operation in _operations(trimmed):
        for response in operation["responses"].values():
            content = response.get("content", {})
            if "application/json" in content:
                for alias in JSON_ALIASES:
                    content.setdefault(
                        alias, {"schema": content["application/json"]["schema"], "x-ours": True}
                    )


def _close_request_bodies(trimmed: Json) -> None:
    """GitHub ignores what it does not know; here a misspelt field is a violation."""
    for operation in _operations(trimmed):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for schema in _objects(content["schema"]):
                if schema.get("type") == "object" and "properties" in schema:
                    schema.setdefault("additionalProperties", False)


def _name_refusals(trimmed: Json) -> None:
    """The description leaves out most refusals, for check runs all."""
    schema = {
        "type": "object",
        "x-ours": True,
        "required": ["message"],
        "properties": {
            "message": {"type": "string"},
            "documentation_url": {"type": "string"},
            "errors": {"type": "array", "items": {}},
            "status": {"type": "string"},
        },
    }
    refused = {"description": "Refused", "content": {"application/json": {"schema": schema}}}
    trimmed["components"].setdefault("responses", {})["x-ours-refused"] = refused
    for operation in _operations(trimmed):
        for status in REFUSALS:
            operation["responses"].setdefault(status, {"$ref": "#/components/responses/x-ours-refused"})


def _want_a_conclusion(trimmed: Json) -> None:
    """A completed check run needs a conclusion: in the description for PATCH, in prose for POST."""
    operation = trimmed["paths"].get("/repos/{owner}/{repo}/check-runs", {}).get("post")
    if operation is None:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    schema["anyOf"] = [
        {"properties": {"status": {"enum": ["completed"]}}, "required": ["conclusion"], "x-ours": True},
        {"properties": {"status": {"enum": ["queued", "in_progress"]}}, "x-ours": True},
    ]


def _let_forks_be_gone(trimmed: Json) -> None:
    """`head.repo` is null where the fork was deleted; the description forgets that."""
    for name in ("pull-request", "pull-request-simple"):
        schema = trimmed["components"].get("schemas", {}).get(name)
        if schema is not None:
            head = schema["properties"]["head"]["properties"]
            head["repo"] = {"nullable": True, "oneOf": [head["repo"]], "x-ours": True}


def _let_an_account_be_one_thing(trimmed: Json) -> None:
    """The list of installations wants an account to be a user and an enterprise at once."""
    for each in list(_objects(trimmed)):
        titles = [part.get("title") for part in each.get("allOf", []) if isinstance(part, dict)]
        if titles == ["Simple User", "Enterprise"]:
            each["anyOf"] = each.pop("allOf")
            each["x-ours"] = True


def _mean_nullable(trimmed: Json) -> None:
    """OpenAPI 3.0 wants null among an enum's values, too, and in a choice of schemas; GitHub writes `nullable`."""
    null = {"type": "string", "nullable": True, "enum": [None], "x-ours": True}
    for each in list(_objects(trimmed)):
        if each.get("nullable") is not True:
            continue
        if isinstance(each.get("enum"), list) and None not in each["enum"]:
            each["enum"].append(None)
        for choice in ("oneOf", "anyOf"):
            if isinstance(each.get(choice), list):
                each[choice].append(null)


def _let_a_directory_be_a_list(trimmed: Json) -> None:
    """Contents are told apart by their `type`, but those of a directory are an array, which has none."""
    for each in list(_objects(trimmed)):
        mapping = each.get("discriminator", {}).get("mapping", {}) if "oneOf" in each else {}
        if "array" in mapping:
            del each["discriminator"]


def _say_nothing_of_deprecation(trimmed: Json) -> None:
    """The validator warns of what is deprecated, and in our tests a warning is an error."""
    for each in _objects(trimmed):
        if isinstance(each.get("deprecated"), bool):
            del each["deprecated"]


PATCHES: tuple[Callable[[Json], None], ...] = (
    _know_json_by_its_aliases,
    _close_request_bodies,
    _name_refusals,
    _want_a_conclusion,
    _let_forks_be_gone,
    _let_an_account_be_one_thing,
    _mean_nullable,
    _let_a_directory_be_a_list,
    _say_nothing_of_deprecation,
)
