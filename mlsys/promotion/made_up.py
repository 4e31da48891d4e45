"""What gates measure on made-up rows, for their self-test: groups and days do not differ, and the model is fast."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from mlsys.gates.base import Gate
from mlsys.gates.measuring import GateMaterial, JudgedRows, Measuring, Moved
from mlsys.metrics.predictions import Predictions
from mlsys.records import Comparison
from mlsys.records.live import LiveEvidence
from mlsys.spec import Spec

_FEW = 30  # rows that made-up groups have in any case
_MANY = 1_000_000
_SINCE = datetime(2026, 1, 31, tzinfo=UTC)


def sized(gate: Gate) -> Gate:
    """Return a gate that made-up rows are many enough for."""
    if not isinstance(gate, Measuring):
        return gate
    sizes = {name: _FEW for name in ("min_rows", "per_class") if getattr(gate, name, 0) > _FEW}
    return gate.model_copy(update=sizes)


def live(spec: Spec, comparison: Comparison | None) -> LiveEvidence:
    """Return what live requests would say of the model called `new`, which differs so from the champion."""
    apart = None if comparison is None or comparison.lower is None else comparison.lower > 0
    return LiveEvidence(
        pipeline=spec.pipeline,
        candidate="new",
        champion="old",
        version="1.0.0",
        role="shadow",
        since=_SINCE,
        until=_SINCE + timedelta(days=14),
        comparison=comparison,
        verdict="unknown" if apart is None else "better" if apart else "worse",
        sentence="It is made up.",
    )


def measured(spec: Spec, new: Predictions, old: Predictions, *, seed: int) -> dict[str, Mapping[str, Any]]:
    """Return what the gates of a spec measure of two models' answers to the same made-up rows."""
    gates = [gate for each in spec.gates_in_force if isinstance(gate := sized(each), Measuring)]
    if not gates:
        return {}
    columns = {**spec.columns, **spec.joined_columns()}
    names = [*spec.feature_columns(), *(name for gate in gates for name in gate.reads)]
    random, n_rows = np.random.default_rng(seed), new.y_true.size
    values = {
        name: random.choice(["one", "other"], n_rows).astype(object)
        if columns[name].type in ("category", "text")
        else random.integers(0, 2, n_rows).astype("float64")
        for name in dict.fromkeys(names)
    }
    rows = JudgedRows(pd.DataFrame(values), new, old)
    times = dict.fromkeys(("p50", "p99", "batch"), 0.0)
    alike = {"n": 1, "seconds": 0.0, "difference": 0.0, "alone": 0.0, "packages": [], "unnamed": []}
    material = GateMaterial(
        task=spec.target.task,
        columns=spec.feature_columns(),
        seed=seed,
        holdout=rows,
        validation=lambda: rows,
        moved=lambda _, __: ([Moved("any", 0.0, 0.0)], _MANY, _MANY),
        served=lambda: {**alike, "n_calls": 1, "clock_ms": times, "own_ms": times},
        n_bytes=0,
    )
    return {gate.asks: gate.measure(material) for gate in gates}
