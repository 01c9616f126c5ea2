"""How the end of a run comes of its outcome. Pure."""

from dataclasses import replace

from automation.outcome import Outcome
from automation.reasons import Conclusion, Reason
from automation.redacted import redacted_verdict
from automation.redaction import Redactor
from automation.report import write_report
from bot.runs.run import End


def end_of(name: str, outcome: Outcome, redactor: Redactor, url: str = "") -> End:
    """The end as it is kept and shown, redacted.

    Args:
        name: of the automation.
        url: of the run's page, if it has one.
    """
    # Before the report is written: a secret that is escaped for Markdown is not known again.
    verdict = redacted_verdict(outcome.verdict, redactor)
    report = write_report(name, replace(outcome, verdict=verdict), url=url).redacted(redactor)
    found = verdict.result.annotations if verdict.result else ()
    return End(
        conclusion=verdict.conclusion,
        reason=verdict.reason,
        sentence=verdict.sentence,
        exit_code=verdict.exit_code,
        title=report.title,
        summary=report.summary,
        text=report.text,
        annotations=tuple(each.model_dump(mode="json", exclude_none=True) for each in found),
    )


def end_by_defect(what: str) -> End:
    """The end of a run that only a defect of the bot's keeps from its own.

    Args:
        what: went wrong; redacted.
    """
    sentence = f"automation-bot itself failed: {what}"
    return End(
        Conclusion.FAILURE,
        Reason.INTERNAL_ERROR,
        sentence,
        title="Failure: a defect of automation-bot",
        summary=sentence,
    )
