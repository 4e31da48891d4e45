"""The spec as a model: the fields in the order of a run's steps, and what its parts promise each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from mlsys.components import STORED, Frozen, OneOrMore, Within, misspelt
from mlsys.errors import shortened
from mlsys.features import FEATURES
from mlsys.gates import GATES
from mlsys.gates.base import Gate
from mlsys.gates.min_rows import MinRows
from mlsys.metrics import METRICS
from mlsys.models import MODELS
from mlsys.registries import REGISTRIES
from mlsys.schema import OWN_COLUMNS, SCORE, ColumnSpec
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
    Training,
    Tuning,
)
from mlsys.splits import SPLITS
from mlsys.targets import TARGETS

# Airflow has DAGs named after the pipeline, MLflow a model, the registry a folder; all of them have such limits.
_LINE = r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*"
_NAME = "A pipeline's name is at most 48 small letters, digits and _, a letter first"
PipelineName = Annotated[str, Within(48, _NAME, r"[a-z][a-z0-9_]*")]
Description = Annotated[str, Within(5000, "A description has at most 5,000 characters")]
Owner = Annotated[str, Within(100, "An owner is one line of at most 100 characters", _LINE)]
Tag = Annotated[str, Within(100, "A tag is one line of at most 100 characters", _LINE)]


class Spec(Frozen):
    """One pipeline. The fields follow the steps of a run.

    Attributes:
        pipeline: the pipeline's name, the same as the file's.
        description: what the model answers, for people.
        owner: who is responsible; shown in Airflow.
        tags: by which Airflow's list of DAGs can be filtered.
        source: where the rows come from.
        columns: the columns that are read, and no others, with their logical types.
        target: the column that is predicted, and what kind of prediction that is.
        key: columns that name a row; the hash split and `unique_key` go by them.
        drop: columns of the schema that no model may see.
        split: how rows are divided into training, validation and holdout.
        features: how raw columns become the model's inputs, fitted inside each candidate.
        models: the candidates.
        gates: what a candidate must pass to become champion; all of them must pass.
        registries: where champions are published.
    """

    pipeline: PipelineName
    description: Description = ""
    owner: Owner = "mlsys"
    tags: tuple[Tag, ...] = ()
    schedule: Schedule = Schedule()
    source: SOURCES.field()  # type: ignore[valid-type]
    columns: dict[str, ColumnSpec] = Field(alias="schema")
    key: Annotated[tuple[str, ...], OneOrMore()] = ()
    target: TARGETS.field()  # type: ignore[valid-type]
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

    @model_validator(mode="before")
    @classmethod
    def _metric_of_the_task(cls, value: Any) -> Any:
        # Before the fields, whose errors name a wrong task or a wrong block.
        target, metrics = (
            value.get(name, {}) if isinstance(value, Mapping) else None for name in ("target", "metrics")
        )
        if not (isinstance(target, Mapping) and isinstance(metrics, Mapping)) or "primary" in metrics:
            return value
        try:
            task = TARGETS.find(str(target.get(TARGETS.key, TARGETS.default)))
        except ValueError:  # no such task, which the field `target` says
            return value
        return {**value, "metrics": {**metrics, "primary": task.primary}}

    @model_validator(mode="after")
    def _coherent(self, info: ValidationInfo) -> Spec:
        stored = isinstance(info.context, Mapping) and info.context.get(STORED)
        if not stored:  # a spec that a run has stored may be from before there was the rule
            for refusal in _own_names(self):
                raise refusal
        for contradiction in contradictions(self):
            raise contradiction
        return self

    @property
    def gates_in_force(self) -> tuple[Gate, ...]:
        """The spec's gates, and the floor of rows that holds where the spec names none of its own."""
        floor = () if any(isinstance(gate, MinRows) for gate in self.gates) else (MinRows(),)
        return (*self.gates, *floor)

    @property
    def task_metrics(self) -> list[str]:
        """The built-in metrics that measure the predictions of the learning task, in their table's order."""
        return [name for name, metric in METRICS.built_in().items() if self.target.task in metric.tasks]

    def feature_columns(self) -> dict[str, ColumnSpec]:
        """Return the columns that models see: the schema less key, target, group, `drop` and timestamps."""
        taken = {self.target.column, *self.key, *self.drop, self.split.group_column}
        return {n: c for n, c in self.columns.items() if n not in taken and c.type != "timestamp"}

    def dump(self) -> dict[str, Any]:
        """Return the spec as JSON-pure data with every default filled in."""
        return self.model_dump(mode="json", by_alias=True)


def contradictions(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what does not fit together in a spec whose fields are valid each by itself, with its key path."""
    for where, name in _named_columns(spec):
        if name not in spec.columns:
            yield misspelt(f"no column {shortened(name)} in `schema`", name, spec.columns, where=where)
            return
    for name in spec.features.texts:
        if spec.columns[name].type not in ("text", "category"):
            yield _contradiction(f"features.text.{name}", f"the column is declared as {spec.columns[name].type}")
        elif name not in spec.feature_columns():
            yield _contradiction(
                f"features.text.{name}", "it is no feature, but a key, the target, a group or in `drop`"
            )
    for number, rule in enumerate(spec.checks.rules):
        misfit = rule.misfit(spec.columns)
        if misfit:
            yield _contradiction(f"checks.rules.{number}", misfit)
    if misfit := spec.target.misfit(spec.columns[spec.target.column]):
        yield _contradiction("target.column", misfit)
    for i, model in enumerate(spec.models):
        if obstacle := model.obstacle(spec.target.estimator):
            yield _contradiction(f"models.{i}", obstacle)
        if misfit := model.misfit(spec.features):
            yield _contradiction(f"models.{i}", misfit)
    known = spec.task_metrics
    for where, metric in _named_metrics(spec):
        if metric not in METRICS.names():
            yield misspelt(f"no metric {shortened(metric)}", metric, known, where=where)
        elif metric not in known:
            yield misspelt(
                f"{shortened(metric)} measures no task of kind {spec.target.task}", metric, known, where=where
            )
    if spec.target.task not in METRICS.find(spec.metrics.primary).tasks:
        wrong = f"{shortened(spec.metrics.primary)} measures no task of kind {spec.target.task}"
        yield misspelt(wrong, spec.metrics.primary, known, where="metrics.primary")
    names = [model.label for model in spec.models]
    if len(set(names)) != len(names):
        yield _contradiction("models", f"two candidates have the same name: {names}. Give each a `name`")
    if not spec.feature_columns():
        yield _contradiction("schema", "no column is left as a feature")


def _own_names(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what is wrong with columns that are called like one that mlsys keeps beside them."""
    taken = [(f"schema.{name}", name) for name in spec.columns if name in OWN_COLUMNS]
    taken += [(f"key.{i}", name) for i, name in enumerate(spec.key) if name == SCORE]
    for where, name in taken:
        yield _contradiction(
            where,
            f"mlsys keeps a column of its own by the name '{name}' beside these. Give yours another one: where it is"
            f' made, in a `query` (SELECT "{name}" AS other_name ...) or in a `header`',
        )


def _contradiction(where: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("misspelt", "{message}", {"message": message, "where": where})


def _named_columns(spec: Spec) -> Iterator[tuple[str, str]]:
    yield "target.column", spec.target.column
    yield from ((f"key.{i}", name) for i, name in enumerate(spec.key))
    yield from ((f"drop.{i}", name) for i, name in enumerate(spec.drop))
    yield from ((f"features.text.{name}", name) for name in spec.features.texts)
    for i, monitor in enumerate(spec.monitors.watch):
        yield from ((f"monitors.watch.{i}.ignore", name) for name in getattr(monitor, "ignore", ()))
    if spec.split.group_column is not None:
        yield "split.column", spec.split.group_column
    for i, rule in enumerate(spec.checks.rules):
        named = {getattr(rule, field, None): field for field in ("column", "columns", "other")}
        yield from ((f"checks.rules.{i}.{named.get(name, 'columns')}", name) for name in rule.looks_at)


def _named_metrics(spec: Spec) -> Iterator[tuple[str, str]]:
    named = [(f"gates.{i}.metric", getattr(gate, "metric", None)) for i, gate in enumerate(spec.gates)]
    watched = enumerate(spec.monitors.watch)
    named += [(f"monitors.watch.{i}.metric", getattr(monitor, "metric", None)) for i, monitor in watched]
    yield from ((where, metric) for where, metric in named if metric not in (None, spec.metrics.primary))
