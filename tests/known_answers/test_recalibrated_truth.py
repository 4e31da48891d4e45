"""Recalibrating beside retraining in worlds whose truth is known: the base rate moves alone, or the ranking alone.

Two signals are drawn for each row. Models say true probabilities of the days that they have seen: they know the base
rate of these days, and what either signal has told on the newest of them. Lines are fitted on drawn rows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from given import shop
from given.drawn_days import FIRST, drawn_days, nth_day
from given.shop import day, edit_spec, enter, make_shop
from scipy.special import expit, logit

from mlsys.backfill.answer import answer
from mlsys.backfill.backfill import backfill
from mlsys.backfill.days import SimulatedDay
from mlsys.backfill.recalibrated import Recalibrated
from mlsys.backfill.records import Look, PaceAnswer
from mlsys.backfill.scores import JudgedDay
from mlsys.backfill.strategies import GATED, NEVER, RECALIBRATED, WEEKLY, Compared, compare, strategies_of
from mlsys.metrics.scores import Scored
from mlsys.models.calibration import Line
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow

N_DAYS = 26
ROWS = 150
CHANGED = 8
WINDOW = 7  # days that models and lines learn from
SKILL = 1.4
WORLDS = range(4)


@dataclass
class World:
    """Stands in for `ScoreBook`; `rate` and `second` hold from the day CHANGED on, .3 and 0 before.

    Attributes:
        rate: share of positive rows.
        second: what the second signal tells of a row.
    """

    seed: int
    rate: float = 0.3
    second: float = 0.0

    def __post_init__(self) -> None:
        blank: Any = None
        self.days = {
            nth_day(n): JudgedDay(nth_day(n), "", ROWS, blank, self.rows(n)[0], blank) for n in range(1, N_DAYS)
        }

    def rows(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Labels of a day and both signals."""
        random = np.random.default_rng([self.seed, n + WINDOW])
        y = (random.random(ROWS) < (self.rate if n >= CHANGED else 0.3)).astype("int8")
        second = self.second if n >= CHANGED else 0.0
        return y, SKILL * y + random.normal(size=ROWS), second * y + random.normal(size=ROWS)

    def said(self, made: int, n: int) -> np.ndarray:
        """What the model of a day says of another day."""
        share = np.mean([self.rate if k >= CHANGED else 0.3 for k in range(made - WINDOW + 1, made + 1)])
        second = self.second if made >= CHANGED else 0.0
        _, one, other = self.rows(n)
        logits = SKILL * one - SKILL**2 / 2 + second * other - second**2 / 2 + logit(share)
        return expit(logits)

    def line(self, night: int) -> Line:
        """The line of a night on the scores of the first model."""
        days = range(max(1, night - WINDOW + 1), night + 1)
        scores, y = (np.concatenate(part) for part in zip(*((self.said(0, k), self.rows(k)[0]) for k in days)))  # noqa: B905
        return Line.on(scores, y)

    def scored(self, model: SimulatedDay, judged: date) -> Scored:
        """What the model that serves says of a day."""
        made = 0 if isinstance(model, Recalibrated) else (model.day - FIRST).days
        n = (judged - FIRST).days
        return Scored(self.rows(n)[0], model.adjusted(self.said(made, n)))


def walked(world: World) -> tuple[Compared, PaceAnswer]:
    """The strategies in a world; the gates promote once, in the week after the change."""
    simulation = drawn_days(N_DAYS, seed=world.seed)
    first = simulation.days[0]
    parts = {field.name: getattr(first, field.name) for field in fields(SimulatedDay)}
    lines = [Recalibrated(**parts, night=nth_day(n), line=world.line(n), cut=None) for n in range(1, N_DAYS)]
    gated = [first, simulation.days[CHANGED + 4]]
    book: Any = world
    found = compare(simulation, strategies_of(simulation, gated, lines), book)
    return found, answer(found, None, "roc_auc")


def gained(found: Compared, name: str, look: Look) -> tuple[float, int]:
    one = next(g for g in found.view_gains if (g.strategy, g.over, g.look) == (name, NEVER, look))
    assert one.difference is not None
    return one.difference, one.sign


def test_where_only_the_base_rate_moves_recalibrating_earns_nearly_all_and_is_advised() -> None:
    for seed in WORLDS:
        found, said = walked(World(seed, rate=0.75))
        best = max(gained(found, name, Look.PROBABILITIES)[0] for name in (WEEKLY, "nightly", GATED))
        earned, sign = gained(found, RECALIBRATED, Look.PROBABILITIES)
        assert sign == 1
        assert earned > 0.9 * best > 0.05
        assert abs(gained(found, RECALIBRATED, Look.WITHIN)[0]) < 1e-12
        assert (said.advice, said.headline) == (RECALIBRATED, "Recalibrate nightly")
        assert any(line.startswith("Recalibrating alone is enough: the level drifts") for line in said.more)
        assert said.sentence.startswith("Recalibrating nightly keeps the ranking and ROC AUC with it, and is better")


def test_where_only_the_ranking_moves_recalibrating_earns_nothing_and_is_said_to() -> None:
    for seed in WORLDS:
        found, said = walked(World(seed, second=1.4))
        assert gained(found, GATED, Look.WITHIN)[1] == 1
        for look in (Look.WITHIN, Look.POOLED, Look.PROBABILITIES):
            earned, sign = gained(found, RECALIBRATED, look)
            assert sign <= 0
            assert earned < 0.1 * gained(found, GATED, look)[0]
        assert said.advice not in (NEVER, RECALIBRATED, None)
        (line,) = (line for line in said.more if "Recalibrating alone" in line)
        assert line.startswith("Recalibrating alone is not enough: by no measure")


def test_where_nothing_moves_nothing_is_said_of_recalibrating() -> None:
    advised = [walked(World(seed)) for seed in WORLDS]
    assert [said.advice for _, said in advised] == [NEVER] * len(WORLDS)
    assert not [line for _, said in advised for line in said.more if "Recalibrating alone" in line]


def test_where_both_move_it_mends_a_part() -> None:
    for seed in WORLDS:
        _, said = walked(World(seed, rate=0.75, second=1.4))
        (line,) = (line for line in said.more if "Recalibrating alone" in line)
        assert line.startswith("Recalibrating alone mends a part: it makes the first model better by")
        assert "against that retraining weekly is better by ROC AUC within days" in line
        assert said.advice not in (NEVER, RECALIBRATED)


# -- from rows to the answer, with models that are really trained ------------------------------------------------


@pytest.mark.long
def test_a_shop_of_which_only_the_base_rate_moves_is_recalibrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shop._orders

    def orders(index: int) -> list[tuple[object, ...]]:
        """The shop's rows without its change of customers; from day 12 on four of five kept ones are missing."""
        monkeypatch.setattr(shop, "CHANGE", 1000)
        stays = np.random.default_rng([11, index]).random(shop.ROWS_PER_DAY) < (0.2 if index >= 12 else 1.0)
        return [row for row, here in zip(real(index), stays, strict=True) if here or row[-1] == "yes"]

    monkeypatch.setattr(shop, "_orders", orders)
    home = tmp_path / "home"
    make_shop(home, home / "pipelines", days=25)
    models = [{"kind": "logistic"}, {"kind": "recalibrate", "days": 4}]
    edit_spec(home / "pipelines", registries=[], split={"kind": "hash"}, models=models)
    enter(home, monkeypatch)
    with open_workspace() as work:
        report = backfill(work, "shop", first=day(8), last=day(24), parallel=2).report
    assert report is not None
    assert report.advice == RECALIBRATED
    assert "Recalibrating alone is enough" in report.sentence
