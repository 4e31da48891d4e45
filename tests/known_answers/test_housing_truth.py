"""Nights of the housing pipeline as it ships: a number is learnt, judged, served, watched, simulated and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

import numpy as np
import pytest
from given.installations import as_it_comes

from mlsys import pipeline
from mlsys.backfill.backfill import backfill
from mlsys.cli.sample_makers import load_maker, make_sample
from mlsys.errors import UsageError
from mlsys.monitoring.monitoring import monitor
from mlsys.pipeline import Finished
from mlsys.planning.plan import RunRequest
from mlsys.records import Decision, Evaluation
from mlsys.serving import load_champion
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

EARLY, LATER, AFTER = 34, 69, 76  # indices of days: two retrainings, and the last day of data
CHANGE = 36  # homes by the river lose a third of their price
PLAIN = ("registries=[files]", "metrics.replicates=200", "explanations.enabled=false")


@dataclass(frozen=True)
class Nights:
    """An installation after two retrainings; data go on for a week."""

    work: Workspace
    maker: ModuleType
    runs: dict[int, Finished]

    def decision(self, day: int) -> Decision:
        version = self.runs[day].version
        assert version is not None
        return version.decision

    def evaluation(self, day: int, role: str) -> Evaluation:
        evaluations = self.runs[day].evaluations
        assert evaluations is not None
        listed = [Evaluation.load(e) for e in self.work.store.read_json(evaluations.details)["evaluations"]]
        wanted = evaluations.best if role == "challenger" else None
        return next(e for e in listed if e.model_id == wanted or (wanted is None and e.role == role))

    def card(self, day: int) -> str:
        report = self.runs[day].report
        assert report is not None
        return (self.work.home / report.path).read_text()


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with as_it_comes(tmp_path_factory.mktemp("housing")) as work:
        maker, runs = load_maker(work.settings, "housing"), {}
        for day in (EARLY, LATER):
            made(work, days=day + 1)
            asked = maker.FIRST_DAY + timedelta(days=day)
            runs[day] = pipeline.run(work, RunRequest("housing", day=asked, overrides=PLAIN))
        made(work, days=AFTER + 1)
        yield Nights(work, maker, runs)


def made(work: Workspace, *, days: int) -> None:
    options = {"change_day": str(CHANGE)}
    make_sample(work.settings, "housing", days=days, target=work.home / "samples", options=options)


def test_the_first_model_is_promoted_by_its_error_in_dollars(nights: Nights):
    assert nights.decision(EARLY).outcome == "promote"
    challenger, baseline = (nights.evaluation(EARLY, role) for role in ("challenger", "baseline"))
    better, worse = challenger.on_holdout("mse"), baseline.on_holdout("mse")
    assert better is not None
    assert worse is not None
    assert better.upper is not None
    assert worse.lower is not None
    assert better.upper < worse.lower
    rmse = challenger.on_holdout("rmse")
    assert rmse is not None
    assert rmse.value == pytest.approx(better.value**0.5)


def test_after_the_fall_by_the_river_the_champion_is_beaten_on_the_same_homes(nights: Nights):
    decision = nights.decision(LATER)
    assert decision.outcome == "promote"
    beaten = next(gate for gate in decision.gates if gate.gate == "better_than_champion")
    assert beaten.observed is not None
    assert beaten.observed > 0
    new, old = (nights.evaluation(LATER, role).on_holdout("bias") for role in ("challenger", "champion"))
    assert new is not None
    assert old is not None
    assert new.value is not None
    assert old.value is not None
    assert new.value < old.value


def test_the_champion_is_as_near_to_fresh_prices_as_the_one_who_knows_them(nights: Nights):
    fresh = nights.maker.fresh(20_000, day=LATER, seed=5, change_day=CHANGE)
    champion = load_champion("housing", home=nights.work.home)
    said, price = champion.predict(fresh), fresh["sale_price"].to_numpy(dtype="float64")
    truth = nights.maker.true_mean(fresh, day=LATER, change_day=CHANGE)
    best, reached, mean = (
        float(np.mean((guess - price) ** 2)) for guess in (truth, said, np.full(20_000, price.mean()))
    )
    assert best < reached < best + 0.25 * (mean - best)


def test_a_champion_of_numbers_has_no_probabilities(nights: Nights):
    champion = load_champion("housing", home=nights.work.home)
    assert (champion.task, champion.positive, champion.threshold) == ("regression", None, None)
    with pytest.raises(UsageError, match="numbers, not probabilities"):
        champion.predict_proba(nights.maker.fresh(3, day=LATER, seed=1))
    assert champion.predict(nights.maker.fresh(3, day=LATER, seed=1).iloc[:0]).shape == (0,)


def test_the_card_draws_numbers_and_speaks_of_no_classes(nights: Nights):
    card = nights.card(LATER)
    assert 'id="against-truth-title"' in card
    assert "Errors by size of the truth" in card
    assert "champion.predict(rows)" in card
    for word in ("predict_proba", "ROC", "Confusion matrix", "false alarm", "None</th>", "at the threshold"):
        assert word not in card


def test_the_week_after_is_scored_and_watched_without_classes(nights: Nights):
    report = monitor(nights.work, "housing")
    assert report.n_labelled == report.n_rows > 300
    live = next(result for result in report.results if result.monitor == "live_metric")
    assert live.state == "pass"
    assert "positive" not in live.sentence


@pytest.mark.long
def test_a_backfill_compares_paces_by_their_errors(nights: Nights):
    first = nights.maker.FIRST_DAY + timedelta(days=LATER - 3)
    found = backfill(nights.work, "housing", first=first, last=first + timedelta(days=3))
    assert found.report is not None
    page = (nights.work.home / found.report.path).read_text()
    assert "Errors by several measures" in page
    for word in ("ROC", "Ranking", "robabilit", "threshold"):
        assert word not in page
    views = found.report.strategies[0].views
    assert [view.metric for view in views] == ["rmse", "mae", "bias"]
