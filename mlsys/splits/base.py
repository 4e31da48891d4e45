"""The contract of a split: which row is for training, which for choosing, which for judging."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from mlsys.components import Component

if TYPE_CHECKING:
    import numpy as np

LEFT_OUT, TRAINING, VALIDATION, HOLDOUT = 0, 1, 2, 3


@dataclass(frozen=True)
class SplitRows:
    """What a split may look at: never features, never the label itself.

    Attributes:
        day: `(n_rows,)` datetime64[D], UTC day of each row.
        key_hash: `(n_rows,)` uint64, hash of the row's key, the same in every snapshot.
        group_hash: `(n_rows,)` uint64 of the spec's group column, or None.
        usable: `(n_rows,)` bool: labelled, not quarantined, label old enough. Others stay left out.
        last_day: last day before the run's cutoff.
    """

    day: np.ndarray
    key_hash: np.ndarray
    group_hash: np.ndarray | None
    usable: np.ndarray
    last_day: date


@dataclass(frozen=True)
class Assignment:
    """`side`: `(n_rows,)` int8 of LEFT_OUT, TRAINING, VALIDATION, HOLDOUT; `left_out`: usable rows left out, by reason."""

    side: np.ndarray
    left_out: dict[str, int]
    sentence: str


class Splitter(Component, ABC):
    """A rule that gives each row a side."""

    @abstractmethod
    def assign(self, rows: SplitRows) -> Assignment:
        """Return the side of every row.

        Under a hash rule a row's side never changes; under a time rule rows only move from the holdout towards
        training as the cutoff advances.

        Raises:
            DataError: a side would be empty.
        """
