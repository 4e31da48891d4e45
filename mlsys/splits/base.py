"""The contract of a split: which row is for training, which for choosing, which for judging."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from mlsys.components import Component
from mlsys.errors import DataError

if TYPE_CHECKING:
    import numpy as np

LEFT_OUT, TRAINING, VALIDATION, HOLDOUT = 0, 1, 2, 3
SIDES = {TRAINING: "training", VALIDATION: "validation", HOLDOUT: "holdout"}


@dataclass(frozen=True)
class SplitRows:
    """What a split may look at: never features, never the label itself.

    Attributes:
        day: `(n_rows,)` datetime64[D], UTC day of each row.
        key_hash: `(n_rows,)` uint64, hash of the row's key, the same in every snapshot.
        group_hash: `(n_rows,)` uint64 of the spec's group column, or None.
        usable: `(n_rows,)` bool: labelled, not quarantined, label old enough. Others stay left out.
        last_day: last day whose labels are final: the last day before the run's cutoff less `label.delay`.
    """

    day: np.ndarray
    key_hash: np.ndarray
    group_hash: np.ndarray | None
    usable: np.ndarray
    last_day: date


@dataclass(frozen=True)
class Assignment:
    """The sides of all rows.

    Attributes:
        side: `(n_rows,)` int8 of LEFT_OUT, TRAINING, VALIDATION, HOLDOUT.
        left_out: usable rows left out, by reason.
        sentence: the rule in words, with its dates.
    """

    side: np.ndarray
    left_out: dict[str, int]
    sentence: str


class Splitter(Component, ABC):
    """A rule that gives each row a side."""

    @property
    def in_time(self) -> bool:
        """Whether the sides follow each other in time."""
        return False

    @property
    def withheld(self) -> dict[str, int]:
        """Newest UTC days that no model is fitted on, by what they are for; empty where every day also trains."""
        return {}

    @property
    def judging_days(self) -> tuple[str, int] | None:
        """The key and the number of newest days that the holdout never leaves; None where it grows with the data."""
        return None

    @property
    def group_column(self) -> str | None:
        """The column whose hash the rule needs as `group_hash`, or None."""
        return None

    @abstractmethod
    def assign(self, rows: SplitRows) -> Assignment:
        """Return the side of every row.

        Under a hash rule a row's side never changes; under a time rule rows only move from the holdout towards
        training as the cutoff advances.

        Raises:
            DataError: a side would be empty.
        """


def uniform(hashes: np.ndarray, salt: int) -> np.ndarray:
    """Return `(n_rows,)` float64 in [0, 1) that depend on hash and salt alone, never on other rows.

    The mixing is that of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014); two salts give independent numbers.
    """
    import numpy as np

    z = hashes.astype(np.uint64) + np.uint64(salt)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def refuse_empty(side: np.ndarray, *, detail: str, remedy: str) -> None:
    """Check that every side has rows.

    Raises:
        DataError: one has none; `detail` says what was looked for.
    """
    for number, name in SIDES.items():
        if not (side == number).any():
            raise DataError(f"The {name} side of the split is empty: {detail}", where="split", remedy=remedy)
