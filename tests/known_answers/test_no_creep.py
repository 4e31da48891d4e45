"""Simulated years of "not worse": each night's challenger is truly a little worse than what serves.

A night's difference has the noise of seven days, six of which the next night shares; each model has its own luck on a
day. What serves must not lie more than the margin below the best that was approved, in 95 of 100 years.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from mlsys.gates.anchor import ANCHOR_LEVEL, against_anchor
from mlsys.records import AnchorComparison
from mlsys.testing.gates import comparison

DAYS = 7
MARGIN = 0.005
Z = NormalDist().inv_cdf


def lost_in_years(
    n_years: int, error: float, *, step: float, level: float | None, nights: int = 365, seed: int = 0
) -> np.ndarray:
    """Return `(n_years,)`: how far what serves came to lie below the best approved so far, at most.

    Args:
        n_years: simulated at once.
        error: standard error of a night's difference.
        step: how far below the champion each challenger lies, as a share of the margin.
        level: of the bound against the anchor; None has no anchor.
        nights: in a year.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    spread = error * np.sqrt(DAYS / 2)

    def luck() -> np.ndarray:
        return generator.normal(scale=spread, size=(n_years, nights + DAYS)).astype("float32")

    champion, its_luck = np.zeros(n_years), luck()
    anchor, anchors_luck = champion.copy(), its_luck.copy()
    best, lost = np.zeros(n_years), np.zeros(n_years)
    for night in range(nights):
        days, new, new_luck = slice(night, night + DAYS), champion - step * MARGIN, luck()
        difference = new - champion + (new_luck - its_luck)[:, days].mean(axis=1)
        passes = difference - Z(0.95) * error > -MARGIN
        if level is not None:
            bound = new - anchor + (new_luck - anchors_luck)[:, days].mean(axis=1) - Z(level) * error
            passes &= bound > -MARGIN
            moves = passes & (bound > 0)
            anchor, anchors_luck[moves] = np.where(moves, new, anchor), new_luck[moves]
        champion, its_luck[passes] = np.where(passes, new, champion), new_luck[passes]
        best = np.maximum(best, champion)
        lost = np.maximum(lost, best - champion)
    return lost


def share_below(error: float, step: float, level: float | None, *, n_years: int) -> float:
    return float((lost_in_years(n_years, error, step=step, level=level) > MARGIN).mean())


def test_without_an_anchor_quality_creeps() -> None:
    assert share_below(0.002, 0.5, None, n_years=20) == 1


def test_the_simulated_bound_is_that_of_the_gate() -> None:
    anchor = AnchorComparison(
        model_id="a", version="1", state="scored", comparisons=(comparison(-0.001, -0.001 - Z(0.95) * 0.002, 0.003),)
    )
    found = against_anchor(anchor, {}, "roc_auc", limit=-MARGIN)
    assert found.bound == pytest.approx(-0.001 - Z(ANCHOR_LEVEL) * 0.002)


@pytest.mark.slow
@pytest.mark.parametrize("step", [0.98, 0.5])
def test_with_it_a_year_ends_within_the_margin(step: float) -> None:
    assert share_below(0.004, step, ANCHOR_LEVEL, n_years=60) <= 0.05


@pytest.mark.long
@pytest.mark.parametrize("error", [0.001, 0.002, 0.004])
@pytest.mark.parametrize("step", [0.98, 0.5, 0.25])
def test_with_it_a_thousand_years_end_within_the_margin(error: float, step: float) -> None:
    assert share_below(error, step, ANCHOR_LEVEL, n_years=1000) <= 0.05
