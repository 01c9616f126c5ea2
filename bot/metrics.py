"""What operators watch, in Prometheus' form."""

from collections.abc import Collection, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.runs.run import Run, State
from bot.trouble import Cause

NAMESPACE = "automation_bot"
INSTALLATIONS = 20
"""Most that are told apart."""
SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class Metrics:
    """The metrics of one bot."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, namespace=NAMESPACE, registry=registry)

        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(name, what, labels, namespace=NAMESPACE, registry=registry)

        def seconds(name: str, what: str, *labels: str) -> Histogram:
            return Histogram(name, what, labels, namespace=NAMESPACE, registry=registry, buckets=SECONDS)

        self.runs_ended = counter("runs_ended", "Runs that have ended", "conclusion", "reason")
        self.requests_dealt = counter("requests", "Requests dealt with", "outcome")
        self.defects = counter("defects", "Failures of the bot itself", "where")
        self.deliveries_recovered = counter(
            "deliveries_recovered", "Deliveries that were missed and taken in from GitHub's list", "event"
        )
        self.watchdog = counter("watchdog_actions", "What was done that nobody asked for", "what")
        self.github_requests = counter("github_requests", "Requests to GitHub, by what they are for", "lane")
        self.github_remaining = gauge(
            "github_remaining", "Requests to GitHub that are left in this hour", "installation"
        )
        self.runs_in_state = gauge("runs", "Runs that have not ended, by how far they are", "state")
        self.troubles = gauge("troubles", "What is wrong now: 1, otherwise 0", "cause")
        self.deliveries_waiting = gauge("deliveries_waiting", "Deliveries that wait to be stored")
        self.requests_oldest = gauge(
            "requests_oldest_seconds", "Age of the oldest request that nobody has dealt with, 0 for none"
        )
        self.runs_oldest = gauge(
            "runs_oldest_queued_seconds", "Age of the oldest run that waits for its turn, 0 for none"
        )
        self.tasks = gauge(
            "tasks", "Tasks of the process: they grow with its runs and open pages, and shrink with them"
        )
        self.run_seconds = seconds("run_seconds", "From a run's acceptance to its verdict", "conclusion")
        self.wait_seconds = seconds("run_wait_seconds", "From a run's acceptance to its start")

    def ended(self, run: Run) -> None:
        """The run is over and told."""
        end = run.end
        assert end is not None  # noqa: S101
        self.runs_ended.labels(end.conclusion.value, end.reason.value).inc()
        self.run_seconds.labels(end.conclusion.value).observe(max(run.ended_at - run.accepted_at, 0))
        if run.started_at:
            self.wait_seconds.observe(max(run.started_at - run.accepted_at, 0))

    def states(self, counts: Mapping[State, int]) -> None:
        for state in State:
            if state is not State.ENDED:
                self.runs_in_state.labels(state.value).set(counts.get(state, 0))

    def troubled(self, causes: Collection[Cause]) -> None:
        for cause in Cause:
            self.troubles.labels(cause.value).set(cause in causes)

    def remaining(self, requests: Mapping[str, int]) -> None:
        """What is left of GitHub's limits by installation; of many, those that have the least."""
        self.github_remaining.clear()
        for installation, left in sorted(requests.items(), key=lambda each: each[1])[:INSTALLATIONS]:
            self.github_remaining.labels(installation).set(left)

    def text(self) -> bytes:
        return generate_latest(self._registry)
