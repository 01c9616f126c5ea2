"""What people read of a run while it goes on. Pure."""

from automation.output.excerpt import Excerpt
from automation.output.terminal import plain
from automation.report.fitting import Keep, Section, fit
from automation.report.markdown import code, escape, fence
from automation.report.report import Report

SHOWN = 16 * 1024
"""Bytes of the output's end: enough to follow, little enough to send again and again."""


def write_live_report(name: str, run_id: str, doing: str, output: Excerpt | None, url: str = "") -> Report:
    """The report on a run of the automation `name` that has not ended.

    Args:
        doing: what it is doing, in one or a few words.
        url: of the log, empty for none.
    """
    link = f" · [live log]({url})" if url else ""
    lines = [f"{escape(doing)}. Automation {code(name)} · run {code(run_id)}{link}"]
    if output is not None and output.first_error:
        lines.append(f"First error so far:\n\n{fence(plain(output.first_error))}")
    shown = plain(output.tail(SHOWN)) if output is not None else ""
    text = fit([Section(shown, heading="Output so far", keep=Keep.END, fenced=True)]) if shown else ""
    return Report(title=f"{doing} …", summary="\n\n".join(lines), text=text)
