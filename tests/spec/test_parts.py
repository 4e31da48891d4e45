"""Which part of a run each key of a spec is for: the category that is told follows the keys that runs go by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from given import records_samples
from given.shop import SPEC
from pydantic import BaseModel

from mlsys import keys
from mlsys.components import Frozen
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import ResolvedSpec, Spec, flatten, resolve
from mlsys.spec.parts import category_of, fitted_part

SNAPSHOT = records_samples.snapshot()
JOIN = """
joins:
  - kind: as_of_join
    name: clicks
    source: {kind: sql, url: "sqlite:///c.db", table: clicks, event_time: at, timezone: UTC}
    schema: {order_no: integer, weight: number}
    key: order_no
    window: 2d
    columns: {n_clicks: count}
"""
BLOCKS = ("mlsys.spec.blocks", "mlsys.spec.watching")
# A change of each key that a spec may have; a new key wants a line here.
CHANGES = {
    "description": "description=other",
    "owner": "owner=other",
    "tags": "tags=[other]",
    "schedule.enabled": "schedule.enabled=false",
    "schedule.hour": "schedule.hour=5",
    "schedule.scan": "schedule.scan=10m",
    "schedule.deadline": "schedule.deadline='08:00'",
    "source": "source.table=returns",
    "schema": "schema.gift=category",
    "key": "key=[]",
    "joins": "joins.0.window=3d",
    "target": "target.positive='no'",
    "label.arrival": "label.arrival=known_at",
    "label.delay": "label.delay=1d",
    "ingest.lookback": "ingest.lookback=5d",
    "ingest.settle": "ingest.settle=1h",
    "ingest.min_new_rows": "ingest.min_new_rows=7",
    "checks.tolerated_share": "checks.tolerated_share=0.05",
    "checks.rules": "checks.rules.0.min=1",
    "split": "split.holdout_days=4",
    "features": "features={kind: tabular, scale: false}",
    "drop": "drop=[gift]",
    "models": "models.0.C=0.5",
    "tuning.enabled": "tuning.enabled=true",
    "tuning.trials": "tuning.trials=5",
    "tuning.budget": "tuning.budget=5m",
    "tuning.grid": "tuning.grid={logistic: {C: [0.1, 1.0]}}",
    "training.seed": "training.seed=7",
    "training.seeds": "training.seeds=3",
    "training.threads": "training.threads=2",
    "training.refit": "training.refit=true",
    "training.max_churn": "training.max_churn=0.3",
    "training.timeout": "training.timeout=2h",
    "monitors.cool_down": "monitors.cool_down=3d",
    "monitors.acknowledged": "monitors.acknowledged=[{monitor: live_metric, reason: known, until: 2026-06-01}]",
    "checks.learnt": "checks.learnt={severity: ignored}",
    "serving": "serving.log.keep=30d",
    "metrics.primary": "metrics.primary=log_loss",
    "metrics.threshold": "metrics.threshold=0.4",
    "metrics.k": "metrics.k=0.1",
    "metrics.replicates": "metrics.replicates=300",
    "metrics.unit": "metrics.unit=day",
    "metrics.group": "metrics.group=channel",
    "metrics.level": "metrics.level=0.99",
    "gates": "gates.0.at_least=0.7",
    "inspection.enabled": "inspection.enabled=false",
    "inspection.flaws": "inspection.flaws=[{kind: identifier_column, severity: critical}]",
    "inspection.trusted": "inspection.trusted=[gift]",
    "explanations.enabled": "explanations.enabled=true",
    "explanations.rows": "explanations.rows=500",
    "explanations.seconds": "explanations.seconds=10",
    "explanations.top": "explanations.top=3",
    "explanations.show_rows": "explanations.show_rows=false",
    "approval.required": "approval.required=true",
    "approval.timeout": "approval.timeout=1h",
    "governance": "governance={tier: high}",
    "notify.events": "notify.events=[run_failed]",
    "notify.email": "notify.email=[a@example.org]",
    "notify.webhook": "notify.webhook=true",
    "scoring.enabled": "scoring.enabled=false",
    "monitors.watch": "monitors.watch=[]",
    "monitors.ask_after": "monitors.ask_after=3",
    "monitors.of": "monitors.of=5",
    "monitors.confirm_days": "monitors.confirm_days=14",
    "registries": "registries=[files]",
}


@pytest.fixture
def resolved(tmp_path: Path) -> Any:
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC + JOIN)
    return lambda *overrides: resolve(path, overrides)


def fits(found: ResolvedSpec) -> set[str]:
    return {keys.fitting_key(found.spec, model.label, SNAPSHOT, "s" * 64) for model in found.spec.models}


def layouts(found: ResolvedSpec) -> list[str]:
    return [layout_of(spec).fingerprint for spec in (found.spec, *table_specs(found.spec))]


def schema_keys() -> Iterator[str]:
    """Yield the keys of a spec: of a block that is always of one kind each of its keys, of any other one itself."""
    for name, field in Spec.model_fields.items():
        block = field.annotation
        if isinstance(block, type) and issubclass(block, Frozen) and block.__module__ in BLOCKS:
            yield from (f"{name}.{below}" for below in cast("type[BaseModel]", block).model_fields)
        elif name != "pipeline":
            yield field.alias or name


def test_every_key_of_a_spec_is_tried() -> None:
    assert set(CHANGES) == set(schema_keys())


@pytest.mark.parametrize("key", CHANGES)
def test_the_category_of_a_key_follows_what_it_changes(key: str, resolved: Any) -> None:
    before, after = resolved(), resolved(CHANGES[key])
    leaves = [flatten(found.spec.dump()) for found in (before, after)]
    changed = [name for name in {*leaves[0], *leaves[1]} if leaves[0].get(name, "-") != leaves[1].get(name, "-")]
    assert changed
    found = {category_of(name, before.spec, after.spec) for name in changed}
    assert (found == {"no effect"}) == (before.fingerprint == after.fingerprint)
    assert bool(found & {"model", "data"}) == (fits(before) != fits(after))
    if layouts(before) != layouts(after):
        assert "data" in found


@pytest.mark.parametrize("override", ["metrics.threshold=0.4", "metrics.primary=pr_auc", "metrics.k=0.1"])
def test_metrics_are_for_fits_where_something_is_tuned_by_them(override: str, resolved: Any) -> None:
    plain, tuned = resolved(override), resolved("tuning.enabled=true", override)
    assert fits(plain) == fits(resolved())
    assert fits(tuned) != fits(resolved("tuning.enabled=true"))
    key = override.partition("=")[0]
    assert category_of(key, plain.spec) == "gates only"
    assert category_of(key, plain.spec, tuned.spec) == "model"


def test_a_candidate_does_not_rest_on_its_neighbours(resolved: Any) -> None:
    more = resolved("models=[{kind: logistic}, {kind: prior}, {kind: random_forest}]")
    assert fits(resolved()) < fits(more)
    grid = resolved("tuning={enabled: true, grid: {logistic: {C: [0.1, 1.0]}}}")
    assert len(fits(resolved("tuning.enabled=true")) & fits(grid)) == 1  # the prior's


def test_what_is_fitted_has_no_gates_left(resolved: Any) -> None:
    part = fitted_part(resolved("training.refit=true", "training.timeout=2h").spec)
    assert (part.gates, part.registries, part.owner, part.training.refit) == ((), (), "mlsys", False)
    assert part.training.seed == 42
