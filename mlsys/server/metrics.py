"""What the server counts, in the form that Prometheus reads.

Labels have few values, whatever is asked for: an address that is none is the route `other`, a pipeline that no model
answers for is `unknown`, and whoever guesses names adds no series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from mlsys.server.answered import Answered
    from mlsys.server.shelf import Shelf

KIND = CONTENT_TYPE_LATEST.encode()
_OF_ONE = frozenset({"predict", "predict/batch", "explain", "model/info", "model/reload"})
ROUTES = _OF_ONE | {"", "health", "ready", "models", "metrics", "openapi.json"}
OTHER, UNKNOWN = "other", "unknown"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OUTCOMES = {401: "unauthorised", 403: "unauthorised", 408: "late", 413: "too_large", 429: "limited"}


class Metrics:
    """Counts requests and answers; what stands (who is champion) is asked for when somebody reads it.

    `registry` takes more collectors.
    """

    def __init__(self, shelf: Shelf, *, log_dropped: Callable[[], int] = lambda: 0) -> None:
        self.registry = CollectorRegistry()
        self._shelf = shelf
        self._requests = Counter(
            "mlsys_server_requests",
            "Requests by what became of them; one that is answered by several arms counts for each.",
            ("pipeline", "outcome", "version", "arm"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "mlsys_server_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("pipeline", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._predictions = Counter(
            "mlsys_server_predictions",
            "Rows that were answered.",
            ("pipeline", "version", "arm"),
            registry=self.registry,
        )
        self._unseen = Counter(
            "mlsys_server_unseen_values",
            "Values of a column that the model was not trained with.",
            ("pipeline", "column"),
            registry=self.registry,
        )
        self.registry.register(_Standing(shelf, log_dropped))
        ProcessCollector(registry=self.registry)
        # Children by what they are asked for; a label's series is looked up once and not for every request.
        self._histograms: dict[str, Histogram] = {}
        self._counters: dict[tuple[str, str, str], tuple[Counter, Counter]] = {}
        self._models: Mapping[str, object] = {}

    def request(self, path: str, status: int | None, seconds: float) -> None:
        """Count a request that is over; its status is None where the client went before it was answered."""
        if self._models is not self._shelf.models:  # champions have changed, and with them what names are known
            self._models = self._shelf.models
            self._histograms.clear()
        histogram = self._histograms.get(path)
        if histogram is None:
            pipeline, route = self.place_of(path)
            histogram = self._seconds.labels(pipeline, route)
            if pipeline != UNKNOWN and route != OTHER:
                self._histograms[path] = histogram
        histogram.observe(seconds)
        if status is None or status >= 400:
            self._requests.labels(self.place_of(path)[0], _outcome(status), "", "").inc()

    def answered(self, answered: Answered) -> None:
        """Count an answer of a model: a watcher of the routes."""
        names = (answered.pipeline, answered.model.champion.version, answered.arm)
        counters = self._counters.get(names)
        if counters is None:
            pipeline, version, arm = names
            requests = self._requests.labels(pipeline, "answered", version, arm)
            counters = self._counters[names] = (requests, self._predictions.labels(*names))
        counters[0].inc()
        counters[1].inc(len(answered.rows))
        for column, n_values in answered.noticed.get("unseen", {}).items():
            self._unseen.labels(answered.pipeline, column).inc(n_values)

    def page(self) -> bytes:
        """Return all metrics as Prometheus reads them; some are asked of the disk."""
        return generate_latest(self.registry)

    def place_of(self, path: str) -> tuple[str, str]:
        """Return pipeline and route of an address, as the labels have them; "" where it names no pipeline."""
        models = self._shelf.models
        first, _, rest = path.strip("/").partition("/")
        if first != "pipelines":
            whole = f"{first}/{rest}" if rest else first
            only = next(iter(models)) if len(models) == 1 and whole in _OF_ONE else ""
            return only, whole if whole in ROUTES else OTHER
        name, _, route = rest.partition("/")
        return name if name in models else UNKNOWN, route if route in ROUTES else OTHER


class _Standing(Collector):
    """Who is champion, how old its data are, and what failed so far."""

    def __init__(self, shelf: Shelf, log_dropped: Callable[[], int]) -> None:
        self._shelf = shelf
        self._log_dropped = log_dropped

    def collect(self) -> Iterator[Metric]:
        """Yield what stands now."""
        info = GaugeMetricFamily(
            "mlsys_server_champion_info", "The version that answers; always 1.", labels=("pipeline", "version")
        )
        cutoff = GaugeMetricFamily(
            "mlsys_server_champion_cutoff_timestamp_seconds",
            "End of the data that the answering model knows.",
            labels=("pipeline",),
        )
        for name, model in sorted(self._shelf.models.items()):
            info.add_metric((name, model.champion.version), 1)
            cutoff.add_metric((name,), model.champion.cutoff.timestamp())
        dropped = CounterMetricFamily(
            "mlsys_server_log_dropped", "Answers that the log of predictions lost.", value=self._log_dropped()
        )
        failures = CounterMetricFamily(
            "mlsys_server_reload_failures", "Champions that could not be loaded.", labels=("pipeline",)
        )
        for name, n_failures in sorted(self._shelf.failures.items()):
            failures.add_metric((name,), n_failures)
        yield from (info, cutoff, dropped, failures)


def _outcome(status: int | None) -> str:
    if status is None:
        return "gone"
    return _OUTCOMES.get(status, "refused" if status < 500 else "failed")
