"""What the parts of a spec promise each other: columns that exist, rules that fit their columns, names that differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlsys.errors import near_match
from mlsys.metrics import METRICS

if TYPE_CHECKING:
    from mlsys.spec import Spec


def contradictions(spec: Spec) -> Iterator[str]:
    """Yield what does not fit together in a spec whose fields are valid each by itself, with its key path."""
    for where, name in _named_columns(spec):
        if name not in spec.columns:
            yield f"{where}: no column '{name}' in `schema`. {near_match(name, spec.columns)}"
            return
    for number, rule in enumerate(spec.checks.rules):
        misfit = rule.misfit(spec.columns)
        if misfit:
            yield f"checks.rules.{number}: {misfit}"
    for number, gate in enumerate(spec.gates):
        metric = getattr(gate, "metric", None)
        if metric is not None and metric not in METRICS.names():
            yield f"gates.{number}.metric: no metric '{metric}'. {near_match(metric, METRICS.names())}"
    for number, monitor in enumerate(spec.monitors.watch):
        metric = getattr(monitor, "metric", None)
        if metric is not None and metric not in (spec.metrics.primary, *METRICS.names()):
            yield f"monitors.watch.{number}.metric: no metric '{metric}'. {near_match(metric, METRICS.names())}"
    names = [model.label for model in spec.models]
    if len(set(names)) != len(names):
        yield f"models: two candidates have the same name: {names}. Give each a `name`"
    if not spec.feature_columns():
        yield "schema: no column is left as a feature"


def _named_columns(spec: Spec) -> Iterator[tuple[str, str]]:
    yield "target.column", spec.target.column
    yield from ((f"key.{i}", name) for i, name in enumerate(spec.key))
    yield from ((f"drop.{i}", name) for i, name in enumerate(spec.drop))
    for i, monitor in enumerate(spec.monitors.watch):
        yield from ((f"monitors.watch.{i}.ignore", name) for name in getattr(monitor, "ignore", ()))
    if spec.split.group_column is not None:
        yield "split.column", spec.split.group_column
    for i, rule in enumerate(spec.checks.rules):
        if isinstance(getattr(rule, "column", None), str):
            yield f"checks.rules.{i}.column", rule.column
