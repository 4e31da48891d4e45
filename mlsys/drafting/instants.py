"""Instants as Arrow has them, microseconds since 1970, in days and in words."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_EPOCH_DAY = date(1970, 1, 1)
_A_DAY = 86_400_000_000  # microseconds


def days_of(values: Any, counts: np.ndarray) -> Counter[int]:
    """Return the rows of each UTC day, counted from 1970, of instants in microseconds."""
    import numpy as np
    import pyarrow as pa

    known = np.asarray(values.is_valid().to_numpy(zero_copy_only=False))
    micros = np.asarray(values.drop_null().cast(pa.int64()).to_numpy())
    days, places = np.unique(micros // _A_DAY, return_inverse=True)
    sums = np.bincount(places, weights=counts[known], minlength=len(days))
    return Counter({int(day): int(n) for day, n in zip(days, sums, strict=True)})


def as_day(number: int) -> date:
    """Return a day that is counted from 1970."""
    return _EPOCH_DAY + timedelta(days=number)


def spoken_instant(micros: int) -> datetime:
    """Return an instant in microseconds from 1970 as UTC time without zone."""
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)  # noqa: DTZ001 - UTC throughout
