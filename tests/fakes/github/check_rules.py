"""What GitHub takes in a check run's body, where its OpenAPI description is silent or says characters for bytes.

Measured by others: 65 535 bytes of UTF-8 for `summary` (more: 422) and `text` (more: cut without a word),
65 535 UTF-16 units for both (more: 422), 50 annotations a call, `stale` refused. Documented: the figures of
annotations and actions. Ours, because sources are silent: a `head_sha` in a PATCH is refused, and so is an
`output` without `title` in a PATCH, which the description allows.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes.github.answers import failed_validation, invalid
from tests.fakes.github.clock import stamp

type Body = Mapping[str, Any]

MAX_TEXT = 65_535
MAX_ANNOTATIONS = 50
MAX_MESSAGE = 64 * 1024
MAX_ANNOTATION_TITLE = 255
MAX_ACTIONS = 3
ACTION_LENGTHS = {"label": 20, "description": 40, "identifier": 20}
STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
LEVELS = ("notice", "warning", "failure")
SHA = re.compile(r"[0-9a-f]{40}")
# What GitHub's validator calls the types of JSON.
KINDS: dict[type, str] = {str: "a string", int: "an integer", dict: "an object", list: "an array"}


def judge_creation(body: Body) -> None:
    """Raises: Refusal, 422, for a body that creates no check run."""
    _required(body, "", "name", "head_sha")
    _typed(body, "", str, "name", "head_sha")
    if not body["name"].strip():
        raise failed_validation("CheckRun", "name", "name can't be blank")
    if not SHA.fullmatch(body["head_sha"]):
        raise failed_validation(
            "CheckRun", "head_sha", "head_sha must be a full SHA of 40 hexadecimal digits"
        )
    _judge_common(body)


def judge_change(body: Body) -> None:
    """Raises: Refusal, 422, for a body that changes no check run."""
    if "head_sha" in body:
        raise failed_validation("CheckRun", "head_sha", "head_sha cannot be changed")
    _typed(body, "", str, "name")
    _judge_common(body)


def cut(text: str) -> str:
    """What GitHub keeps of a `text`: as many whole characters as fit into 65 535 bytes."""
    return text.encode()[:MAX_TEXT].decode(errors="ignore")


def _judge_common(body: Body) -> None:
    _typed(body, "", str, "details_url", "external_id", "status", "conclusion", "started_at", "completed_at")
    _typed(body, "", dict, "output")
    _typed(body, "", list, "actions")
    _member(body, "", "status", STATUSES)
    _member(body, "", "conclusion", CONCLUSIONS)
    if "conclusion" not in body and ("completed_at" in body or body.get("status") == "completed"):
        raise invalid('"conclusion" wasn\'t supplied.')
    for name in ("started_at", "completed_at"):
        if name in body:
            read_time(name, body[name])
    if "details_url" in body and not body["details_url"].startswith(("http://", "https://")):
        raise failed_validation("CheckRun", "details_url", "details_url must use http or https scheme")
    if "output" in body:
        _judge_output(body["output"])
    if "actions" in body:
        _judge_actions(body["actions"])


def read_time(name: str, value: str) -> str:
    """A time as GitHub writes it back.

    Raises:
        Refusal: 422, it is none.
    """
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return stamp(at)
    except (ValueError, OverflowError):
        pass
    raise invalid(f"For 'properties/{name}', {value!r} is not a valid date-time.")


def _judge_output(output: Body) -> None:
    place = "properties/output/"
    _required(output, place, "title", "summary")
    _typed(output, place, str, "title", "summary", "text")
    _typed(output, place, list, "annotations", "images")
    for name in ("summary", "text"):
        units = len(output.get(name, "").encode("utf-16-le", "surrogatepass")) // 2
        if units > MAX_TEXT:
            raise invalid(
                f"For '{place}{name}', only {MAX_TEXT} characters are allowed; {units} were supplied."
            )
    if _bytes(output["summary"]) > MAX_TEXT:
        raise failed_validation("CheckRun", "summary", f"summary exceeds a maximum bytesize of {MAX_TEXT}")
    annotations = output.get("annotations", [])
    _at_most(annotations, f"{place}annotations", MAX_ANNOTATIONS)
    for number, annotation in enumerate(annotations):
        _judge_annotation(annotation, f"{place}annotations/{number}")
    for number, image in enumerate(output.get("images", [])):
        here = f"{place}images/{number}"
        _object(image, here)
        _required(image, f"{here}/", "alt", "image_url")
        _typed(image, f"{here}/", str, "alt", "image_url", "caption")


def _judge_annotation(annotation: Any, here: str) -> None:
    _object(annotation, here)
    place = f"{here}/"
    _required(annotation, place, "path", "start_line", "end_line", "annotation_level", "message")
    _typed(annotation, place, str, "path", "annotation_level", "message", "title", "raw_details")
    _typed(annotation, place, int, "start_line", "end_line", "start_column", "end_column")
    _member(annotation, place, "annotation_level", LEVELS)
    for name in ("path", "message"):
        if not annotation[name]:
            raise failed_validation("CheckAnnotation", name, f"{name} can't be blank")
    start, end = annotation["start_line"], annotation["end_line"]
    if not 0 < start <= end:
        raise failed_validation("CheckAnnotation", "end_line", f"lines {start} to {end} are no range")
    has_columns = "start_column" in annotation or "end_column" in annotation
    if has_columns and start != end:
        raise failed_validation(
            "CheckAnnotation", "start_column", "columns are allowed only where start_line is end_line"
        )
    for name in ("message", "raw_details"):
        if _bytes(annotation.get(name, "")) > MAX_MESSAGE:
            raise failed_validation("CheckAnnotation", name, f"{name} is larger than 64 KB")
    if len(annotation.get("title", "")) > MAX_ANNOTATION_TITLE:
        raise failed_validation("CheckAnnotation", "title", "title is longer than 255 characters")


def _judge_actions(actions: list[Any]) -> None:
    _at_most(actions, "properties/actions", MAX_ACTIONS)
    for number, action in enumerate(actions):
        here = f"properties/actions/{number}"
        _object(action, here)
        _required(action, f"{here}/", *ACTION_LENGTHS)
        _typed(action, f"{here}/", str, *ACTION_LENGTHS)
        for name, limit in ACTION_LENGTHS.items():
            if len(action[name]) > limit:
                raise invalid(
                    f"For '{here}/{name}', only {limit} characters are allowed; {len(action[name])} were supplied."
                )


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _required(body: Body, place: str, *names: str) -> None:
    if missing := [f'"{name}"' for name in names if name not in body]:
        where = f"For '{place.rstrip('/')}', " if place else ""
        raise invalid(f"{where}{', '.join(missing)} {'weren' if len(missing) > 1 else 'wasn'}'t supplied.")


def _typed(body: Body, place: str, kind: type, *names: str) -> None:
    for name in names:
        value = body.get(name) if name in body else kind()
        if not isinstance(value, kind) or isinstance(value, bool):
            shown = "nil" if value is None else repr(value)[:100]
            raise invalid(f"For '{place or 'properties/'}{name}', {shown} is not {KINDS[kind]}.")


def _object(value: Any, here: str) -> None:
    if not isinstance(value, dict):
        raise invalid(f"For '{here}', {value!r} is not an object.")


def _member(body: Body, place: str, name: str, words: tuple[str, ...]) -> None:
    if name in body and body[name] not in words:
        raise invalid(
            f"For '{place or 'properties/'}{name}', {body[name]!r} is not a member of {list(words)}."
        )


def _at_most(items: list[Any], here: str, limit: int) -> None:
    if len(items) > limit:
        raise invalid(f"For '{here}', no more than {limit} items are allowed; {len(items)} were supplied.")
