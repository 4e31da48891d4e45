"""A leak is found whatever its type is, and chance alone is none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.drafting.declaring import Marks, declared
from mlsys.drafting.profiles import read_once
from mlsys.drafting.questions import refuse
from mlsys.drafting.sampling import Sample
from mlsys.drafting.target import TargetFound, TargetWish, target_of
from mlsys.flaws.association import auc


def of(columns: dict[str, list[object]]) -> tuple[Sample, TargetFound]:
    table = read_once(list(columns), [pa.RecordBatch.from_pydict(columns)])
    marks = Marks(refuse)
    known = {name: declared(profile, marks) for name, profile in table.profiles.items()}
    return Sample(table.sample, known, whole=True), target_of(known, TargetWish("y"), "here", refuse)


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(2, 100), st.integers(30, 400))
@settings(max_examples=60)
def test_categories_and_numbers_by_chance_are_no_leak(seed: int, n_categories: int, n: int) -> None:
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.4).astype(int)
    y[:5], y[5:10] = 0, 1
    columns = {
        "category": [f"c{value}" for value in random.integers(0, n_categories, n)],
        "number": random.normal(size=n).tolist(),
        "holes": [None if random.random() < 0.3 else float(value) for value in random.normal(size=n)],
        "y": y.tolist(),
    }
    sample, target = of(columns)
    assert sample.leaks(target, ["category", "number", "holes"]) == {}


@pytest.mark.parametrize("n", [80, 500])
def test_what_knows_the_class_is_found(n: int) -> None:
    random = np.random.default_rng(1)
    y = random.integers(0, 2, n)
    columns = {
        "equal": y.tolist(),
        "opposite": (1 - y).tolist(),
        "number": (y * 10 + random.random(n)).tolist(),
        "words": [f"{'yes' if value else 'no'}{random.integers(0, 3)}" for value in y],
        "there": ["x" if value else None for value in y],
        "true": [bool(value) for value in y],
        "y": y.tolist(),
    }
    sample, target = of(columns)
    assert set(sample.leaks(target, [name for name in columns if name != "y"])) == set(columns) - {"y"}


@pytest.mark.slow
@given(st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=60))
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[bool, int]]) -> None:
    from sklearn.metrics import roc_auc_score

    y = np.array([float(positive) for positive, _ in rows])
    if len(set(y)) < 2:
        return
    score = np.array([float(value) for _, value in rows])
    area = roc_auc_score(y, score)
    assert auc(y, score) == pytest.approx(max(area, 1 - area))


def of_three(random: np.random.Generator, n: int) -> tuple[np.ndarray, list[str]]:
    codes = random.integers(0, 3, n)
    return codes, [["mild", "hot", "sour"][code] for code in codes]


def test_what_knows_all_of_several_classes_is_a_leak_and_what_tells_one_of_them_is_not() -> None:
    random = np.random.default_rng(1)
    codes, y = of_three(random, 400)
    columns = {
        "code": codes.tolist(),
        "noisy": (codes + random.random(400) / 2).tolist(),
        "spelt": [f"{name}{random.integers(0, 3)}" for name in y],
        "one": [int(code == 1) for code in codes],
        "good": (codes + random.normal(size=400)).tolist(),
        "y": y,
    }
    sample, target = of(columns)
    assert (target.task, target.counts["mild"]) == ("multiclass", int((codes == 0).sum()))
    assert set(sample.leaks(target, [name for name in columns if name != "y"])) == {"code", "noisy", "spelt"}


def test_a_gap_that_gives_one_of_several_classes_away_is_said() -> None:
    random = np.random.default_rng(1)
    codes, y = of_three(random, 400)
    told = [None if code == 1 else float(random.random()) for code in codes]
    sample, target = of({"told": told, "y": y})
    assert "where it is missing 100 % are 'hot', elsewhere 0 %" in sample.tell_by_missing(target, ["told"])["told"]
