"""Sides by hash of the row's key: a row's side never changes, whatever else is in the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from mlsys.splits.base import (
    HOLDOUT,
    LEFT_OUT,
    TRAINING,
    VALIDATION,
    Assignment,
    SplitRows,
    Splitter,
    refuse_empty,
    uniform,
)

if TYPE_CHECKING:
    import numpy as np

_SALT = 0x51DE5  # never to be changed: it decides the side of every row there will ever be


class HashSplit(Splitter):
    """Shares of rows by key; not stratified, because a side must not depend on the label.

    Attributes:
        validation, holdout: shares of the rows; training gets the rest.
    """

    kind: Literal["hash"] = "hash"
    validation: float = Field(default=0.2, gt=0, lt=1)
    holdout: float = Field(default=0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        check_shares(self.validation, self.holdout)
        return self

    def assign(self, rows: SplitRows) -> Assignment:
        """Return sides that depend on each row's key alone."""
        side = sides_by_hash(rows.key_hash, self.validation, self.holdout)
        side[~rows.usable] = LEFT_OUT
        n_usable = int(rows.usable.sum())
        refuse_empty(side, detail=f"{n_usable} usable rows are too few", remedy="Take in more rows, or larger shares")
        return Assignment(side, {}, f"By hash of the row's key: {shares_in_words(self.validation, self.holdout)}.")


def sides_by_hash(hashes: np.ndarray, validation: float, holdout: float) -> np.ndarray:
    """Return `(n_rows,)` int8 sides; a larger validation share takes rows from training, never from the holdout."""
    import numpy as np

    place = uniform(hashes, _SALT)
    side = np.full(len(hashes), TRAINING, dtype=np.int8)
    side[place < holdout + validation] = VALIDATION
    side[place < holdout] = HOLDOUT
    return side


def check_shares(validation: float, holdout: float) -> None:
    """Check that training keeps at least a tenth of the rows.

    Raises:
        ValueError: it does not.
    """
    if validation + holdout > 0.9:
        raise ValueError(f"validation and holdout take {validation + holdout:.0%}; leave 10 % for training")


def shares_in_words(validation: float, holdout: float) -> str:
    """Return `60 % training, 20 % validation, 20 % holdout`."""
    parts = ((1 - validation - holdout, "training"), (validation, "validation"), (holdout, "holdout"))
    return ", ".join(f"{share * 100:.3g} % {name}" for share, name in parts)
