"""What operators watch, in Prometheus' form."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from bot.runs.run import End, State

NAMESPACE = "automation_bot"


class Metrics:
    """The metrics of one bot."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, namespace=NAMESPACE, registry=registry)

        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(name, what, labels, namespace=NAMESPACE, registry=registry)

        self.runs_ended = counter("runs_ended", "Runs that have ended", "conclusion", "reason")
        self.requests_dealt = counter("requests", "Requests dealt with", "outcome")
        self.defects = counter("defects", "Failures of the bot itself", "where")
        self.deliveries_recovered = counter(
            "deliveries_recovered", "Deliveries that were missed and taken in from GitHub's list", "event"
        )
        self.watchdog = counter("watchdog_actions", "What was done that nobody asked for", "what")
        self.runs_in_state = gauge("runs", "Runs that have not ended, by how far they are", "state")
        self.deliveries_waiting = gauge("deliveries_waiting", "Deliveries that wait to be stored")

    def ended(self, end: End) -> None:
        self.runs_ended.labels(end.conclusion.value, end.reason.value).inc()

    def states(self, counts: Mapping[State, int]) -> None:
        for state in State:
            if state is not State.ENDED:
                self.runs_in_state.labels(state.value).set(counts.get(state, 0))

    def text(self) -> bytes:
        return generate_latest(self._registry)
