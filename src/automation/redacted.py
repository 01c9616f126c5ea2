"""Verdicts and annotations without secrets, whoever wrote them; reports redact themselves. Pure."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from automation.redaction import Redactor
from automation.result import Annotation, Result
from automation.verdict import Verdict


def redacted_annotation(annotation: Annotation, redactor: Redactor) -> Annotation:
    return _redacted(annotation, redactor, "path", "message", "title", "raw_details")


def redacted_verdict(verdict: Verdict, redactor: Redactor) -> Verdict:
    return replace(
        verdict,
        sentence=redactor.text(verdict.sentence),
        result=verdict.result and _redacted_result(verdict.result, redactor),
    )


def _redacted_result(result: Result, redactor: Redactor) -> Result:
    annotations = tuple(redacted_annotation(each, redactor) for each in result.annotations)
    return _redacted(result, redactor, "title", "summary", "outputs").model_copy(
        update={"annotations": annotations}
    )


def _redacted[Model: BaseModel](model: Model, redactor: Redactor, *names: str) -> Model:
    clean: dict[str, Any] = {name: redactor.value(getattr(model, name)) for name in names}
    return model.model_copy(update=clean)
