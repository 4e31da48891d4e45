"""Evaluation end to end on stored models, with rows given directly instead of a snapshot's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given import records_samples

from mlsys.dataset import dataset
from mlsys.dataset.dataset import Dataset
from mlsys.evaluation.champion import ChampionModel
from mlsys.evaluation.evaluation import evaluate
from mlsys.records import MAX_BYTES, Candidate, Evaluation, EvaluationSet, SplitCounts
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT, VALIDATION
from mlsys.splits.group_split import GroupSplit
from mlsys.store import Store, canonical_json
from mlsys.training import model_file

NUMBER = ColumnSpec(type="number")
N_ROWS = 600


class Reader:
    """A model that reads its probabilities from a column; values outside 0 to 1 come through."""

    def __init__(self, column: str, *, seen: tuple[str, ...] | None = None) -> None:
        self.column = column
        self.seen = seen
        self.classes_ = np.array([0, 1])

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        if self.seen is not None and tuple(rows.columns) != self.seen:
            raise ValueError(f"expected columns {self.seen}, got {tuple(rows.columns)}")
        p = rows[self.column].to_numpy()
        return np.column_stack([1 - p, p])


class Broken(Reader):
    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        raise KeyError("no such feature")


@pytest.fixture
def spec() -> Spec:
    names = ("good", "fair", "twin", "bad", "nan")
    return Spec.model_validate(
        {
            "pipeline": "demo",
            "source": {"kind": "files", "path": "x/*.csv"},
            "schema": {**dict.fromkeys(names, "number"), "old": "number", "label": "category"},
            "drop": ("old",),
            "target": {"column": "label", "positive": "yes"},
            "split": {"kind": "hash"},
            "models": (*({"kind": "logistic", "name": name} for name in names), {"kind": "prior"}),
            "metrics": {"primary": "roc_auc", "replicates": 200},
            "gates": ({"kind": "min_rows"},),
            "registries": (),
        }
    )


@pytest.fixture
def data(spec: Spec) -> Dataset:
    generator = np.random.default_rng(5)
    y = (generator.random(N_ROWS) < 0.4).astype("int8")

    def knowing(skill: float) -> np.ndarray:
        p: np.ndarray = 1 / (1 + np.exp(-(skill * (2 * y - 1) + generator.normal(size=N_ROWS))))
        return p

    good = knowing(2)
    rows = {"good": good, "fair": knowing(0.8), "twin": good, "bad": knowing(0.1), "old": knowing(0.5)}
    rows["nan"] = np.where(np.arange(N_ROWS) == N_ROWS - 1, np.nan, 0.5)
    side = np.where(np.arange(N_ROWS) < 200, VALIDATION, HOLDOUT).astype("int8")
    keys, days = np.arange(N_ROWS, dtype="uint64"), np.zeros(N_ROWS, "M8[D]")
    return Dataset(pd.DataFrame(rows), y, keys, days, side, spec.target)


Run = Callable[..., EvaluationSet]


@pytest.fixture
def run(spec: Spec, data: Dataset, store: Store, monkeypatch: pytest.MonkeyPatch) -> Run:
    asked: list[tuple[str, ...]] = []

    def load(*_: Any, columns: dict[str, ColumnSpec], sides: tuple[int, ...], **__: Any) -> Dataset:
        asked.append(tuple(columns))
        assert set(sides) == {VALIDATION, HOLDOUT}
        return replace(data, rows=data.rows[list(columns)])

    monkeypatch.setattr(dataset, "load", load)
    on_holdout = data.y[data.side == HOLDOUT]
    counts = SplitCounts(
        n_rows=on_holdout.size, classes={"no": int((on_holdout == 0).sum()), "yes": int(on_holdout.sum())}
    )

    def evaluated(candidates: list[Candidate], champion: ChampionModel | None = None) -> EvaluationSet:
        found = evaluate(
            spec,
            records_samples.prepared(sides=records_samples.split().model_copy(update={"holdout": counts})),
            candidates=candidates,
            champion=champion,
            store=store,
        )
        assert len(asked) == 1
        asked.clear()
        return found

    return evaluated


def stored(store: Store, name: str, model: Any, **more: Any) -> Candidate:
    digest, size = model_file.save(model, store)
    known = {"candidate_id": f"k-{name}", "name": name, "kind": "logistic", "status": "fitted"}
    return Candidate(**{**known, "model": digest, "model_bytes": size, **more})


def by_id(found: EvaluationSet, store: Store) -> dict[str, Evaluation]:
    return {item["model_id"]: Evaluation.load(item) for item in store.read_json(found.details)["evaluations"]}


def readers(store: Store, *names: str) -> list[Candidate]:
    return [stored(store, name, Reader(name)) for name in names]


def champion(store: Store, column: str = "fair", **columns: ColumnSpec) -> ChampionModel:
    model = stored(store, "champion", Reader(column, seen=tuple(columns) if columns else None))
    return ChampionModel(model, columns or {column: NUMBER}, "binary")


def test_best_is_chosen_on_validation_rows(run: Run, store: Store) -> None:
    found = run(readers(store, "bad", "good", "fair"))
    assert found.best == "k-good"
    assert (found.n_validation, found.n_holdout) == (200, 400)
    assert found.champion_state == "none"
    assert found.comparison is None


def test_every_metric_has_a_value_and_an_interval(run: Run, store: Store) -> None:
    found = by_id(run(readers(store, "good")), store)["k-good"]
    assert len(found.holdout) == len(found.validation) == 11
    for value in found.holdout:
        assert value.value is not None
        assert value.lower is not None
        assert value.upper is not None
        assert value.lower <= value.value <= value.upper
    assert all(value.lower is None for value in found.validation)


def test_rows_that_come_in_groups_are_drawn_by_the_group(run: Run, spec: Spec, data: Dataset, store: Store) -> None:
    def lower_bound() -> tuple[float, str]:
        comparison = run(readers(store, "good"), champion(store)).comparison
        assert comparison is not None
        assert comparison.lower is not None
        return comparison.lower, comparison.method

    alone, method = lower_bound()
    assert method == "paired, by how much each row moves the difference"
    object.__setattr__(spec, "split", GroupSplit(column="shop"))
    object.__setattr__(data, "groups", {"shop": np.arange(N_ROWS) * 20 // N_ROWS})
    grouped, method = lower_bound()
    assert method.endswith("the difference, 14 whole groups of shop")  # those with rows on the holdout
    assert grouped != alone


def test_equal_candidates_go_to_the_earlier_in_the_spec(run: Run, store: Store) -> None:
    assert run(readers(store, "twin", "good")).best == "k-good"


def test_a_baseline_is_never_chosen(run: Run, store: Store) -> None:
    baseline = stored(store, "prior", Reader("good"), baseline=True)
    found = run([*readers(store, "bad"), baseline])
    assert found.best == "k-bad"
    assert by_id(found, store)["k-prior"].role == "baseline"


def test_failed_candidates_are_not_scored(run: Run, store: Store) -> None:
    failed = Candidate(candidate_id="k-fair", name="fair", kind="logistic", status="failed", reason="no memory")
    assert set(run([failed, *readers(store, "good")]).summary) == {"k-good"}


@pytest.mark.parametrize(("model", "said"), [(Reader("nan"), "1 of 600 scores"), (Broken("good"), "no such feature")])
def test_a_candidate_that_cannot_be_scored_is_named_and_not_chosen(
    run: Run, store: Store, model: Reader, said: str
) -> None:
    found = run([stored(store, "nan", model), *readers(store, "bad")])
    assert found.best == "k-bad"
    value = found.summary["k-nan"]
    assert value.value is None
    assert said in str(value.reason)


def test_no_usable_candidate_gives_no_best(run: Run, store: Store) -> None:
    found = run([stored(store, "nan", Reader("nan"))], champion(store))
    assert found.best is None
    assert found.comparison is None
    assert found.champion_state == "scored"


def test_champion_is_compared_on_the_same_rows(run: Run, store: Store) -> None:
    found = run(readers(store, "good"), champion(store))
    assert found.champion_state == "scored"
    comparison = found.comparison
    assert comparison is not None
    ours, theirs = (found.summary[name].value for name in ("k-good", "k-champion"))
    assert comparison.difference == pytest.approx(ours - theirs)  # type: ignore[operator]
    assert 0 < comparison.lower < comparison.difference < comparison.upper  # type: ignore[operator]
    assert comparison.n == 400


def test_every_difference_is_turned_so_that_positive_is_better(run: Run, store: Store) -> None:
    found = store.read_json(run(readers(store, "good"), champion(store)).details)["comparisons"]
    assert {item["metric"] for item in found if item["difference"] <= 0} == set()


def test_champion_reads_its_own_columns_in_its_own_order(run: Run, store: Store) -> None:
    found = run(readers(store, "good"), champion(store, "old", old=NUMBER, fair=NUMBER))
    assert (found.champion_state, found.champion_reason) == ("scored", None)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"gone": NUMBER}, "'gone' is not in the schema"),
        ({"fair": ColumnSpec(type="category")}, "'fair' was category and is number now"),
        ({"label": ColumnSpec(type="category")}, "'label' is the target now"),
    ],
)
def test_champion_that_cannot_read_the_schema_is_not_comparable(
    run: Run, store: Store, columns: dict[str, ColumnSpec], said: str
) -> None:
    found = run(readers(store, "good"), champion(store, **columns))
    assert found.champion_state == "not_comparable"
    assert said in str(found.champion_reason)
    assert found.comparison is None
    assert found.best == "k-good"


def test_champion_whose_file_is_missing_is_an_error(run: Run, store: Store) -> None:
    lost = champion(store)
    store.path(str(lost.candidate.model)).unlink()
    found = run(readers(store, "good"), lost)
    assert found.champion_state == "error"
    assert "missing" in str(found.champion_reason)
    assert found.champion == "k-champion"


def test_champion_whose_file_changed_is_an_error(run: Run, store: Store) -> None:
    changed = champion(store)
    path = store.path(str(changed.candidate.model))
    path.chmod(0o644)
    path.write_bytes(b"something else")
    assert run(readers(store, "good"), changed).champion_state == "error"


@pytest.mark.parametrize("model", [Broken("fair"), Reader("nan")])
def test_champion_that_cannot_be_scored_is_an_error(
    run: Run, store: Store, model: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    found = run(readers(store, "good"), ChampionModel(stored(store, "champion", model), {"nan": NUMBER}, "binary"))
    assert found.champion_state == "error"
    assert found.champion_reason
    assert "champion_state=error" in caplog.text


def test_same_model_file_is_no_difference(run: Run, store: Store) -> None:
    found = run(readers(store, "good"), champion(store, "good"))
    assert found.comparison is not None
    assert (found.comparison.difference, found.comparison.lower, found.comparison.upper) == (0, 0, 0)
    assert found.comparison.method == "same model file"


@pytest.mark.slow
def test_same_run_same_bytes(run: Run, store: Store) -> None:
    candidates = readers(store, "good", "fair", "bad")
    assert run(candidates, champion(store)) == run(list(reversed(candidates)), champion(store))


def test_details_hold_curves_and_confusion(run: Run, store: Store) -> None:
    details = store.read_json(run(readers(store, "good"), champion(store)).details)
    parts = {"evaluations", "comparisons", "curves", "confusion", "threshold", "best_sentence", "insight"}
    assert set(details) == parts
    assert set(details["curves"]) == {"k-good", "k-champion"}
    for curves in details["curves"].values():
        assert 2 <= len(curves["roc"]) <= 200
        assert curves["roc"][0] == [0, 0]
        assert curves["roc"][-1] == [1, 1]
        assert 1 <= len(curves["pr"]) <= 200
    assert sum(details["confusion"]["k-good"].values()) == 400
    assert details["best_sentence"].startswith("good is best by ROC AUC on 200 validation rows")


def test_the_best_candidate_is_explained_and_its_calibration_stands_beside_the_champions(
    run: Run, store: Store
) -> None:
    found = store.read_json(run(readers(store, "good", "fair"), champion(store)).details)["insight"]
    assert found["importance"]["metric"] == "roc_auc"
    assert found["importance"]["columns"][0][1] > 0
    assert set(found["calibration"]) == {"k-good", "k-champion"}
    assert all(sum(n for *_, n in bins) == 400 for bins in found["calibration"].values())


def test_without_a_best_candidate_nothing_is_explained(run: Run, store: Store) -> None:
    assert "insight" not in store.read_json(run(readers(store, "nan"), champion(store)).details)


@pytest.mark.slow
def test_twenty_candidates_fit_into_a_record(run: Run, store: Store) -> None:
    many = [
        stored(store, f"{'nan' if i % 2 else 'fair'}{i:02}" + "x" * 40, Reader("nan" if i % 2 else "fair"))
        for i in range(20)
    ]
    found = run(many, champion(store))
    assert len(found.summary) == 21
    assert len(canonical_json(found.dump())) < MAX_BYTES
    assert EvaluationSet.load(json.loads(json.dumps(found.dump()))) == found


def test_one_class_holdout_gives_reasons_instead_of_numbers(run: Run, store: Store, data: Dataset) -> None:
    data.y[data.side == HOLDOUT] = 0
    found = run(readers(store, "good", "fair"), champion(store))
    value = found.summary["k-good"]
    assert (value.value, value.reason) == (None, "all rows are of one class")
    assert found.comparison is not None
    assert found.comparison.difference is None
    assert "undefined for the challenger" in str(found.comparison.reason)
