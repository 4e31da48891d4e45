"""The advice in worlds whose truth is known: the base rate alone moves, the ranking alone, the scale, or nothing.

Rows are binormal: a positive one lies `SKILL` standard deviations higher. A model knows them through noise, part of
which is common to all models, and gives calibrated probabilities for the base rate of its own day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import log, sqrt
from typing import Any, Literal

import numpy as np
import pytest
from given.drawn_days import FIRST, drawn_days, nth_day
from threadpoolctl import threadpool_limits

from mlsys.backfill.answer import answer
from mlsys.backfill.change import fall_of
from mlsys.backfill.days import SimulatedDay
from mlsys.backfill.records import Look, PaceAnswer
from mlsys.backfill.scores import JudgedDay
from mlsys.backfill.strategies import GATED, NEVER, WEEKLY, Compared, compare, strategies_of
from mlsys.metrics.scores import Scored

pytestmark = pytest.mark.long

World = Literal["calm", "base rate", "ranking", "scale"]

N_DAYS = 22
ROWS = 200
WORLDS = 20
SKILL = 1.8
CHANGED = 6
DRIFT = 0.2  # of the logit, a day


@dataclass
class DrawnBook:
    """Stands in for `ScoreBook`: rows and scores of a world, drawn when they are asked for."""

    kind: World
    seed: int

    def __post_init__(self) -> None:
        blank: Any = None
        self.days = {
            nth_day(n): JudgedDay(nth_day(n), "", ROWS, blank, self._rows(n)[0], blank) for n in range(1, N_DAYS)
        }

    def scored(self, model: SimulatedDay, judged: date) -> Scored:
        """What a model says of a day."""
        n, made = (judged - FIRST).days, (model.day - FIRST).days
        y, common = self._rows(n)
        own = np.random.default_rng([self.seed, n, made, 1]).normal(size=ROWS)
        believed = self._base_rate(made)
        # The relation of features and label changes: what an older model has learnt says little any more.
        known = 0.5 if self.kind == "ranking" and made < CHANGED <= n else SKILL
        # A little of the skill is lost to retraining on fewer rows, so that within days the first model ranks best.
        known -= 0.06 if self.kind == "scale" and made else 0.0
        x = known * y + sqrt(0.5) * common + sqrt(0.5) * own
        logits = SKILL * x - SKILL**2 / 2 + log(believed / (1 - believed))
        return Scored(y, 1 / (1 + np.exp(-logits - self._shift(n, made))))

    def _base_rate(self, n: int) -> float:
        return 0.5 if self.kind != "base rate" or n < CHANGED else 0.15

    def _shift(self, n: int, made: int) -> float:
        """How far the scale of the features has drifted since a model was made: a little every day."""
        return DRIFT * (n - made) if self.kind == "scale" else 0.0

    def _rows(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng([self.seed, n, 0])
        return (generator.random(ROWS) < self._base_rate(n)).astype("int8"), generator.normal(size=ROWS)


def told(kind: World, seed: int) -> tuple[Compared, PaceAnswer]:
    """Compare the strategies in a world, and answer; the gates would have promoted days 0 and, by ranking, CHANGED."""
    simulation = drawn_days(N_DAYS, seed=seed)
    models = simulation.days
    gated = [models[0], models[CHANGED]] if kind == "ranking" else [models[0]]
    book: Any = DrawnBook(kind, seed)
    found = compare(simulation, strategies_of(simulation, gated), book)
    never = next(result for result in found.strategies if result.name == NEVER)
    values = [daily.value.value for daily in never.daily if daily.value.value is not None]
    change = fall_of([daily.day for daily in never.daily], values, direction="higher")
    return found, answer(found, change, "roc_auc")


def signs(found: Compared, strategy: str, look: Look) -> list[int]:
    """Say by which of a look's headline metrics a strategy is better (1) or worse (-1) than never retraining."""
    return [g.sign for g in found.view_gains if (g.strategy, g.over, g.look) == (strategy, NEVER, look) and g.headline]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def worlds() -> dict[World, list[tuple[Compared, PaceAnswer]]]:
    kinds: tuple[World, ...] = ("calm", "base rate", "ranking", "scale")
    with threadpool_limits(limits=1):
        return {kind: [told(kind, seed) for seed in range(WORLDS)] for kind in kinds}


Worlds = dict[World, list[tuple[Compared, PaceAnswer]]]


def test_where_nothing_moves_hardly_anything_is_advised_or_said(worlds: Worlds) -> None:
    assert Counter(said.advice for _, said in worlds["calm"])[NEVER] >= 0.85 * WORLDS
    assert sum(bool(said.disagreement) for _, said in worlds["calm"]) <= 0.1 * WORLDS


def test_where_the_base_rate_moves_the_ranking_holds_and_the_probabilities_do_not(worlds: Worlds) -> None:
    assert sum(signs(found, WEEKLY, Look.WITHIN) != [0] for found, _ in worlds["base rate"]) <= 0.15 * WORLDS
    assert all(signs(found, WEEKLY, Look.PROBABILITIES) == [1] for found, _ in worlds["base rate"])
    for _, said in worlds["base rate"]:
        assert said.advice != NEVER
        assert "Retraining has not helped" not in said.headline
        assert "log loss" in " ".join(said.more).lower()
    meant = [" ".join(said.disagreement) for _, said in worlds["base rate"]]
    assert (
        sum("The ranking holds and the probabilities are no longer right" in words for words in meant) >= 0.9 * WORLDS
    )


def test_where_the_ranking_moves_everything_says_so(worlds: Worlds) -> None:
    for found, said in worlds["ranking"]:
        assert {sign for look in Look for sign in signs(found, WEEKLY, look)} == {1}
        assert said.advice in (WEEKLY, GATED)
        assert said.disagreement == ()


def test_where_the_scale_drifts_no_look_within_days_advises_against_retraining(worlds: Worlds) -> None:
    for found, said in worlds["scale"]:
        assert max(signs(found, WEEKLY, Look.WITHIN)) <= 0
        assert {*signs(found, WEEKLY, Look.PROBABILITIES), *signs(found, WEEKLY, Look.DECISIONS)} == {1}
        assert said.advice in (WEEKLY, None)
        assert said.headline in ("Retrain weekly", "The measures disagree")
    assert sum(signs(found, WEEKLY, Look.POOLED) == [1] for found, _ in worlds["scale"]) >= 0.9 * WORLDS
    drifting = ["The scale of the scores drifts" in " ".join(said.disagreement) for _, said in worlds["scale"]]
    assert sum(drifting) >= 0.9 * WORLDS


def test_no_advice_is_contradicted(worlds: Worlds) -> None:
    for kind in worlds.values():
        for found, said in kind:
            gains = [g for g in found.view_gains if g.headline and "nightly" not in (g.strategy, g.over)]
            assert not [g for g in gains if g.over == said.advice and (g.lower or 0) > 0]
            assert not [g for g in gains if g.strategy == said.advice and (g.upper or 0) < 0]
