"""A range of past days whose runs read their source together: once, by whichever of them comes first.

Each run of a backfill reads its own lookback again. Days outside it would be found as some earlier run has left them,
and the order of the days would matter; once the whole range is taken in, it does not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

from mlsys.errors import DataError
from mlsys.events import get_logger
from mlsys.snapshot import snapshot
from mlsys.spec import Spec
from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class DayRange:
    """The days of one backfill.

    Attributes:
        name: differs from that of every other backfill, also of one over the same days.
        first, last: UTC days, both included.
    """

    name: str
    first: date
    last: date


def take_in(work: Workspace, spec: Spec, first: date, last: date) -> bool:
    """Store what is new of a range of days; return whether the source let itself be read.

    One that is refused is only logged: each run says what is wrong with its own window, and one bad file must not stop
    the days that don't need it.

    Raises:
        TransientError: the source or the ledger does not answer.
    """
    try:
        snapshot.take_in(spec, first, last, catalog=work.ledger, store=work.store)
    except DataError as error:
        log.warning("range_not_taken_in", pipeline=spec.pipeline, reason=error)
        return False
    return True


def take_in_once(work: Workspace, spec: Spec, days: DayRange) -> None:
    """Do `take_in` for the first run of a range; the others wait for it and find it done.

    The mark lies below MLSYS_HOME/cache; without it the range is read once more, which changes nothing but time.

    Raises:
        TransientError: the source or the ledger does not answer.
    """
    name = hashlib.sha256(f"{spec.pipeline}\n{days}".encode()).hexdigest()
    mark = work.home / "cache" / "ranges" / name
    with work.ledger.taking_in(spec.pipeline):
        if not mark.exists():
            take_in(work, spec, days.first, days.last)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
