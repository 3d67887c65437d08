"""What this process counts and measures, for Prometheus: every metric is defined here and nowhere else.

Labels have few values: actions of OCPP, kinds of work, templates of addresses. No label names a station, a session or a
driver: that would be a time series for each of them, and theirs. What happens often is bound to its labels once.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, override

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

OTHER: Final = "other"
"""The label of what a stranger made up: it must not become a time series."""
FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds; of what happens within this server."""
SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds; of what others take part in."""
LAGS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 86_400)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Bound[C](dict[tuple[str, ...], C]):
    """A metric's children by the values of their labels, each bound once."""

    def __init__(self, bind: Callable[..., C]) -> None:
        super().__init__()
        self._bind = bind

    def __missing__(self, labels: tuple[str, ...]) -> C:
        """Bind it."""
        child = self[labels] = self._bind(*labels)
        return child


type Sample = tuple[str, str, dict[str, str], float]
"""Name, description, labels, value of what is looked at when somebody asks; `_total` at the end makes it a counter."""
type Look = Callable[[], Iterable[Sample]]


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._looks = _Looks()
        self.registry.register(self._looks)
        made = self.registry

        def counter(name: str, description: str, *labels: str) -> Bound[Counter]:
            return Bound(Counter(name, description, labels, registry=made).labels)

        def histogram(name: str, description: str, buckets: tuple[float, ...], *labels: str) -> Bound[Histogram]:
            return Bound(Histogram(name, description, labels, buckets=buckets, registry=made).labels)

        self.messages = counter("konsento_ocpp_messages_total", "OCPP messages.", "direction", "kind", "action")
        """`in` or `out`; `call`, `result` or `error`."""
        self.answers = histogram(
            "konsento_ocpp_answer_seconds", "From a station's message until our answer is sent.", FAST, "action"
        )
        self.unreadable = counter(
            "konsento_ocpp_refused_total", "What of a station was refused, by OCPP's code.", "code"
        )
        self.calls = counter(
            "konsento_ocpp_calls_total", "Calls to stations and what came of them.", "action", "result"
        )
        self.call_seconds = histogram(
            "konsento_ocpp_call_seconds", "From our call until the station's answer.", SLOW, "action"
        )
        self.pings = Histogram(
            "konsento_ocpp_ping_seconds", "Round trip of a WebSocket ping.", buckets=FAST, registry=made
        )
        self.connects = counter("konsento_ocpp_connects_total", "Connections of stations that were opened.", "version")
        self.closes = counter("konsento_ocpp_closes_total", "Connections that ended, by their close code.", "code")
        self.turned_away = counter(
            "konsento_ocpp_turned_away_total", "Attempts to connect that were answered with an HTTP error.", "status"
        )

        self.events = Counter(
            "konsento_ingest_events_total", "TransactionEvents that were taken in and committed.", registry=made
        )
        self.batches = Histogram(
            "konsento_ingest_batch_events", "TransactionEvents committed together.", buckets=SIZES, registry=made
        )
        self.commits = Histogram(
            "konsento_ingest_commit_seconds", "Time of such a commit.", buckets=FAST, registry=made
        )

        self.work = counter("konsento_work_runs_total", "Due work that was called.", "kind", "result")
        """`done`, `again` (to be called again: for a webhook or a bill not taken yet), `failed`, `dead`."""
        self.work_seconds = histogram("konsento_work_run_seconds", "Time of one call of due work.", SLOW, "kind")
        self.settlement_lag = Histogram(
            "konsento_settlement_lag_seconds", "From the end of a session until its bill.", buckets=LAGS, registry=made
        )

        self.payment_calls = counter(
            "konsento_payment_calls_total", "Questions to payment providers that move money.", "step", "outcome"
        )
        """`done`, `refused`, `stumbled` (an error of the provider's own), `unknown` (no answer)."""
        self.payment_hints = counter("konsento_payment_hints_total", "Hints of payment providers.", "result")
        """`new`, `known`, `refused`."""

        self.requests = counter(
            "konsento_http_requests_total", "Requests that were answered.", "method", "route", "status"
        )
        self.request_seconds = histogram(
            "konsento_http_request_seconds", "Until the last byte of the answer; of a live view, how long it was open.",
            FAST, "method", "route",
        )  # fmt: skip

        ProcessCollector(registry=made)
        PlatformCollector(registry=made)
        GCCollector(registry=made)

    def look(self, look: Look) -> None:
        """Have `look` called whenever somebody asks; it must not wait for anything."""
        self._looks.all.append(look)

    def committed(self, events: int, seconds: float) -> None:
        """Count TransactionEvents that were committed together, and how long it took."""
        self.events.inc(events)
        self.batches.observe(events)
        self.commits.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Looks(Collector):
    """What is not counted but looked at when somebody asks."""

    def __init__(self) -> None:
        self.all: list[Look] = []

    @override
    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for look in self.all:
            for name, description, labels, value in look():
                family = families.get(name)
                if family is None:
                    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                    family = families[name] = kind(name, description, labels=list(labels))
                family.add_metric(list(labels.values()), value)  # type: ignore[attr-defined]  # both kinds have it
        yield from families.values()
