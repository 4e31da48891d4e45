from __future__ import annotations

import numpy as np
import pytest

from mlsys.evaluation import bootstrap
from mlsys.evaluation.bootstrap import bootstrap_weights, interval, paired_interval, replicate
from mlsys.metrics import METRICS
from mlsys.testing.metrics import scored_rows


def test_each_replicate_draws_as_many_rows_as_there_are() -> None:
    weights = np.concatenate(list(bootstrap_weights(50, 20, seed=1)))
    assert weights.shape == (20, 50)
    assert (weights.sum(axis=1) == 50).all()


def test_a_seed_gives_the_same_weights_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(bootstrap_weights(100, 30, seed=3)))
    monkeypatch.setattr(bootstrap, "CHUNK_BYTES", 100 * 4 * 7)
    chunks = list(bootstrap_weights(100, 30, seed=3))
    assert [len(chunk) for chunk in chunks] == [7, 7, 7, 7, 2]
    assert (np.concatenate(chunks) == whole).all()


def test_chunks_stay_within_memory() -> None:
    assert all(chunk.nbytes <= bootstrap.CHUNK_BYTES for chunk in bootstrap_weights(50_000, 100, seed=0))


def test_groups_are_drawn_from_by_themselves_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (10, 70, 20)
    whole = np.concatenate(list(bootstrap_weights(100, 30, seed=3, strata=sizes)))
    assert [set(group.sum(axis=1)) for group in np.split(whole, (10, 80), axis=1)] == [{10}, {70}, {20}]
    monkeypatch.setattr(bootstrap, "CHUNK_BYTES", 100 * 4 * 7)
    assert (np.concatenate(list(bootstrap_weights(100, 30, seed=3, strata=sizes))) == whole).all()


def test_models_share_the_weights() -> None:
    scored = scored_rows(100)
    drawn = replicate({"a": scored, "b": scored}, [METRICS.parse("roc_auc")], n_replicates=50, seed=0)
    assert (drawn["a"]["roc_auc"] == drawn["b"]["roc_auc"]).all()


def test_interval_is_the_percentiles() -> None:
    found = interval(np.arange(1001.0), 0.9)
    assert (found.lower, found.upper) == (pytest.approx(50), pytest.approx(950))


def test_few_undefined_replicates_are_left_out() -> None:
    found = interval(np.r_[np.full(9, np.nan), np.ones(991)], 0.95)
    assert (found.lower, found.upper, found.reason) == (1, 1, None)


def test_one_percent_undefined_gives_no_interval() -> None:
    found = interval(np.r_[np.full(10, np.nan), np.ones(990)], 0.95)
    assert (found.lower, found.upper, found.reason) == (None, None, "undefined in 10 of 1000 resamples")


@pytest.mark.parametrize(("direction", "sign"), [("higher", 1), ("lower", -1)])
def test_positive_differences_are_better(direction: str, sign: int) -> None:
    found = paired_interval(np.full(10, 0.3), np.full(10, 0.2), direction=direction, level=0.95)  # type: ignore[arg-type]
    assert found.lower == pytest.approx(sign * 0.1)


def test_pairing_shortens_the_interval() -> None:
    generator = np.random.default_rng(0)
    shared = generator.normal(size=2000)
    better, worse = shared + 0.1 + generator.normal(scale=0.01, size=2000), shared
    paired = paired_interval(better, worse, direction="higher", level=0.95)
    assert paired.lower is not None
    assert paired.lower > 0.05
