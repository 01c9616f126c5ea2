"""When OpenHands itself would start an automation: on a schedule or on an event.

An automation that is only ever started by hand has no trigger. One that is there must be one that OpenHands
would take: unknown keys are refused. What it would take but never fire is no error but a `doubt`.

Time zones are checked for their form only and JMESPath expressions not at all: neither the zone database nor
JMESPath is part of the core.
Source: `CronTrigger` and `EventTrigger` of OpenHands automation 1.25.0.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from automation.definition.problems import nearest, quote

BUILTIN_SOURCES: Final = ("github", "bitbucket_data_center", "jira_dc", "azure_devops")

_CUSTOM_SOURCE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
_CRON_ALIAS: Final = re.compile(r"@(hourly|midnight|daily|weekly|monthly|yearly|annually)", re.IGNORECASE)
_CRON_FIELD: Final = re.compile(r"[0-9A-Za-z*,/?#-]+")
_CRON_FIELDS: Final = (5, 6, 7)
_TIMEZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")


def _check_schedule(schedule: str) -> str:
    fields = schedule.split()
    if _CRON_ALIAS.fullmatch(schedule.strip()):
        return schedule
    if len(fields) not in _CRON_FIELDS or not all(map(_CRON_FIELD.fullmatch, fields)):
        raise ValueError("must be a cron expression of five fields, such as '0 9 * * 1-5'")
    return schedule


def _check_timezone(timezone: str) -> str:
    if not _TIMEZONE.fullmatch(timezone):
        raise ValueError("must be an IANA time zone, such as 'UTC' or 'Europe/Berlin'")
    return timezone


def _as_list(patterns: Any) -> Any:
    return [patterns] if isinstance(patterns, str) else patterns


class CronTrigger(BaseModel):
    """On a schedule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["cron"]
    schedule: Annotated[str, AfterValidator(_check_schedule)]
    timezone: Annotated[str, AfterValidator(_check_timezone)] = "UTC"

    def doubts(self) -> Iterator[tuple[str, str]]:
        """Nothing: a schedule that is well formed is taken to fire."""
        yield from ()


class EventTrigger(BaseModel):
    """On an event whose key (`<event>.<action>`, or `<event>` without an action) one pattern of `on` matches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["event"]
    source: str
    on: Annotated[tuple[str, ...], BeforeValidator(_as_list)]
    filter: str | None = None
    destination: Literal["dispatch_run", "continue_conversation"] = "dispatch_run"
    subject_key_expr: str | None = None
    turn_text_expr: str | None = None
    wake_agent: bool = True

    def doubts(self) -> Iterator[tuple[str, str]]:
        """What keeps this trigger from ever firing, as pairs of a key and a sentence."""
        if self.source not in BUILTIN_SOURCES and not _CUSTOM_SOURCE.fullmatch(self.source):
            near = nearest(self.source, BUILTIN_SOURCES)
            meant = f"; did you mean {quote(near)}?" if near else ""
            yield "source", f"no event can come from a source named {quote(self.source)}{meant}"
        if not self.on:
            yield "on", "no pattern is given, so no event can match"


type Trigger = Annotated[CronTrigger | EventTrigger, Field(discriminator="type")]
