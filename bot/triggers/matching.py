"""Whether an event starts an automation: source, key and filter all have to agree, as in OpenHands. Pure.

An event that is nobody's costs no more than a look at its key; a filter is only evaluated after that.

Source: `trigger_matcher.py` of OpenHands automation 1.25.0.
"""

from fnmatch import fnmatchcase
from typing import Final

from automation.definition.trigger import EventTrigger
from automation.sentences import one_line
from bot.triggers.filters import complaints, is_match

SOURCE: Final = "github"
MAX_SHOWN: Final = 120


def matches(trigger: EventTrigger, key: str, payload: object) -> bool:
    """Whether this trigger waits for this event. Raises nothing, whatever the payload is.

    Args:
        key: of the event, from `bot.events.key_of`. Patterns of `on` are compared with it letter by letter,
            upper and lower case told apart, or as file names are: `pull_request.*`.
        payload: the body, parsed.
    """
    if trigger.source != SOURCE or not any(key == each or fnmatchcase(key, each) for each in trigger.on):
        return False
    return not trigger.filter or is_match(trigger.filter, payload)


def problems(trigger: EventTrigger) -> list[str]:
    """What keeps the trigger from ever firing, each a sentence; empty if nothing does.

    That a filter names no field or function that there is, is none: OpenHands takes it, too.
    """
    if trigger.source != SOURCE or not trigger.filter:
        return []
    shown = one_line(trigger.filter, MAX_SHOWN)
    return [f"the trigger's filter `{shown}` {complaint}" for complaint in complaints(trigger.filter)]
