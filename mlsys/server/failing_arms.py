"""Models that are tried and don't answer: others answer in their place, and soon they are asked no more."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from mlsys.events import get_logger
from mlsys.ledger import LiveTrial

if TYPE_CHECKING:
    import numpy as np

log = get_logger(__name__)

MOST_IN_A_ROW = 5  # failures, then a model is asked no more


@dataclass(frozen=True)
class ArmFailures:
    """How often a model that is tried failed.

    Attributes:
        at: when its trial was begun: another one is another attempt.
        total: since the server began, in all trials; in_a_row: since it last answered.
        kinds: what it raised in this trial; reason: the newest of it in words, empty where there is none.
    """

    at: datetime | None
    total: int = 0
    in_a_row: int = 0
    kinds: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def stopped(self) -> bool:
        """Whether it is asked no more."""
        return self.in_a_row >= MOST_IN_A_ROW


class FailingArms:
    """Counts failures of models that are tried, from any thread; a kind of failure is told in the log once a trial."""

    def __init__(self) -> None:
        self._known: Mapping[tuple[str, str], ArmFailures] = {}
        self._lock = threading.Lock()

    def of(self, trial: LiveTrial) -> ArmFailures:
        """Return what is known of a trial's model."""
        found = self._known.get((trial.pipeline, trial.candidate_id))
        if found is None:
            return ArmFailures(trial.at)
        return found if found.at == trial.at else ArmFailures(trial.at, found.total)

    def answered(self, trial: LiveTrial) -> None:
        """Note that a model answered."""
        if self.of(trial).in_a_row:
            with self._lock:
                self._put(trial, replace(self.of(trial), in_a_row=0))

    def failed(self, trial: LiveTrial, error: Exception) -> None:
        """Note that a model failed."""
        kind, reason = type(error).__name__, f"{type(error).__name__}: {error}"[:500]
        with self._lock:
            before = self.of(trial)
            now = ArmFailures(trial.at, before.total + 1, before.in_a_row + 1, before.kinds | {kind}, reason)
            self._put(trial, now)
        about = {"pipeline": trial.pipeline, "candidate": trial.candidate_id, "role": trial.role}
        if kind not in before.kinds:
            log.warning("trial_failed", **about, reason=reason, exc_info=error)
        if now.stopped and not before.stopped:
            log.error("trial_stopped", **about, failures=now.in_a_row, reason=reason)

    def collect(self, tried: Iterable[LiveTrial]) -> Iterator[Metric]:
        """Yield what Prometheus is told; of trials that are over only what they failed, so that an alarm ends."""
        names = ("pipeline", "candidate")
        failures = CounterMetricFamily(
            "mlsys_server_trial_failures", "Requests that a model that is tried did not answer", labels=names
        )
        stopped = GaugeMetricFamily(
            "mlsys_server_trial_stopped", "Whether a model that is tried failed so often that it is asked no more",
            labels=names,
        )  # fmt: skip
        for key, known in sorted(self._known.items()):
            failures.add_metric(key, known.total)
        for trial in tried:
            stopped.add_metric((trial.pipeline, trial.candidate_id), float(self.of(trial).stopped))
        yield from (failures, stopped)

    def _put(self, trial: LiveTrial, known: ArmFailures) -> None:
        self._known = {**self._known, (trial.pipeline, trial.candidate_id): known}


def require_answers(answers: np.ndarray, n_rows: int) -> None:
    """Refuse what is no answer to each row.

    Raises:
        ValueError: there are more or fewer answers than rows, or one is no finite number.
    """
    import numpy as np

    if len(answers) != n_rows:
        raise ValueError(f"{len(answers)} answers to {n_rows} rows")
    if not np.isfinite(answers).all():
        raise ValueError("An answer is no finite number")
