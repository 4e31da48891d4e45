"""The network_security sample: what it promises to those who test with it."""

from __future__ import annotations

import errno
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.errors import MlsysError
from mlsys.monitoring.monitoring import monitor
from mlsys.monitors.moves import ks_distance
from mlsys.records.monitoring import MonitorResult
from mlsys.spec import Spec
from mlsys.workspace import open_workspace

SAMPLE = "network_security"
FEW_MODELS = "[prior, logistic, {kind: xgboost, n_estimators: 60, max_depth: 3}]"


def rows(target: Path) -> pd.DataFrame:
    with closing(sqlite3.connect(target / "network_security.db")) as database:
        return pd.read_sql_query("SELECT * FROM websites ORDER BY rowid", database)


def documents(target: Path) -> list[dict[str, Any]]:
    files = sorted((target / "network_security").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def roc_auc(positive: np.ndarray, score: np.ndarray) -> float:
    ranks = pd.Series(score).rank().to_numpy()
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n)))


@pytest.fixture(scope="module")
def made(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("network")
    maker.make(target, 12)
    return target


@pytest.mark.slow
def test_more_days_only_append(maker: ModuleType, made: Path, tmp_path: Path) -> None:
    maker.make(tmp_path, 3)
    before = rows(tmp_path)
    first = {path: path.stat().st_mtime_ns for path in (tmp_path / "network_security").iterdir()}
    sentence = maker.make(tmp_path, 12)
    pd.testing.assert_frame_equal(rows(tmp_path).iloc[: len(before)], before)
    pd.testing.assert_frame_equal(rows(tmp_path), rows(made))
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert maker.make(tmp_path, 5) == sentence


@pytest.mark.slow
def test_a_crash_leaves_no_day_half_made(maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maker.make(tmp_path, 2)
    before = rows(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(MlsysError, match="No space left"):
            maker.make(tmp_path, 4)
    assert not [path for path in (tmp_path / "network_security").iterdir() if path.suffix != ".jsonl"]
    maker.make(tmp_path, 4)
    pd.testing.assert_frame_equal(rows(tmp_path).iloc[: len(before)], before)
    assert len(documents(tmp_path)) == len(rows(tmp_path))


def test_a_sample_has_at_least_one_day(maker: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one day"):
        maker.make(tmp_path / "none", 0)
    assert not (tmp_path / "none").exists()


def test_another_seed_gives_other_rows(maker: ModuleType) -> None:
    assert not maker.drop(0, seed=1).equals(maker.drop(0, seed=2))
    pd.testing.assert_frame_equal(maker.drop(3), maker.drop(3))


@pytest.mark.slow
def test_documents_are_the_rows_of_the_table(made: Path) -> None:
    table, found = rows(made), documents(made)
    assert len({document["_id"]["$oid"] for document in found}) == len(table)
    assert all(len(document["_id"]["$oid"]) == 24 for document in found)
    told = pd.DataFrame(found).drop(columns="_id")
    told["reported_at"] = [each["$date"].replace("T", " ").removesuffix("Z") for each in told["reported_at"]]
    pd.testing.assert_frame_equal(told[list(table.columns)].astype(table.dtypes), table)


@pytest.mark.slow
def test_a_rule_without_an_answer_is_absent_from_the_document(maker: ModuleType, made: Path) -> None:
    found = documents(made)
    absent = {name for name in maker.RULES if any(name not in document for document in found)}
    assert absent == set(maker.FAILING)
    assert not any(value is None for document in found for value in document.values())


def test_few_rules_crash(maker: ModuleType, made: Path) -> None:
    crashed = (rows(made)[list(maker.RULES)] == maker.CRASHED).any(axis=1)
    assert 0 < crashed.mean() < 0.01
    day = rows(made)["reported_at"].str[:10]
    assert crashed.groupby(day).sum().max() <= maker.MAX_CRASHED


def test_there_are_thirty_rules_with_answers_of_three(maker: ModuleType, made: Path) -> None:
    assert len(maker.RULES) == 30
    answers = rows(made)[list(maker.RULES)].to_numpy().ravel()
    assert set(answers[~np.isnan(answers)]) == {-1, 0, 1, maker.CRASHED}


@pytest.mark.slow
@pytest.mark.parametrize("day", [0, 45, 100])
def test_true_probability_is_calibrated_and_far_from_perfect(maker: ModuleType, day: int) -> None:
    frame = maker.fresh(30_000, day=day, seed=1)
    phishing, probability = (frame["Result"] == -1).to_numpy(), maker.true_probability(frame, day=day)
    decile = pd.qcut(probability, 10, labels=False)
    seen, expected = (pd.Series(each).groupby(decile).mean() for each in (phishing, probability))
    error = np.sqrt(expected * (1 - expected) / (len(frame) / 10))
    assert ((seen - expected).abs() < 4 * error + 1e-4).all()
    assert 0.89 < roc_auc(phishing, probability) < 0.96


@pytest.mark.slow
def test_a_step_of_thirty_days_moves_four_rules_and_no_other(maker: ModuleType) -> None:
    then, now = (maker.fresh(40_000, day=day, seed=day) for day in (29, 90))
    moved = {rule for rule in maker.RULES if ks_distance(then[rule], now[rule]) > 0.03}
    assert moved == set(maker.DRIFTING)
    within = maker.fresh(40_000, day=0, seed=5)
    assert max(ks_distance(then[rule], within[rule]) for rule in maker.RULES) < 0.02


@pytest.mark.slow
def test_what_was_learnt_in_the_first_month_is_worse_later(maker: ModuleType) -> None:
    frame = maker.fresh(20_000, day=95, seed=5)
    phishing = (frame["Result"] == -1).to_numpy()
    stale, current = (roc_auc(phishing, maker.true_probability(frame, day=day)) for day in (0, 95))
    assert stale < current - 0.02


@pytest.mark.slow
def test_without_a_signal_answers_say_nothing(maker: ModuleType) -> None:
    frame = pd.concat([maker.drop(day, signal=False) for day in range(30)], ignore_index=True)
    phishing = (frame["Result"] == -1).to_numpy()
    assert roc_auc(phishing, maker.true_probability(frame, day=0)) == pytest.approx(0.5, abs=0.03)
    assert phishing.mean() == pytest.approx(maker.SHARE_PHISHING, abs=0.03)


def test_the_spec_checks_every_rule_and_sees_all_of_them(maker: ModuleType, spec: Spec, made: Path) -> None:
    assert set(spec.columns) == set(rows(made).columns)
    assert tuple(spec.feature_columns()) == maker.RULES
    checked = {rule.column: set(rule.values) for rule in spec.checks.rules if rule.kind == "in_set"}
    assert set(checked) == {*maker.RULES, "Result"}
    assert set().union(*checked.values()) == {-1, 0, 1}
    drift = spec.monitors.watch[0]
    assert (drift.kind, drift.test, drift.ignore) == ("feature_drift", "ks", ())


@pytest.mark.long
def test_the_distance_of_every_rule_finds_those_that_drift_and_no_other(retrained: Any, maker: ModuleType) -> None:
    def distances(index: int) -> MonitorResult:
        with open_workspace() as work:
            report = monitor(work, SAMPLE, day=maker.FIRST_DAY + timedelta(days=index))
        return next(result for result in report.results if result.monitor == "feature_drift")

    first = maker.FIRST_DAY + timedelta(days=28)
    assert retrained(days=69, about=first, models="[logistic]").decision.outcome == "promote"
    assert [distances(index).state for index in (36, 50)] == ["pass", "pass"]
    found = distances(67)  # two steps of thirty days
    moved = {part.name for part in found.parts if part.observed > part.limit}
    assert found.state == "alarm"
    assert moved
    assert moved <= set(maker.DRIFTING)


@pytest.mark.slow
@pytest.mark.parametrize("signal", [True, pytest.param(False, marks=pytest.mark.long)], ids=["planted", "none planted"])
def test_a_run_promotes_where_a_signal_is_planted_and_rejects_where_none_is(
    retrained: Any, maker: ModuleType, signal: bool
) -> None:
    run = retrained(days=45, signal=signal, models="" if signal else FEW_MODELS)
    assert run.decision.outcome == ("promote" if signal else "reject")
    assert run.beats_sanity_line("roc_auc") is signal
