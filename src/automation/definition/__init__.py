"""What an automation is: `automation.yaml` read, judged and located, line by line. Pure."""

from automation.definition.reading import (
    DEFAULT_TIMEOUT,
    MAX_TIMEOUT,
    Definition,
    Problem,
    Reading,
    Severity,
    load_definition,
    read_definition,
    resolve_inputs,
)

__all__ = [
    "DEFAULT_TIMEOUT",
    "MAX_TIMEOUT",
    "Definition",
    "Problem",
    "Reading",
    "Severity",
    "load_definition",
    "read_definition",
    "resolve_inputs",
]
