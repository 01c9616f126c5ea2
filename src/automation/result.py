"""What an automation says of itself: the JSON that it may leave at `$AUTOMATION_RESULT`.

A result can make a verdict worse than the exit code says, never better; one that cannot be read is an
error of the run, not something to pass over.
"""

import json
from difflib import get_close_matches
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from automation.sentences import one_line

MAX_BYTES = 1024 * 1024


class AnnotationLevel(StrEnum):
    """GitHub's three levels.

    Source: https://docs.github.com/en/rest/checks/runs#create-a-check-run
    """

    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


class Annotation(BaseModel):
    """A remark on lines of one file, with GitHub's own field names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1)
    start_line: int = Field(ge=1)
    end_line: int | None = Field(default=None, ge=1)
    start_column: int | None = Field(default=None, ge=1)
    end_column: int | None = Field(default=None, ge=1)
    annotation_level: AnnotationLevel = AnnotationLevel.WARNING
    message: str = Field(min_length=1)
    title: str | None = None
    raw_details: str | None = None

    @model_validator(mode="after")
    def _lines_in_order(self) -> "Annotation":
        if self.end_line is not None and self.end_line < self.start_line:
            raise ValueError("end_line is before start_line")
        return self

    @property
    def place(self) -> str:
        """Path and lines, as people write them."""
        last = f"-{self.end_line}" if self.end_line not in {None, self.start_line} else ""
        return f"{self.path}:{self.start_line}{last}"

    @property
    def remark(self) -> str:
        """Title and message."""
        return f"{self.title}: {self.message}" if self.title else self.message


class Result(BaseModel):
    """The content of `$AUTOMATION_RESULT`; every key may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conclusion: Literal["success", "failure", "action_required"] | None = None
    title: str | None = None
    summary: str | None = None
    annotations: tuple[Annotation, ...] = ()
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="US dollars")


class ResultInvalid(ValueError):
    """The file is there and cannot be used; the message says where and why in one line."""


def parse_result(data: bytes) -> Result:
    """Read a result file.

    Raises:
        ResultInvalid: not UTF-8, not JSON, or not of the shape above; names the first offending key.
    """
    if len(data) > MAX_BYTES:
        raise ResultInvalid(f"the result file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise ResultInvalid("the result file is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ResultInvalid(
            f"the result file is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except RecursionError:
        raise ResultInvalid("the result file is nested too deeply") from None
    except ValueError as error:
        raise ResultInvalid(f"the result file is not valid: {one_line(str(error))}") from None
    try:
        return Result.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise ResultInvalid(_first_complaint(error)) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _first_complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = one_line(".".join(str(part) for part in first["loc"]), 100) or "the document"
    if first["type"] == "extra_forbidden":
        known = Annotation.model_fields if first["loc"][0] == "annotations" else Result.model_fields
        near = get_close_matches(str(first["loc"][-1]), list(known), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
        return f"the result file has an unknown key '{where}'{hint}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"the result file is not valid at '{where}': {one_line(first['msg'])}{more}"
