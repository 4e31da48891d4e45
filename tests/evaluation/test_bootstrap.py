from __future__ import annotations

import numpy as np
import pytest

from mlsys.evaluation import bootstrap
from mlsys.evaluation.bootstrap import bootstrap_weights, group_weights, paired_interval, replicate
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
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


def test_whole_groups_are_drawn_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = np.array([0, 2, 1, 2, 2, 0])
    whole = np.concatenate(list(group_weights(groups, 40, seed=3)))
    assert (whole[:, 0] == whole[:, 5]).all()
    assert (whole[:, [1]] == whole[:, [3, 4]]).all()
    assert (whole[:, [0, 2, 1]].sum(axis=1) == 3).all()  # as many groups as there are
    monkeypatch.setattr(bootstrap, "CHUNK_BYTES", 6 * 4 * 7)
    assert (np.concatenate(list(group_weights(groups, 40, seed=3))) == whole).all()


@pytest.mark.slow
def test_equal_models_pass_no_more_often_where_customers_bring_many_rows() -> None:
    """Rows drawn one by one let through two to three times as many as the 5 % that the level says."""
    loss, passed, n_worlds = METRICS.parse("log_loss"), {"groups": 0, "rows": 0}, 300
    groups = np.repeat(np.arange(60), 20)
    for seed in range(n_worlds):
        random = np.random.default_rng(seed)
        y = random.integers(0, 2, groups.size).astype(np.int8)
        # Each model is off for a customer as a whole, by luck of the same size.
        models = {
            name: Scored(y, np.clip(0.5 + random.normal(0, 0.15, 60)[groups] * (2 * y - 1), 0.01, 0.99))
            for name in ("challenger", "champion")
        }
        for name, of in (("groups", groups), ("rows", None)):
            drawn = replicate(models, [loss], n_replicates=200, seed=seed, groups=of)
            lines = drawn["challenger"]["log_loss"], drawn["champion"]["log_loss"]
            lower = paired_interval(*lines, direction="lower", level=0.95).lower
            passed[name] += lower is not None and lower > 0
    assert 0.02 * n_worlds < passed["groups"] < 0.085 * n_worlds  # 5 %, give or take 2.8 standard errors
    assert passed["rows"] > 0.2 * n_worlds


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
