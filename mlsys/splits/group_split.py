"""Sides by group: all rows of a company, a person or a device stand on one side."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlsys.errors import RunError
from mlsys.splits.base import LEFT_OUT, Assignment, SplitRows, Splitter, refuse_empty
from mlsys.splits.hash_split import check_shares, shares_in_words, sides_by_hash
from mlsys.wording import counted


class GroupSplit(Splitter):
    """Shares of groups; use it when rows of a group resemble each other and new groups are what counts.

    Attributes:
        column: names the group of a row; it is no feature. Rows without a group are left out.
        validation, holdout: shares of the groups; training gets the rest.
    """

    kind: Literal["group"] = "group"
    column: str
    validation: float = Field(default=0.2, gt=0, lt=1)
    holdout: float = Field(default=0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        check_shares(self.validation, self.holdout)
        return self

    @property
    def group_column(self) -> str | None:
        """The column that names the group."""
        return self.column

    def assign(self, rows: SplitRows) -> Assignment:
        """Return sides that depend on each row's group alone."""
        import numpy as np

        if rows.group_hash is None:
            raise RunError(f"The split needs the hash of column '{self.column}' and got none", where="split")
        side = sides_by_hash(rows.group_hash, self.validation, self.holdout)
        side[~rows.usable] = LEFT_OUT
        n_groups = len(np.unique(rows.group_hash[rows.usable]))
        refuse_empty(
            side,
            detail=f"{counted(n_groups, 'group')} of '{self.column}' {'is' if n_groups == 1 else 'are'} too few",
            remedy="Choose a column with more groups, larger shares, or `split: {kind: hash}`",
        )
        shares = shares_in_words(self.validation, self.holdout)
        values = counted(n_groups, "value")
        return Assignment(side, {}, f"By group, {values} of '{self.column}': {shares} of the groups.")
