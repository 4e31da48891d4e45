"""What a server does beside answering: it keeps the answers, and follows what is tried beside its champions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.server.answered import Watcher
from mlsys.server.arms import Arms
from mlsys.server.choosing import Beside
from mlsys.server.prediction_log import KeptAnswers
from mlsys.server.shadows import Shadows
from mlsys.server.shelf import EVERY_SECONDS

if TYPE_CHECKING:
    from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class Living(Collector):
    """The parts of a server that keep and compare answers."""

    arms: Arms
    kept: KeptAnswers
    shadows: Shadows

    @property
    def beside(self) -> Beside:
        """What routes know of models that are tried."""
        return Beside(self.arms.choose, self.arms.note, self.arms.standing)

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """Are told of each answer."""
        return (self.kept.tell, self.shadows.tell)

    def collect(self) -> Iterator[Metric]:
        """Yield what Prometheus is told; a registry of prometheus-client takes this object as a collector."""
        counts = (
            ("mlsys_server_log_kept", "Rows of answers written into the prediction log", self.kept.kept),
            ("mlsys_server_log_dropped", "Rows that found no room in the prediction log", self.kept.dropped),
            ("mlsys_server_log_lost", "Rows that killed servers took with them, ever", self.kept.lost),
            ("mlsys_server_shadow_shed", "Rows that no shadow scored for want of room", self.shadows.shed),
            ("mlsys_server_shadow_unscored", "Rows that a shadow could not score", self.shadows.unscored),
        )
        for name, meaning, value in counts:
            yield CounterMetricFamily(name, meaning, value=value)
        failing = "Whether the prediction log can't be written, as on a full disk"
        yield GaugeMetricFamily("mlsys_server_log_failing", failing, value=float(self.kept.failing))
        took = "Seconds that a shadow took for a row, newest call"
        family = GaugeMetricFamily("mlsys_server_shadow_seconds", took, labels=["candidate"])
        for candidate, seconds in sorted(self.shadows.seconds.items()):
            family.add_metric([candidate], seconds)
        yield family
        yield from self.arms.failing.collect(self.arms.trials)


@contextmanager
def living(home: Path, work: Callable[[], Workspace | None], *, every: float = EVERY_SECONDS) -> Iterator[Living]:
    """Keep answers and follow what is tried, for as long as the block lasts.

    Args:
        home: MLSYS_HOME.
        work: gives the opened installation, or None while its database is away from the start.
        every: seconds between two looks at the ledger, and between two writes of the log.
    """
    arms = Arms(work)
    kept = KeptAnswers(home, arms.rules)
    shadows = Shadows(arms, kept.tell)
    ends = threading.Event()
    _look(arms)
    thread = threading.Thread(target=_follow, args=(arms, ends, every), name="trial-follower", daemon=True)
    with kept.keeping(every=every), shadows.scoring():
        thread.start()
        try:
            yield Living(arms, kept, shadows)
        finally:
            ends.set()
            thread.join()


def _follow(arms: Arms, ends: threading.Event, every: float) -> None:
    while not ends.wait(every):
        _look(arms)


def _look(arms: Arms) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        arms.refresh()
    except (MlsysError, SQLAlchemyError, OSError) as error:
        log.warning("ledger_away", reason=str(error))
