"""Where a run of the Action is, as far as its check run says so: a fingerprint of its backend's address. Pure.

A watchdog that does not find a run may only not know its server, where a repository has several and a job for each.
Whoever may write checks can write a fingerprint, too: all that it can do is that a check is left until its deadline.
"""

import re
from dataclasses import replace
from hashlib import sha256

from automation.backends import BackendName
from automation.report import Report

_NOTE = re.compile(r"<!-- automation-action runs at ([0-9a-f]{8}) -->")


def fingerprint(backend: BackendName, url: str) -> str:
    """Of a place where runs can be: of its agent-server's or its Cloud's address, too short to be read from."""
    return sha256(f"{backend} {url}".encode()).hexdigest()[:8]


def with_place(report: Report, place: str) -> Report:
    """The same report, which says where its run is to whoever looks for that; empty for nowhere that could be found."""
    note = f"\n\n<!-- automation-action runs at {place} -->"
    return replace(report, summary=report.summary + note) if place else report


def place_in(summary: str) -> str:
    """The fingerprint in a check run's summary, empty if there is none."""
    found = _NOTE.search(summary)
    return found[1] if found else ""
