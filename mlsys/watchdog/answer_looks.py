"""Looks at what goes out: scores that no longer differ, and monitors that no longer look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys.ledger import ChampionChange
from mlsys.monitoring.monitoring import latest
from mlsys.monitoring.scoring import predictions_of, read_predictions
from mlsys.records.monitoring import PredictionFile
from mlsys.spec import Spec
from mlsys.watchdog.sign import Sign
from mlsys.wording import counted
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

_LEAST_ROWS, _LEAST_SCORES = 50, 20
_CONSTANT = 0.1  # of the different scores of as many other rows
_LOOKED_AT = 30  # newest scored days
_LATE = timedelta(days=2)  # a night that was missed, and the one after it


def scores_sign(work: Workspace, champion: ChampionChange) -> Sign | None:
    """Return whether the newest scored day has as many different scores as days before it; None without two days.

    Days before it may be another champion's: one that says nothing since its first day is found, too.

    Raises:
        IntegrityError: a prediction file is missing or damaged.
    """
    files = list(_files(work.home, champion.pipeline))
    if len(files) < 2 or files[0][1].champion != champion.candidate_id:
        return None
    (day, newest), before = files[0], files[1:]
    few = _scores(work, newest)
    for earlier, file in before:
        many = _scores(work, file)
        n = min(len(few), len(many))
        if n < _LEAST_ROWS or (usual := _n_distinct(many, n)) < _LEAST_SCORES:
            continue
        found = _n_distinct(few, n)
        if found < _CONSTANT * usual:
            sentence = (
                f"The scores are constant: {n:,} rows of {day} have {counted(found, 'different one')}, as many of "
                f"{earlier} have {usual:,}. Have columns stopped coming? `mlsys monitor {champion.pipeline}`."
            )
            return Sign(cause="scores", pipeline=champion.pipeline, ok=False, sentence=sentence)
        return Sign(cause="scores", pipeline=champion.pipeline, ok=True, sentence=f"Scores of {day} differ as before.")
    return None


def monitors_sign(
    work: Workspace, spec: Spec, champion: ChampionChange, newest: date | None, at: datetime
) -> Sign | None:
    """Return whether the monitors have looked at the newest days; None where nothing is watched by itself.

    Args:
        work: the installation.
        spec: of the pipeline.
        champion: who serves.
        newest: newest day of data that any run has read.
        at: the present.
    """
    if not spec.monitors.watch or not spec.schedule.enabled or newest is None:
        return None
    report = latest(work.home, spec.pipeline)
    trouble = None
    if report is None or report.day is None:
        if champion.at is not None and at - champion.at > _LATE:
            trouble = f"No monitor has looked since {champion.version} serves."
    elif newest - report.day >= _LATE:
        trouble = f"The monitors looked at {report.day} last, though there are data of {newest}."
    elif report.state == "error":
        trouble = f"Monitors fail: {report.sentence}"
    if trouble is None:
        looked = f"The monitors have looked at {report.day}." if report else "The monitors are about to look."
        return Sign(cause="monitors", pipeline=spec.pipeline, ok=True, sentence=looked)
    sentence = f"{trouble} Look by hand: `mlsys monitor {spec.pipeline}`."
    return Sign(cause="monitors", pipeline=spec.pipeline, ok=False, sentence=sentence)


def _files(home: Path, pipeline: str) -> Iterator[tuple[date, PredictionFile]]:
    """Yield the newest file of each of the newest scored days, newest first."""
    names = sorted((path.stem for path in (home / "predictions" / pipeline).glob("*.json")), reverse=True)
    for name in names[:_LOOKED_AT]:
        found = predictions_of(home, pipeline, date.fromisoformat(name))
        if found is not None:
            yield found.day, found.champions[found.latest]


def _scores(work: Workspace, file: PredictionFile) -> np.ndarray:
    """Return `(n_rows, 1)` scores; of several classes `(n_rows, n_classes)`."""
    import numpy as np
    import pyarrow as pa

    from mlsys.schema import SCORE

    found = read_predictions(file, work, [SCORE])[SCORE]
    columns = found.flatten() if pa.types.is_struct(found.type) else [found]
    return np.column_stack([column.to_numpy() for column in columns])


def _n_distinct(scores: np.ndarray, n: int) -> int:
    """Return how many different scores the evenly spaced `n` rows have; of several classes their most varied one."""
    import numpy as np

    places = np.linspace(0, len(scores) - 1, n).astype(np.int64)
    return max((len(np.unique(column)) for column in scores[places].T), default=0)
