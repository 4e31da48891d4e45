"""Nights of the phishing pipeline as it ships, judged by the one who knows the truth: the sample's maker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest
from given.installations import as_it_comes

from mlsys import pipeline
from mlsys.cli.sample_makers import load_maker, make_sample
from mlsys.clock import cutoff_of
from mlsys.dataset.dataset import feature_frame
from mlsys.pipeline import Finished
from mlsys.planning.plan import RunRequest
from mlsys.records import Decision
from mlsys.training import model_file
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

CALM = 28  # indices of days; the attackers change their tactics on day 30
CHANGED = 59
NEXT = 60
PAST = 40
CROWNED = (CALM, CHANGED)  # days whose runs make a champion
N_FRESH = 20_000
PLAIN = ("registries=[]", "explanations.enabled=false", "metrics.replicates=200")
QUICK = (*PLAIN, "models=[{kind: logistic}]")  # of days of which only the decision's kind is asked


@dataclass(frozen=True)
class Nights:
    """An installation after the runs of four days, in the order in which they were run."""

    work: Workspace
    maker: ModuleType
    runs: dict[int, Finished]

    def decision(self, day: int) -> Decision:
        version = self.runs[day].version
        assert version is not None
        return version.decision

    def champion_after(self, day: int) -> str:
        version = self.runs[day].version
        assert version is not None
        assert version.champion is not None
        return version.champion


@dataclass(frozen=True)
class Ranking:
    """ROC-AUC on fresh rows of one day's regime: of the truth, and of each champion so far by the day of its run."""

    truth: float
    champions: dict[int, float]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with as_it_comes(tmp_path_factory.mktemp("truth")) as work:
        maker = load_maker(work.settings, "phishing")
        yield Nights(work, maker, {day: night(work, maker, day) for day in (*CROWNED, NEXT, PAST)})


def night(work: Workspace, maker: ModuleType, day: int) -> Finished:
    """Retrain about a day; the database holds no later one, unless an earlier night saw it."""
    make_sample(work.settings, "phishing", days=day + 1, target=work.home / "samples")
    asked = maker.FIRST_DAY + timedelta(days=day)
    return pipeline.run(work, RunRequest("phishing", day=asked, overrides=PLAIN if day in CROWNED else QUICK))


@pytest.fixture(scope="module")
def rankings(nights: Nights) -> dict[int, Ranking]:
    return {day: ranking(nights, day) for day in CROWNED}


def ranking(nights: Nights, day: int) -> Ranking:
    frame = nights.maker.fresh(N_FRESH, day=day, seed=1)
    phishing = (frame["label"] == "phishing").to_numpy()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    truth = roc_auc(phishing, nights.maker.true_probability(frame, day=day))
    return Ranking(
        truth, {run: roc_auc(phishing, champion_scores(nights, run, table)) for run in CROWNED if run <= day}
    )


def champion_scores(nights: Nights, day: int, table: pa.Table) -> np.ndarray:
    """Return what the model file that a day's run put to service says of the rows."""
    candidate, plan = nights.work.ledger.candidate(nights.champion_after(day)), nights.runs[day].start.plan
    assert candidate is not None
    assert candidate.model is not None
    assert plan is not None
    features = feature_frame(table, nights.work.spec_of(plan).feature_columns())
    scores: np.ndarray = model_file.load(candidate.model, nights.work.store).predict_proba(features)[:, 1]
    return scores


def roc_auc(positive: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, score))


@pytest.mark.parametrize("day", CROWNED)
def test_the_champion_ranks_fresh_rows_nearly_as_well_as_the_truth(rankings: dict[int, Ranking], day: int) -> None:
    assert rankings[day].champions[day] >= rankings[day].truth - 0.02


@pytest.mark.parametrize("day", CROWNED)
def test_no_champion_ranks_better_than_the_truth(rankings: dict[int, Ranking], day: int) -> None:
    assert rankings[day].champions[day] < rankings[day].truth  # or a feature told the answer


def test_the_champion_of_before_ranks_the_new_tactics_far_worse(rankings: dict[int, Ranking]) -> None:
    champions = rankings[CHANGED].champions
    assert champions[CALM] < champions[CHANGED] - 0.3


def test_the_first_model_becomes_champion(nights: Nights) -> None:
    decision = nights.decision(CALM)
    assert (decision.outcome, decision.champion) == ("promote", None)


def test_after_the_change_the_retrained_model_wins_and_the_interval_excludes_zero(nights: Nights) -> None:
    decision, evaluations = nights.decision(CHANGED), nights.runs[CHANGED].evaluations
    assert (decision.outcome, decision.champion) == ("promote", nights.champion_after(CALM))
    assert nights.champion_after(CHANGED) == decision.challenger
    assert evaluations is not None
    assert evaluations.comparison is not None
    assert evaluations.comparison.lower is not None
    assert evaluations.comparison.lower > 0


def test_the_next_day_gives_a_decision_of_its_own(nights: Nights) -> None:
    decision = nights.decision(NEXT)
    assert nights.work.ledger.decisions("phishing", of={decision.run_id}) == [decision]
    assert decision.champion == nights.champion_after(CHANGED)
    assert decision.challenger not in (None, decision.champion)


def test_a_run_of_an_older_day_is_historical_and_leaves_the_champion(nights: Nights) -> None:
    assert nights.decision(PAST).outcome == "historical"
    assert nights.champion_after(PAST) == nights.champion_after(NEXT)


def test_the_champions_cutoff_never_goes_back(nights: Nights) -> None:
    cutoffs = [change.cutoff for change in nights.work.ledger.champion_changes("phishing")]
    assert cutoffs[:2] == [cutoff_of(nights.maker.FIRST_DAY + timedelta(days=day)) for day in (CALM, CHANGED)]
    assert cutoffs == sorted(cutoffs)
