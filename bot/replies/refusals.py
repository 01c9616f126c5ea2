"""What the bot says when it does not do what it was asked for: which rule it is, and the way out. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from automation.definition.problems import nearest
from automation.errors import AutomationError, Misconfigured
from automation.report.fitting import Section
from automation.report.markdown import code
from bot.commands import COMMAND, Mistake, nearest_verb
from bot.replies.text import capitalised, ended, named, prose, reply

SLUGS_SHOWN: Final = 50

_SEE_HELP: Final = f"{code(f'{COMMAND} help')} shows what can be written."
_WHO_MAY: Final = f"{code(f'{COMMAND} help')} shows what there is, and who may start it."


def mistake(asker: str, mistake: Mistake) -> str:
    """The command cannot be followed; nothing was started."""
    return reply(
        asker, f"{capitalised(mistake.sentence)}.", " ".join(filter(None, [mistake.hint, _SEE_HELP]))
    )


def refusal(asker: str, error: AutomationError) -> str:
    """Nothing was started, for this reason."""
    said = _said(error)
    is_one = len(said) == 1
    return reply(
        asker,
        f"Nothing was started ({code(error.reason)}):{f' {ended(said[0])}' if is_one else ''}",
        Section("" if is_one else "\n".join(f"- {line}" for line in said)),
        _WHO_MAY,
    )


def not_started(left: Mapping[str, AutomationError], heading: str = "Not started:") -> list[str | Section]:
    """Paragraphs on why some of several automations, by slug, were not started; none where all were."""
    if not left:
        return []
    lines = (
        f"- {named(slug)} ({code(error.reason)}): {ended('; '.join(_said(error)))}"
        for slug, error in left.items()
    )
    return [heading, Section("\n".join(lines)), _WHO_MAY]


def unknown_automation(asker: str, wanted: str, slugs: Sequence[str]) -> str:
    """There is no automation of that name."""
    near = nearest(wanted, slugs)
    verb = None if near else nearest_verb(wanted)
    meant = near or (verb and f"{COMMAND} {verb}")
    question = f" Did you mean {named(meant)}?" if meant else ""
    return reply(
        asker, f"There is no automation {named(wanted) or 'without a name'}.{question}", _listed(slugs)
    )


def approval_needed(asker: str, slug: str, sha: str) -> str:
    """The run waits for somebody who looks at a fork's commit."""
    return reply(
        asker,
        f"{named(slug)} waits for an approval, because the code of {code(sha)} comes from a fork.",
        f"Somebody with write access looks at that commit, then comments {code(f'{COMMAND} approve {sha}')} or "
        "presses *Approve this commit* on the check. A push needs a new approval.",
    )


def nothing_to_cancel(asker: str, wanted: str) -> str:
    """No run that was meant is under way."""
    which = f" of {named(wanted)}" if wanted and wanted != "all" else ""
    status = code(f"{COMMAND} status")
    return reply(
        asker, f"There is nothing to cancel: no run{which} is under way here. {status} shows the last runs."
    )


def nothing_to_retry(asker: str, wanted: str) -> str:
    """No run that was meant has ended in another way than with success."""
    which = f" of {named(wanted)}" if wanted else ""
    status, run = code(f"{COMMAND} status"), code(f"{COMMAND} <name>")
    return reply(
        asker,
        f"There is nothing to retry: no run{which} has failed on this pull request. {status} shows the last runs, "
        f"{run} starts a new one.",
    )


def _said(error: AutomationError) -> list[str]:
    if isinstance(error, Misconfigured) and error.places:
        return [f"{code(f'{place.file}:{place.line}')} {prose(place.complaint)}" for place in error.places]
    return [prose(line) for line in error.sentence.splitlines() if line.strip()] or [f"{error.reason}"]


def _listed(slugs: Sequence[str]) -> str:
    if not slugs:
        return "The base branch has no automations: each is a directory with an `automation.yaml` in `.openhands/automations`."
    more = f" and {len(slugs) - SLUGS_SHOWN} more" if len(slugs) > SLUGS_SHOWN else ""
    return f"There are: {', '.join(named(slug) for slug in slugs[:SLUGS_SHOWN])}{more}."
