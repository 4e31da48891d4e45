"""The spec as a model: the fields in the order of a run's steps, and what its parts promise each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, field_validator, model_validator

from mlsys.components import Frozen
from mlsys.errors import near_match
from mlsys.features import FEATURES
from mlsys.gates import GATES
from mlsys.gates.base import Gate
from mlsys.gates.min_rows import MinRows
from mlsys.metrics import METRICS
from mlsys.models import MODELS
from mlsys.registries import REGISTRIES
from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES
from mlsys.spec.blocks import (
    Approval,
    Checks,
    Ingest,
    Label,
    MetricChoice,
    Monitors,
    Notify,
    Schedule,
    Scoring,
    Target,
    Training,
    Tuning,
)
from mlsys.splits import SPLITS


class Spec(Frozen):
    """One pipeline. The fields follow the steps of a run."""

    pipeline: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    description: str = ""
    owner: str = "mlsys"
    tags: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    source: SOURCES.field()  # type: ignore[valid-type]
    columns: dict[str, ColumnSpec] = Field(alias="schema")
    key: tuple[str, ...] = ()
    target: Target
    label: Label = Label()
    ingest: Ingest = Ingest()
    checks: Checks = Checks()
    split: SPLITS.field()  # type: ignore[valid-type]
    features: FEATURES.field() = Field(default="tabular", validate_default=True)  # type: ignore[valid-type]
    drop: tuple[str, ...] = ()
    models: tuple[MODELS.field(), ...]  # type: ignore[valid-type]
    tuning: Tuning = Tuning()
    training: Training = Training()
    metrics: MetricChoice = MetricChoice()
    gates: tuple[GATES.field(), ...]  # type: ignore[valid-type]
    approval: Approval = Approval()
    notify: Notify = Notify()
    scoring: Scoring = Scoring()
    monitors: Monitors = Monitors()
    registries: tuple[REGISTRIES.field(), ...] = Field(default=("mlflow", "files"), validate_default=True)  # type: ignore[valid-type]

    @field_validator("key", mode="before")
    @classmethod
    def _one_key(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _coherent(self) -> Spec:
        for contradiction in contradictions(self):
            raise ValueError(contradiction)
        return self

    @property
    def gates_in_force(self) -> tuple[Gate, ...]:
        """The spec's gates, and the floor of rows that holds where the spec names none of its own."""
        floor = () if any(isinstance(gate, MinRows) for gate in self.gates) else (MinRows(),)
        return (*self.gates, *floor)

    def feature_columns(self) -> dict[str, ColumnSpec]:
        """Return the columns that models see: the schema less key, target, group, `drop` and timestamps."""
        taken = {self.target.column, *self.key, *self.drop, self.split.group_column}
        return {n: c for n, c in self.columns.items() if n not in taken and c.type != "timestamp"}

    def dump(self) -> dict[str, Any]:
        """Return the spec as JSON-pure data with every default filled in."""
        return self.model_dump(mode="json", by_alias=True)


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
