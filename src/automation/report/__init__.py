"""What people read of a run: Markdown, made safe and fitted to GitHub's limits. Pure."""

from automation.report.report import Report, write_report

__all__ = ["Report", "write_report"]
