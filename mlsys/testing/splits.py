"""What every split must do; subclass it for a split of your own and set `splitter`."""
# ruff: noqa: D102 - a test's name says what it shows

from __future__ import annotations

from datetime import date
from typing import ClassVar

import numpy as np
import pytest

from mlsys.errors import DataError
from mlsys.splits.base import LEFT_OUT, SIDES, TRAINING, SplitRows, Splitter


def some_rows(n_rows: int = 2000, *, seed: int = 0, n_days: int = 40) -> SplitRows:
    """Return rows of 40 days to 2026-02-09 in 100 groups, a twentieth of them unusable."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 2**64, 100, dtype=np.uint64)
    return SplitRows(
        day=np.datetime64("2026-01-01") + rng.integers(0, n_days, n_rows),
        key_hash=rng.integers(0, 2**64, n_rows, dtype=np.uint64),
        group_hash=groups[rng.integers(0, 100, n_rows)],
        usable=rng.random(n_rows) > 0.05,
        last_day=date(2026, 2, 9),
    )


def taken(rows: SplitRows, places: np.ndarray) -> SplitRows:
    """Return the rows at some places, in their order."""
    assert rows.group_hash is not None
    return SplitRows(
        rows.day[places], rows.key_hash[places], rows.group_hash[places], rows.usable[places], rows.last_day
    )


class SplitContract:
    """Tests of one split."""

    splitter: ClassVar[Splitter]

    def test_every_side_has_rows_and_unusable_rows_stand_on_none(self) -> None:
        rows = some_rows()
        side = self.splitter.assign(rows).side
        assert side.dtype == np.int8
        assert set(SIDES) <= set(side.tolist())
        assert (side[~rows.usable] == LEFT_OUT).all()

    def test_usable_rows_left_out_are_counted_by_reason(self) -> None:
        rows = some_rows()
        found = self.splitter.assign(rows)
        assert sum(found.left_out.values()) == int((found.side[rows.usable] == LEFT_OUT).sum())

    def test_order_of_rows_does_not_matter(self) -> None:
        rows = some_rows()
        order = np.random.default_rng(1).permutation(len(rows.day))
        assert (self.splitter.assign(taken(rows, order)).side == self.splitter.assign(rows).side[order]).all()

    def test_other_rows_do_not_matter(self) -> None:
        rows = some_rows()
        some = np.flatnonzero(np.random.default_rng(2).random(len(rows.day)) < 0.7)
        assert (self.splitter.assign(taken(rows, some)).side == self.splitter.assign(rows).side[some]).all()

    def test_usability_of_other_rows_does_not_matter(self) -> None:
        rows = some_rows()
        all_usable = SplitRows(rows.day, rows.key_hash, rows.group_hash, np.ones_like(rows.usable), rows.last_day)
        both = rows.usable
        assert (self.splitter.assign(all_usable).side[both] == self.splitter.assign(rows).side[both]).all()

    def test_nothing_usable_is_a_data_error_with_a_remedy(self) -> None:
        rows = some_rows()
        none = SplitRows(rows.day, rows.key_hash, rows.group_hash, np.zeros_like(rows.usable), rows.last_day)
        with pytest.raises(DataError, match="is empty") as caught:
            self.splitter.assign(none)
        assert caught.value.remedy

    def test_the_sentence_names_all_three_sides(self) -> None:
        sentence = self.splitter.assign(some_rows()).sentence
        assert all(name in sentence for name in SIDES.values())

    def test_no_withheld_day_trains(self) -> None:
        rows, n_withheld = some_rows(), sum(self.splitter.withheld.values())
        trained = rows.day[self.splitter.assign(rows).side == TRAINING]
        assert np.datetime64(rows.last_day) - trained.max() == np.timedelta64(n_withheld, "D")

    def test_inputs_are_not_changed(self) -> None:
        rows = some_rows()
        before = rows.day.copy(), rows.key_hash.copy(), rows.usable.copy()
        self.splitter.assign(rows)
        assert all((a == b).all() for a, b in zip(before, (rows.day, rows.key_hash, rows.usable), strict=True))
