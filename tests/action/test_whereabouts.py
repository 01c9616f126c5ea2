"""What a check run says of where its run is reads back, names nothing, and reads as nothing where others wrote it."""

import pytest

from automation.action.whereabouts import fingerprint, place_in, with_place
from automation.backends import BackendName
from automation.report import Report

URL = "http://agents.example:8000"
REPORT = Report("Running …", "Running. Automation `review`", "output")


def test_it_reads_back() -> None:
    place = fingerprint(BackendName.AGENT_SERVER, URL)
    shown = with_place(REPORT, place)
    assert place_in(shown.summary) == place
    assert shown.summary.startswith(REPORT.summary)
    assert (shown.title, shown.text) == (REPORT.title, REPORT.text)
    assert "agents" not in shown.summary


def test_nowhere_says_nothing() -> None:
    assert with_place(REPORT, "") == REPORT
    assert place_in(REPORT.summary) == ""


def test_each_backend_and_address_has_its_own() -> None:
    addresses = [URL, f"{URL}1", "https://app.all-hands.dev"]
    places = {fingerprint(backend, url) for backend in BackendName for url in addresses}
    assert len(places) == len(BackendName) * len(addresses)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- automation-action runs at  -->",
        "<!-- automation-action runs at 1234567 -->",
        "<!-- automation-action runs at 1234567g -->",
        "<!-- automation-action runs at ../../.. -->",
        "runs at 12345678",
    ],
)
def test_what_is_no_fingerprint_is_nowhere(text: str) -> None:
    assert place_in(text) == ""
