import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from given.small_world import SmallWorld, rows_of, world

from mlsys.dataset import assignment, dataset
from mlsys.errors import DataError, RunError, UsageError
from mlsys.models.base import FitTask, Fitted, Model
from mlsys.records import Candidate, Split
from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION
from mlsys.store import Store
from mlsys.training import model_file, training

FAST = (
    {"kind": "logistic"},
    {"kind": "random_forest", "n_estimators": 20},
    {"kind": "hist_gradient_boosting", "max_iter": 20},
    {"kind": "xgboost", "n_estimators": 20},
    {"kind": "lightgbm", "n_estimators": 20},
    {"kind": "catboost", "n_estimators": 20},
    {"kind": "prior"},
)


class Odd(Model):
    """A model that misbehaves when it is fitted."""

    kind: Literal["odd"] = "odd"
    how: str

    def estimator(self, task: FitTask) -> Any:
        return None

    def fit(self, features: Any, rows: Any, y: np.ndarray, task: FitTask) -> Fitted:
        if self.how == "signal":
            os.kill(os.getpid(), signal.SIGKILL)
        raise {"value": ValueError, "data": DataError, "bug": KeyError, "memory": MemoryError}[self.how]("went wrong")


class Made:
    """A world with its split."""

    def __init__(self, made: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        made.stand_in(monkeypatch)
        self.world = made
        self.split: Split = assignment.split(made.spec, made.snapshot, made.checks, store=made.store)
        self.args = (made.spec, made.prepared(self.split))

    def train(self, name: str) -> Candidate:
        return training.train(*self.args, name=name, store=self.world.store)

    def train_all(self, workers: int = 2, **more: Any) -> list[Candidate]:
        return training.train_all(*self.args, store=self.world.store, workers=workers, **more)


def odd(how: str, name: str = "odd") -> Odd:
    return Odd(how=how, name=name)


def test_a_candidate_says_what_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=FAST), monkeypatch)
    found = made.train("logistic")
    assert found.candidate_id == "cccccccccccc-logistic"
    assert found.status == "fitted"
    assert found.params["C"] == 1.0
    assert found.n_training_rows == made.split.training.n_rows
    assert found.n_features > 5
    assert found.model is not None
    assert found.model_bytes == store.path(found.model).stat().st_size
    assert found.dump()


def test_its_model_predicts_raw_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store), monkeypatch)
    found = made.train("logistic")
    assert found.model is not None
    spec, prepared = made.args
    data = dataset.load(spec, prepared.snapshot, prepared.split, store=store, sides=(HOLDOUT,))
    score = model_file.load(found.model, store).predict_proba(data.rows)[:, 1]
    assert score[data.y == 1].mean() > score[data.y == 0].mean() + 0.1


def test_the_seed_comes_from_plan_and_name(store: Store) -> None:
    plan = world(store).plan
    assert training.seed_of(plan, "logistic") == training.seed_of(plan, "logistic")
    assert training.seed_of(plan, "logistic") != training.seed_of(plan, "xgboost")
    assert training.seed_of(plan.model_copy(update={"seed": 43}), "logistic") != training.seed_of(plan, "logistic")


@pytest.mark.slow
def test_side_by_side_and_one_by_one_give_the_same_candidates(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=FAST), monkeypatch)
    one, two = made.train_all(workers=1), made.train_all(workers=2)
    assert [c.name for c in two] == [m["kind"] for m in FAST]
    assert [c.model_copy(update={"fit_seconds": 0.0}) for c in one] == [
        c.model_copy(update={"fit_seconds": 0.0}) for c in two
    ]


_FORK_AFTER_OPENMP = """
import sys
from datetime import timedelta
from pathlib import Path
from mlsys.dataset import assignment, dataset
from mlsys.training import training
from mlsys.store import Store
from given.small_world import world

models = (
    {"kind": "hist_gradient_boosting", "max_iter": 20},
    {"kind": "xgboost", "n_estimators": 20},
    {"kind": "lightgbm", "n_estimators": 20},
    {"kind": "catboost", "n_estimators": 20},
)
store = Store(Path(sys.argv[1]))
one = world(store, models=models, training={"timeout": timedelta(seconds=60)})
two = world(store, models=models, training={"threads": 2})
assignment.read_rows = dataset.read_rows = one.read
split = assignment.split(one.spec, one.snapshot, one.checks, store=store)

def fit(made):
    found = training.train_all(made.spec, made.prepared(split), store=store, workers=2)
    return tuple((c.status, c.model) for c in found)

fit(two)  # in this process: its pool of two OpenMP threads now runs
found = {fit(one) for _ in range(6)}
print(len(found), {status for row in found for status, _ in row})
"""


@pytest.mark.long
def test_forked_children_neither_hang_nor_lose_a_candidate(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", _FORK_AFTER_OPENMP, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "2", "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert found.stdout.strip() == "1 {'fitted'}"


@pytest.mark.slow
def test_nothing_of_a_candidate_comes_from_validation_or_holdout(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = Made(world(store, models=FAST), monkeypatch)
    side = dataset.read_assignment(clean.split, store)
    later = np.isin(side, (VALIDATION, HOLDOUT))
    table = rows_of()
    for name, poison in (("length", 1e12), ("age", 10**9), ("brand", "POISON"), ("owner", None)):
        values = np.where(later, poison, table[name].to_numpy(zero_copy_only=False).astype(object))
        column = pa.chunked_array([pa.array(values.tolist(), table.schema.field(name).type, from_pandas=True)])
        table = table.set_column(table.column_names.index(name), name, column)
    before = [c.model for c in clean.train_all()]
    poisoned = Made(world(store, models=FAST, table=table), monkeypatch)
    assert [c.model for c in poisoned.train_all()] == before


def test_only_training_rows_are_loaded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store), monkeypatch)
    asked: list[Any] = []
    real = dataset.load
    monkeypatch.setattr(dataset, "load", lambda *a, **k: asked.append(k["sides"]) or real(*a, **k))
    made.train("prior")
    assert asked == [(TRAINING,)]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_library_error_fails_one_candidate(workers: int, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=(*FAST[:1], odd("value"))), monkeypatch)
    good, bad = made.train_all(workers=workers)
    assert (good.status, bad.status) == ("fitted", "failed")
    assert bad.reason == "ValueError: went wrong"
    assert bad.model is None


@pytest.mark.slow
def test_a_killed_child_fails_that_candidate_and_names_the_signal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(world(store, models=(*FAST[:1], odd("signal"))), monkeypatch)
    good, bad = made.train_all()
    assert (good.status, bad.status) == ("fitted", "failed")
    assert bad.reason is not None
    assert bad.reason.startswith("Its process ended by signal 9 (SIGKILL), as the system ends a process when memory")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_data_error_keeps_its_type(workers: int, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=(*FAST[:1], odd("data"))), monkeypatch)
    with pytest.raises(DataError, match="went wrong"):
        made.train_all(workers=workers)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("bug", "exit code 1"),
        ("memory", "Fitting 'odd': Memory ran out: went wrong. Lower MLSYS_WORKERS"),
    ],
)
def test_any_other_error_ends_the_run(how: str, words: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=(*FAST[:1], odd(how))), monkeypatch)
    with pytest.raises(RunError, match=words):
        made.train_all()


@pytest.mark.slow
def test_a_full_disk_in_a_child_says_where_and_how_much(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    made = Made(world(store, models=FAST), monkeypatch)
    monkeypatch.setattr("mlsys.store.os.fsync", full)
    with pytest.raises(RunError, match=r"store/.*: No space left on device: .*Free some disk space there \(.*needed"):
        made.train_all()


@pytest.mark.slow
def test_no_candidate_at_all_is_a_run_error_with_all_reasons(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    models = (odd("value", "one"), odd("value", "two"), {"kind": "prior"})
    made = Made(world(store, models=models), monkeypatch)
    candidates = made.train_all()
    assert [candidate.status for candidate in candidates] == ["failed", "failed", "fitted"]
    with pytest.raises(RunError, match="one: ValueError: went wrong; two: ValueError"):
        training.require_fitted(candidates, made.split)


@pytest.mark.slow
@pytest.mark.parametrize("label", ["legitimate", "phishing"])
def test_rows_of_one_class_fit_nothing_and_are_no_error_of_the_run(
    store: Store, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    table = rows_of()
    early = table["_day"].to_numpy() <= np.datetime64("2026-01-20")
    labels = np.where(early, label, table["label"].to_numpy(zero_copy_only=False))
    table = table.set_column(table.schema.get_field_index("label"), "label", pa.array(labels))
    made = Made(world(store, table=table, models=FAST), monkeypatch)
    candidates = made.train_all()
    assert {(c.status, c.reason) for c in candidates} == {
        ("failed", f"All {made.split.training.n_rows} rows to fit on are of one class")
    }
    training.require_fitted(candidates, made.split)


def test_an_unknown_candidate_gets_the_nearest_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Did you mean 'logistic'"):
        Made(world(store), monkeypatch).train("logistc")


@pytest.mark.slow
def test_some_candidates_can_be_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=FAST), monkeypatch)
    assert [c.name for c in made.train_all(names=["prior", "logistic"])] == ["logistic", "prior"]


def test_no_convergence_stands_in_the_notes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=({"kind": "logistic", "max_iter": 1},)), monkeypatch)
    assert any("ConvergenceWarning" in note for note in made.train("logistic").notes)


def test_identifiers_and_empty_columns_stand_in_the_notes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    table = rows_of()
    table = table.set_column(table.column_names.index("owner"), "owner", [[f"id {i}" for i in range(900)]])
    table = table.set_column(table.column_names.index("age"), "age", pa.chunked_array([pa.nulls(900, pa.int64())]))
    notes = Made(world(store, table=table), monkeypatch).train("logistic").notes
    assert any("'owner' has" in note and "`drop`" in note for note in notes)
    assert any("'age' is missing in every row" in note for note in notes)


@pytest.mark.slow
def test_several_threads_per_candidate_stay_in_this_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, models=(*FAST[:1], odd("bug")), training={"threads": 2}), monkeypatch)
    with pytest.raises(KeyError):
        made.train_all(workers=2)


@pytest.mark.slow
def test_refit_adds_the_validation_rows_and_never_the_holdout(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store), monkeypatch)
    candidate = made.train("logistic")
    again = training.refit(*made.args, candidate=candidate, on="train+validation", store=store)
    assert again.n_training_rows == made.split.training.n_rows + made.split.validation.n_rows
    assert again.candidate_id == f"{candidate.candidate_id}-refit"
    assert again.model != candidate.model
    assert "not judged" in again.notes[0]


@pytest.mark.slow
@pytest.mark.parametrize("seeded", [False, True], ids=["refit", "another seed"])
def test_a_blend_is_fitted_once_more_from_what_its_record_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch, seeded: bool
) -> None:
    blend = {"kind": "blend", "of": ("logistic", {"kind": "xgboost", "n_estimators": 3}), "weights": (1.0, 2.0)}
    made = Made(world(store, models=(blend,)), monkeypatch)
    spec, prepared = made.args
    candidate = Candidate.load(json.loads(json.dumps(made.train("blend").dump())))
    if seeded:
        again = training.with_other_seed(spec, prepared, candidate=candidate, place=1, store=store)
    else:
        again = training.refit(spec, prepared, candidate=candidate, on="train+validation", store=store)
    assert again.params == candidate.params
    assert again.model != candidate.model
