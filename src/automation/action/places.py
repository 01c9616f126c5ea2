"""The lines that a configuration is wrong in, as annotations. Pure."""

from automation.errors import AutomationError, Misconfigured
from automation.result import Annotation, AnnotationLevel


def places_of(error: AutomationError) -> tuple[Annotation, ...]:
    """What is to be shown where the mistakes are; nothing where the error names no lines."""
    if not isinstance(error, Misconfigured):
        return ()
    return tuple(
        Annotation(
            path=_utf_8(place.file),
            start_line=place.line,
            annotation_level=AnnotationLevel.FAILURE,
            message=_utf_8(place.complaint),
        )
        for place in error.places
    )


def _utf_8(text: str) -> str:
    """Names of files may be no text at all."""
    return text.encode("utf-8", "replace").decode()
