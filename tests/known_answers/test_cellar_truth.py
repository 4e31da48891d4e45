"""Nights of a pipeline of several classes: learnt, judged, served, watched and simulated; a grape arrives later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from given.cellar import GRAPES, LATE, NEW, bottles, day, make_cellar, true_probabilities

from mlsys import pipeline
from mlsys.backfill.backfill import backfill
from mlsys.backfill.walkforward import walk_forward
from mlsys.monitoring.monitoring import monitor
from mlsys.monitoring.scoring import predictions_of, read_predictions
from mlsys.pipeline import Finished
from mlsys.planning.plan import RunRequest
from mlsys.records import Decision, Evaluation
from mlsys.records.monitoring import MonitorReport
from mlsys.serving import Champion, load_champion
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

FIRST, SHORTLY, LATER = 11, NEW + 2, NEW + 8  # days of three retrainings
SAID = tuple(sorted(GRAPES))


@dataclass(frozen=True)
class Nights:
    """An installation after three retrainings, and what was seen shortly after the first one."""

    work: Workspace
    runs: dict[int, Finished]
    champion: Champion
    watched: MonitorReport

    def decision(self, index: int) -> Decision:
        version = self.runs[index].version
        assert version is not None
        return version.decision

    def details(self, index: int) -> dict[str, Any]:
        evaluations = self.runs[index].evaluations
        assert evaluations is not None
        found: dict[str, Any] = self.work.store.read_json(evaluations.details)
        return found

    def card(self, index: int) -> str:
        report = self.runs[index].report
        assert report is not None
        return (self.work.home / report.path).read_text()


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    home = tmp_path_factory.mktemp("cellar") / "home"
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (("HOME", home), ("DATABASE", "sqlite"), ("PIPELINES", home / "pipelines")):
            patched.setenv(f"MLSYS_{name}", str(value))
        make_cellar(home, days=FIRST + 1)
        with open_workspace() as work:
            runs = {FIRST: retrained(work, FIRST)}
            champion = load_champion("cellar", home=home)
            make_cellar(home, days=SHORTLY + 1)
            watched = monitor(work, "cellar")
            runs[SHORTLY] = retrained(work, SHORTLY)
            make_cellar(home, days=LATER + 1)
            runs[LATER] = retrained(work, LATER)
            yield Nights(work, runs, champion, watched)


def retrained(work: Workspace, index: int) -> Finished:
    return pipeline.run(work, RunRequest("cellar", day=day(index), overrides=("registries=[files]",)))


def test_the_first_model_is_promoted_and_the_prior_is_far_behind(nights: Nights) -> None:
    assert nights.decision(FIRST).outcome == "promote"
    evaluations = [Evaluation.load(each) for each in nights.details(FIRST)["evaluations"]]
    best, prior = (next(e for e in evaluations if e.name == name) for name in ("logistic", "prior"))
    good, bad = best.on_holdout("log_loss"), prior.on_holdout("log_loss")
    assert good is not None
    assert bad is not None
    assert good.upper is not None
    assert bad.lower is not None
    assert good.upper < bad.lower


def test_the_champion_is_as_near_to_fresh_bottles_as_the_one_who_knows_the_truth(nights: Nights) -> None:
    fresh = bottles(FIRST + 1)
    place = [SAID.index(grape) for grape in fresh["grape"]]
    said = nights.champion.predict_proba(fresh)
    truth = true_probabilities(fresh, SAID)
    reached, best = (-np.log(table[np.arange(len(fresh)), place]).mean() for table in (said, truth))
    assert best < reached + 0.05
    assert reached < best + 0.1
    assert np.abs(said - truth).mean() < 0.04


def test_the_champion_says_classes_by_name_and_their_probabilities_in_order(nights: Nights) -> None:
    champion, fresh = nights.champion, bottles(FIRST + 1)
    assert (champion.task, champion.classes, champion.positive, champion.threshold) == ("multiclass", SAID, None, None)
    assert champion.predict(fresh).tolist() == [SAID[i] for i in champion.predict_proba(fresh).argmax(axis=1)]
    assert champion.model.classes_.tolist() == list(SAID)
    assert champion.predict_proba(fresh.iloc[:0]).shape == (0, 3)
    assert champion.predict(fresh.iloc[:0]).shape == (0,)


def test_stored_predictions_hold_the_class_and_a_named_probability_for_each(nights: Nights) -> None:
    known = predictions_of(nights.work.home, "cellar", day(FIRST + 1))
    assert known is not None
    table = read_predictions(
        known.champions[nights.champion.candidate_id], nights.work, ["bottle", "y_class", "y_score"]
    )
    assert [field.name for field in table["y_score"].type] == list(SAID)
    scores = pa.Table.from_struct_array(table["y_score"]).to_pandas().to_numpy()
    fresh = bottles(FIRST + 1).set_index("bottle").loc[table["bottle"].to_pylist()]
    assert len(fresh) == table.num_rows == 90
    assert scores == pytest.approx(nights.champion.predict_proba(fresh))
    assert table["y_class"].to_pylist() == nights.champion.predict(fresh).tolist()


def test_a_class_that_the_champion_does_not_know_alarms_and_is_named(nights: Nights) -> None:
    live, drift = nights.watched.results
    assert live.state == "alarm"
    assert f"It does not know '{LATE}'" in live.sentence
    assert drift.state in ("pass", "alarm")
    assert live.n_rows == nights.watched.n_labelled == 3 * 90


def test_a_class_on_the_holdout_alone_is_said_and_no_crash(nights: Nights) -> None:
    assert nights.decision(SHORTLY).outcome == "reject"
    assert nights.details(SHORTLY)["classes"] == sorted([*GRAPES, LATE])
    notes = [note for candidate in nights.runs[SHORTLY].candidates for note in candidate.notes]
    assert f"Class '{LATE}' has no training row: the model gives it probability 0" in notes
    assert all(candidate.classes == SAID for candidate in nights.runs[SHORTLY].candidates)


def test_a_challenger_that_knows_the_new_class_takes_over_from_one_that_does_not(nights: Nights) -> None:
    assert nights.decision(LATER).outcome == "promote"
    known = nights.details(LATER)["unknown"]
    assert list(known) == [LATE]
    losses = {}
    for each in nights.details(LATER)["evaluations"]:
        value = Evaluation.load(each).on_holdout("log_loss")
        losses[each["role"], each["name"]] = value and value.value
    # Each row of the unknown class costs -log(2**-52).
    floor = 36.0 * known[LATE] / 270
    assert losses["champion", "logistic"] > floor > 1
    assert losses["candidate", "logistic"] < 0.6


def test_a_backfill_compares_paces_over_days_with_and_without_the_new_class(nights: Nights) -> None:
    backfill(nights.work, "cellar", first=day(FIRST), last=day(NEW))
    walk_forward(nights.work, "cellar")
    page = (nights.work.home / "reports" / "cellar" / "walk-forward.html").read_text()
    for word in ("Log loss", "Accuracy", "F1, macro"):
        assert word in page
    assert "Recalibrat" not in page  # of several classes there is no line
