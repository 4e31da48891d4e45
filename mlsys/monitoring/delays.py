"""How long labels take: measured on all rows, of which the young ones have no label yet.

The delays of labels that are there already are too short on average: of young rows only the quick ones are among them.
So a row without a label counts as one whose delay is longer than its age (Kaplan and Meier, Journal of the American
Statistical Association 53, 1958).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.durations import in_words
from mlsys.records import Snapshot
from mlsys.records.versions import LabelDelay
from mlsys.spec import Spec
from mlsys.wording import counted
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

_LEAST = 50  # labels; fewer say nothing of their delay
_AGES = (1, 2, 3, 5, 7, 14, 28)  # days at which the share of known labels is shown
_MOST = 0.95


def label_delay(work: Workspace, spec: Spec, snapshot: Snapshot, *, first: date) -> LabelDelay | None:
    """Return how long labels of the rows since a day took; None where nothing says when they arrived, or too few did.

    Raises:
        IntegrityError: a stored file is missing or damaged.
    """
    import numpy as np

    from mlsys.schema import ARRIVAL, EVENT_TIME
    from mlsys.snapshot.manifest import read_manifest
    from mlsys.snapshot.rows import read_rows

    days = [entry.day for entry in read_manifest(snapshot.manifest, work.store).partitions if entry.day >= first]
    if spec.label.arrival is None or not spec.source.timed or not days:
        return None
    table = read_rows(snapshot.manifest, work.store, [EVENT_TIME, ARRIVAL], days=days)
    event = table[EVENT_TIME].to_numpy().astype("datetime64[us]")
    arrival = table[ARRIVAL].to_numpy().astype("datetime64[us]")
    cutoff = np.datetime64(snapshot.cutoff.replace(tzinfo=None), "us")
    known = ~np.isnat(arrival)
    waited = (np.where(known, arrival, cutoff) - event) / np.timedelta64(1, "s")
    return delay_of(np.maximum(waited, 0.0), known, declared=spec.label.delay)


def mature_day(spec: Spec, snapshot: Snapshot, delay: LabelDelay | None) -> date:
    """Return the newest day whose labels are due: by the spec's `label.delay`, and by the delay that was measured.

    A day counts when its last row is as old as the delay within which 95 % of labels come, in whole days.
    """
    measured = timedelta(0) if delay is None else timedelta(days=-(-delay.most // timedelta(days=1)))
    return clock.last_day_before(snapshot.cutoff - max(spec.label.delay, measured))


def delay_of(waited: np.ndarray, known: np.ndarray, *, declared: timedelta) -> LabelDelay | None:
    """Return the delay of labels, or None where fewer than 50 are known.

    Args:
        waited: `(n_rows,)` seconds from the row to its label, or to now where it has none.
        known: `(n_rows,)` bool: it has one.
        declared: what the spec says.
    """
    import numpy as np

    if known.sum() < _LEAST:
        return None
    times, share = _shares(waited, known)
    ever = float(share[-1])
    half, most = (timedelta(seconds=round(times[np.argmax(share >= part * ever - 1e-12)])) for part in (0.5, _MOST))
    oldest = float(waited.max())
    ages = [days for days in _AGES if days * 86400 <= oldest]
    places = np.searchsorted(times, [days * 86400 for days in ages], side="right")
    at = [float(share[place - 1]) if place else 0.0 for place in places]
    return LabelDelay(
        n_rows=int(waited.size),
        n_labelled=int(known.sum()),
        half=half,
        most=most,
        ever=ever,
        known=tuple(zip(ages, at, strict=True)),
        declared=declared,
        sentence=_sentence(int(waited.size), half, most, ever, declared),
    )


def _shares(waited: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rising times at which labels came, and the share of rows labelled by then."""
    import numpy as np

    times, came = np.unique(waited[known], return_counts=True)
    at_risk = waited.size - np.searchsorted(np.sort(waited), times, side="left")
    return times, 1 - np.cumprod(1 - came / at_risk)


def _sentence(n_rows: int, half: timedelta, most: timedelta, ever: float, declared: timedelta) -> str:
    said = (
        f"Half of the labels that come are there after {in_words(half)}, 95 % after {in_words(most)}; "
        f"{100 * ever:.0f} % of {counted(n_rows, 'row')} get one"
    )
    if most > declared:
        return (
            f"{said}. That is longer than `label.delay` ({in_words(declared)}) allows for: younger days are immature."
        )
    return f"{said}. `label.delay` ({in_words(declared)}) allows for that."
