"""What every registry keeps; subclass `RegistryContract` and give it the fixtures `registry` and `place`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from mlsys.records import Candidate, ChainAnchor, Decision, Evaluation, MetricValue, Plan, Snapshot
from mlsys.registries.base import Place, Registry, Release
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.training import model_file

PIPELINE = "shop"
_SPEC = """
pipeline: shop
source: {kind: sql, url: "sqlite:///shop.db", table: orders, event_time: placed_at, timezone: UTC}
schema:
  {order_no: integer, basket_value: number, n_items: integer, channel: category, gift: boolean, returned: category}
key: order_no
target: {column: returned, positive: "yes"}
split: {kind: time, validation_days: 2, holdout_days: 3}
models: [{kind: logistic}, {kind: prior}]
gates: [{kind: minimum, metric: roc_auc, at_least: 0.6}]
"""
_CUTOFF = datetime(2026, 5, 12, tzinfo=UTC)


def rows(n: int = 40) -> Any:
    """Return `(n, 3)` raw rows like those the released pipeline was fitted on."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "basket_value": rng.lognormal(3, 1, n),
            "n_items": rng.integers(1, 9, n).astype(float),
            "channel": rng.choice(["web", "app"], n).astype(object),
        }
    )


def fitted_pipeline(seed: int) -> Any:
    """Return a small fitted scikit-learn pipeline; another seed gives another model."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    features = ColumnTransformer(
        [
            ("numeric", StandardScaler(), ["basket_value", "n_items"]),
            ("categorical", OneHotEncoder(handle_unknown="ignore"), ["channel"]),
        ]
    )
    y = np.random.default_rng(seed).integers(0, 2, 40)
    return Pipeline([("features", features), ("model", LogisticRegression())]).fit(rows(), y)


def make_release(store: Store, run: int = 1, *, version: str | None = None, n_candidates: int = 2) -> Release:
    """Return a release of run number `run` with fitted candidates in `store`; the first one is released."""
    candidates = [_candidate(store, run, number) for number in range(n_candidates)]
    plan = Plan(
        pipeline=PIPELINE,
        run_id=f"run-{run}",
        request_id=f"request-{run}",
        day=date(2026, 5, 11),
        day_source="parameter",
        cutoff=_CUTOFF,
        mode="live",
        spec="0" * 64,
        spec_fingerprint="1" * 64,
        training_key=f"{run:064d}",
        seed=42,
    )
    decision = Decision(
        decision_key=f"{run:064x}",
        run_id=plan.run_id,
        outcome="promote" if version else "reject",
        reason="all_gates_passed" if version else "below_minimum",
        sentence=f"logistic_0 of run {run} {'serves' if version else 'stays out'}",
        challenger=candidates[0].candidate_id,
        champion=None,
        gates=(),
    )
    parts = tuple((candidate, _evaluation(candidate)) for candidate in candidates)
    spec = _spec()
    columns = {name: column.type for name, column in spec.feature_columns().items()}
    return Release(plan, _snapshot(), candidates[0], parts, decision, columns, {"spec": spec.dump()}, version)


def _candidate(store: Store, run: int, number: int) -> Candidate:
    model, n_bytes = model_file.save(fitted_pipeline(10 * run + number), store)
    return Candidate(
        candidate_id=f"{run:012d}-logistic_{number}",
        name=f"logistic_{number}",
        kind="logistic",
        status="fitted",
        model=model,
        model_bytes=n_bytes,
        params={"C": 1.0 + number, "penalty": None},
        seed=42,
        n_training_rows=40,
        n_features=4,
        fit_seconds=0.02,
    )


def _snapshot() -> Snapshot:
    return Snapshot(
        fingerprint="2" * 64,
        manifest="3" * 64,
        cutoff=_CUTOFF,
        n_rows=40,
        n_labelled=40,
        n_partitions=1,
        first_day=date(2026, 5, 11),
        last_day=date(2026, 5, 11),
    )


def _evaluation(candidate: Candidate) -> Evaluation:
    known = MetricValue(name="roc_auc", value=0.8, lower=0.7, upper=0.9, n=40)
    undefined = MetricValue(name="recall", value=None, n=40, reason="no positive rows")
    return Evaluation(
        model_id=candidate.candidate_id,
        name=candidate.name,
        role="candidate",
        validation=(known,),
        holdout=(known, undefined),
    )


def _spec() -> Spec:
    import yaml

    from mlsys.spec import parse_dump

    return parse_dump(yaml.safe_load(_SPEC))


class RegistryContract:
    """A registry is a projection: it can be written again, and shows what it was told."""

    def test_publishing_twice_gives_one_name(self, registry: Registry, place: Place) -> None:
        """The same candidate is shown once."""
        release = make_release(place.store, version="1.0.0")
        assert registry.publish(release, place) == registry.publish(release, place)

    def test_two_releases_have_two_names(self, registry: Registry, place: Place) -> None:
        """Names tell candidates apart."""
        first = registry.publish(make_release(place.store, 1, version="1.0.0"), place)
        assert registry.publish(make_release(place.store, 2, version="1.0.1"), place) != first

    def test_nothing_is_pointed_at_first(self, registry: Registry, place: Place) -> None:
        """An empty registry has no champion."""
        assert registry.pointed(PIPELINE, place) is None

    def test_publishing_points_at_nothing(self, registry: Registry, place: Place) -> None:
        """Only `point` moves the champion pointer."""
        registry.publish(make_release(place.store, version="1.0.0"), place)
        assert registry.pointed(PIPELINE, place) is None

    def test_the_pointer_is_read_back(self, registry: Registry, place: Place) -> None:
        """`pointed` returns what `point` was given, also after moving there and back."""
        ids = []
        for run in (1, 2):
            release = make_release(place.store, run, version=f"1.0.{run}")
            registry.publish(release, place)
            ids.append(release.candidate.candidate_id)
        for candidate_id in (*ids, ids[0], ids[0]):
            registry.point(PIPELINE, candidate_id, place)
            assert registry.pointed(PIPELINE, place) == candidate_id

    def test_the_pointer_can_be_removed(self, registry: Registry, place: Place) -> None:
        """`None` removes it, and removing nothing is no error."""
        registry.point(PIPELINE, None, place)
        release = make_release(place.store, version="1.0.0")
        registry.publish(release, place)
        registry.point(PIPELINE, release.candidate.candidate_id, place)
        registry.point(PIPELINE, None, place)
        assert registry.pointed(PIPELINE, place) is None

    def test_an_unpublished_candidate_is_refused(self, registry: Registry, place: Place) -> None:
        """The pointer never names what is not there; the one that stood stays."""
        import pytest

        from mlsys.errors import IntegrityError

        release = make_release(place.store, version="1.0.0")
        registry.publish(release, place)
        registry.point(PIPELINE, release.candidate.candidate_id, place)
        with pytest.raises(IntegrityError, match="reconcile"):
            registry.point(PIPELINE, "999999999999-nobody", place)
        assert registry.pointed(PIPELINE, place) == release.candidate.candidate_id

    def test_files_may_be_attached_again_and_to_nobody(self, registry: Registry, place: Place) -> None:
        """What explains a model comes after it, and perhaps twice; one that is not shown has nowhere to put it."""
        release = make_release(place.store, version="1.0.0")
        registry.publish(release, place)
        for candidate_id in (release.candidate.candidate_id, release.candidate.candidate_id, "999999999999-nobody"):
            registry.attach(PIPELINE, candidate_id, {"explanation.json": b"{}"}, place)
        assert registry.pointed(PIPELINE, place) is None

    def test_an_anchor_is_never_written_over(self, registry: Registry, place: Place) -> None:
        """Whoever made the ledger's chain anew can't make a registry forget the row that it was shown with."""
        release = make_release(place.store, version="1.0.0")
        for digest in ("a" * 64, "b" * 64):
            registry.publish(replace(release, anchor=ChainAnchor(seq=3, hash=digest)), place)
        assert [anchor.text for anchor in registry.anchors(PIPELINE, place)] in ([], [f"3:{'a' * 64}"])

    def test_a_changed_model_file_is_not_published(self, registry: Registry, place: Place) -> None:
        """The model's bytes are checked against the ledger's SHA-256 before anything shows them."""
        import pytest

        from mlsys.errors import IntegrityError

        release = make_release(place.store, version="1.0.0")
        path = place.store.path(str(release.candidate.model))
        path.chmod(0o644)
        path.write_bytes(b"something else")
        with pytest.raises(IntegrityError):
            registry.publish(release, place)
        with pytest.raises(IntegrityError):
            registry.point(PIPELINE, release.candidate.candidate_id, place)
