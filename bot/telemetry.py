"""The variables of OpenTelemetry, as far as the bot has to understand them. Pure.

Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

PREFIX: Final = "OTEL_"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS: Final = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
PROTOCOL: Final = "http/protobuf"
"""The only one that is spoken here."""
SHORTEST_SECRET: Final = 8
"""Characters of a header's value; a shorter one is a name, such as a tenant's, and would be masked in other words."""


def endpoint_of(variables: Mapping[str, str]) -> str | None:
    """The name of the variable that asks for traces; None if none does, or another one switches them off."""
    is_off = variables.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if is_off or variables.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
        return None
    return next((name for name in ENDPOINTS if variables.get(name)), None)


def protocol_of(variables: Mapping[str, str]) -> str:
    return next((variables[name] for name in PROTOCOLS if variables.get(name)), PROTOCOL)


def secrets_of(variables: Mapping[str, str]) -> Iterator[str]:
    """What a collector is shown to let us in: long values of headers, as they are given and as they are sent."""
    for name in HEADERS:
        for pair in variables.get(name, "").split(","):
            given = pair.partition("=")[2].strip()
            value = unquote(given)
            # Of `Bearer ...` the word behind it is the secret.
            yield from {each for each in (given, value, *value.split()[-1:]) if len(each) >= SHORTEST_SECRET}
