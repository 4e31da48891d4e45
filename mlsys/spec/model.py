"""The spec as a model: the fields in the order of a run's steps, and what its parts promise each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from mlsys.components import STORED, Frozen, OneOrMore, Within, misspelt, not_given
from mlsys.errors import shortened
from mlsys.features import FEATURES
from mlsys.gates import GATES
from mlsys.gates.base import Gate
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.min_rows import MinRows
from mlsys.metrics import METRICS
from mlsys.models import MODELS
from mlsys.registries import REGISTRIES
from mlsys.schema import OWN_COLUMNS, ColumnSpec
from mlsys.sources import SOURCES
from mlsys.spec.blocks import (
    Approval,
    Checks,
    Explanations,
    Ingest,
    Inspecting,
    Label,
    MetricChoice,
    Notify,
    Schedule,
    Scoring,
    Training,
    Tuning,
)
from mlsys.spec.governance import Governance
from mlsys.spec.grids import misfits
from mlsys.spec.joins import AsOfJoin
from mlsys.spec.serving import Serving
from mlsys.spec.watching import Monitors
from mlsys.splits import SPLITS
from mlsys.targets import TARGETS

# Airflow has DAGs named after the pipeline, MLflow a model, the registry a folder; all of them have such limits.
_LINE = r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*"
LONGEST_NAME = 48
_NAME = f"A pipeline's name is at most {LONGEST_NAME} small letters, digits and _, a letter first"
PipelineName = Annotated[str, Within(LONGEST_NAME, _NAME, r"[a-z][a-z0-9_]*")]
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
        joins: other tables, of which each row gets what was known before its time.
        target: the column that is predicted, and what kind of prediction that is.
        key: columns that name a row; the hash split and `unique_key` go by them.
        drop: columns of the schema that no model may see.
        split: how rows are divided into training, validation and holdout.
        features: how raw columns become the model's inputs, fitted inside each candidate.
        models: the candidates.
        gates: what a candidate must pass to become champion; all of them must pass.
        inspection: which flaws of the data are looked for, and which of them stop a promotion.
        registries: where champions are published.
        governance: what the model is for, and what may change about it without a person.
    """

    pipeline: PipelineName
    description: Description = ""
    owner: Owner = "mlsys"
    tags: tuple[Tag, ...] = ()
    schedule: Schedule = Schedule()
    source: SOURCES.field()  # type: ignore[valid-type]
    columns: dict[str, ColumnSpec] = Field(alias="schema")
    key: Annotated[tuple[str, ...], OneOrMore()] = ()
    # Left out of the stored spec where there is none: the fingerprints of specs stay.
    joins: tuple[AsOfJoin, ...] = Field(default=(), exclude_if=lambda joins: not joins)
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
    # Left out of the stored spec where it says nothing, as joins are.
    inspection: Inspecting = Field(default=Inspecting(), exclude_if=lambda given: given == Inspecting())
    explanations: Explanations = Explanations()
    approval: Approval = Approval()
    governance: Governance | None = Field(default=None, exclude_if=not_given)
    notify: Notify = Notify()
    scoring: Scoring = Scoring()
    monitors: Monitors = Monitors()
    serving: Serving = Field(default=Serving(), exclude_if=lambda given: given == Serving())
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
            for refusal in (*_own_names(self), *misfits(self.tuning.grid, self.models)):
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
    def anchored_metrics(self) -> tuple[str, ...]:
        """Metrics by which a gate asks for "not worse": by them the best past champion is compared with, too."""
        asked = [g for g in self.gates if isinstance(g, BetterThanChampion) and g.require == "not_worse"]
        return tuple(dict.fromkeys(gate.metric or self.metrics.primary for gate in asked))

    @property
    def task_metrics(self) -> list[str]:
        """The built-in metrics that measure the predictions of the learning task, in their table's order.

        Those that need a key of `metrics` are left out where it is not given.
        """
        of_task = [name for name, metric in METRICS.built_in().items() if self.target.task in metric.tasks]
        return [name for name in of_task if self.metrics.measures(name)]

    def feature_columns(self) -> dict[str, ColumnSpec]:
        """Return the columns that models see: schema and joins less key, target, group, `drop` and timestamps."""
        taken = {*self.target.made_of.hidden, *self.key, *self.drop, self.split.group_column}
        known = {**self.columns, **self.joined_columns()}
        return {n: c for n, c in known.items() if n not in taken and c.type != "timestamp"}

    def joined_columns(self) -> dict[str, ColumnSpec]:
        """Return the columns that joins add, in their order."""
        return {
            name: ColumnSpec(type=join.type_of(column)) for join in self.joins for name, column in join.joined.items()
        }

    def joined_meanings(self) -> dict[str, dict[str, Any]]:
        """Return what decides on the values of each joined column."""
        return {name: join.meaning(name) for join in self.joins for name in join.joined}

    def dump(self) -> dict[str, Any]:
        """Return the spec as JSON-pure data with every default filled in."""
        return self.model_dump(mode="json", by_alias=True)


def contradictions(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what does not fit together in a spec whose fields are valid each by itself, with its key path."""
    for where, name in _named_columns(spec):
        columns = {*spec.columns, *_added(spec, where)}
        if name not in columns:
            yield misspelt(f"no column {shortened(name)} in `schema`", name, columns, where=where)
            return
    yield from _joins(spec)
    yield from _texts(spec)
    for number, rule in enumerate(spec.checks.rules):
        misfit = rule.misfit(spec.columns)
        if misfit:
            yield _contradiction(f"checks.rules.{number}", misfit)
    if misfit := spec.target.misfit(spec.columns[spec.target.column]):
        yield _contradiction("target.column", misfit)
    for i, model in enumerate(spec.models):
        if obstacle := model.obstacle(spec.target.estimator):
            yield _contradiction(f"models.{i}", obstacle)
        rare = {"resample": model.resample, "calibrate": model.calibrate}
        yield from _of_two_classes(spec, {f"models.{i}.{key}": given for key, given in rare.items()})
        if model.two_classes and not spec.target.two_classes:
            told = f"`{model.kind}` is about two classes, and the task is {spec.target.task}: remove it"
            yield _contradiction(f"models.{i}", told)
    yield from _metrics(spec)
    for i, gate in enumerate(spec.gates):
        if gate.tasks and spec.target.task not in gate.tasks:
            tasks = f"{spec.target.task}, only of kind {', '.join(gate.tasks)}"
            yield _contradiction(f"gates.{i}", f"`{gate.kind}` means nothing in a task of kind {tasks}")
    if ungated := spec.target.ungated(spec.gates):
        yield _contradiction("gates", ungated)
    for i, monitor in enumerate(spec.monitors.watch):
        if monitor.of_served and not spec.serving.log.enabled:
            yield _contradiction(f"monitors.watch.{i}.rows", "no answers are kept: `serving.log.enabled` is false")
    yield from _of_two_classes(spec, {"metrics.k": spec.metrics.k, "metrics.threshold": spec.metrics.costs})
    yield from _governance(spec)
    names = [model.label for model in spec.models]
    if len(set(names)) != len(names):
        yield _contradiction("models", f"two candidates have the same name: {names}. Give each a `name`")
    if not spec.feature_columns():
        yield _contradiction("schema", "no column is left as a feature")


def _metrics(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what does not fit of the metrics that the spec names."""
    if spec.metrics.unit == "group" and spec.metrics.group is None and spec.split.group_column is None:
        missing = "`unit: group` needs a column that names the group: add `metrics.group`"
        yield _contradiction("metrics.unit", missing)
    known = spec.task_metrics
    for where, metric in _named_metrics(spec):
        if metric not in METRICS.names():
            yield misspelt(f"no metric {shortened(metric)}", metric, known, where=where)
        elif not spec.metrics.measures(metric):
            yield _contradiction(where, _unmeasured(metric))
        elif not METRICS.find(metric).judges:
            yield _contradiction(where, f"`{metric}` is shown and judges nothing: name another metric")
        elif metric not in known:
            yield misspelt(
                f"{shortened(metric)} measures no task of kind {spec.target.task}", metric, known, where=where
            )
    if spec.target.task not in METRICS.find(spec.metrics.primary).tasks:
        wrong = f"{shortened(spec.metrics.primary)} measures no task of kind {spec.target.task}"
        yield misspelt(wrong, spec.metrics.primary, known, where="metrics.primary")
    elif not METRICS.find(spec.metrics.primary).judges:
        yield _contradiction("metrics.primary", f"`{spec.metrics.primary}` is shown and judges nothing: name another")
    if not spec.metrics.measures(spec.metrics.primary):
        yield _contradiction("metrics.primary", _unmeasured(spec.metrics.primary))


def _texts(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield columns to be taken apart as text that are none, or no features, and models that can't take them."""
    columns = {**spec.columns, **spec.feature_columns()}
    for name in spec.features.texts:
        if columns[name].type not in ("text", "category"):
            yield _contradiction(f"features.text.{name}", f"the column is declared as {columns[name].type}")
        elif name not in spec.feature_columns():
            yield _contradiction(
                f"features.text.{name}", "it is no feature, but a key, the target, a group or in `drop`"
            )
    for i, model in enumerate(spec.models):
        if misfit := model.misfit(spec.features):
            yield _contradiction(f"models.{i}", misfit)


def _joins(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what does not fit in the joins, each by itself and beside each other."""
    taken = dict(spec.columns)
    for i, join in enumerate(spec.joins):
        for where, name in join.named():
            if name not in join.columns:
                yield misspelt(
                    f"no column {shortened(name)} in its `schema`", name, join.columns, where=f"joins.{i}.{where}"
                )
                return
        if join.key not in spec.columns:
            rule = f"no column {shortened(join.key)} in the pipeline's `schema`"
            yield misspelt(rule, join.key, spec.columns, where=f"joins.{i}.key")
            return
        yield from (_contradiction(f"joins.{i}.{where}", text) for where, text in join.misfits(taken))
        if not spec.source.timed:
            yield _contradiction("source", "a join goes by the time of each row; give `source` an `event_time`")
        if len(f"{spec.pipeline}.{join.name}") > LONGEST_NAME:
            rule = f"with the pipeline's name and a point it has more than {LONGEST_NAME} characters"
            yield _contradiction(f"joins.{i}.name", rule)
        taken |= {name: ColumnSpec(type=join.type_of(column)) for name, column in join.joined.items()}
    names = [join.name for join in spec.joins]
    if len(set(names)) != len(names):
        yield _contradiction("joins", f"two tables have the same name: {names}")


def _governance(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what the envelope names and the spec has not."""
    envelope = spec.governance.envelope if spec.governance else None
    if envelope is None:
        return
    where, labels = "governance.envelope", [model.label for model in spec.models]
    for i, name in enumerate(envelope.may_win):
        if name not in labels:
            yield misspelt(f"no candidate {shortened(name)} in `models`", name, labels, where=f"{where}.may_win.{i}")
    for metric in envelope.floors:
        if metric not in spec.task_metrics and metric != spec.metrics.primary:
            rule = f"{shortened(metric)} is not measured here"
            yield misspelt(rule, metric, spec.task_metrics, where=f"{where}.floors.{metric}")
    blocks = [field.alias or name for name, field in Spec.model_fields.items()]
    for path in envelope.may_change:
        block, _, below = path.partition(".")
        if block not in blocks:
            yield misspelt(f"no key {shortened(block)} in a spec", block, blocks, where=f"{where}.may_change.{path}")
        elif block == "governance":
            yield _contradiction(f"{where}.may_change.{path}", "only a person may change `governance`: remove it")
        elif block == "models" and below.split(".")[0] not in ("", "*", *labels):
            name = below.split(".")[0]
            yield misspelt(
                f"no candidate {shortened(name)} in `models`", name, labels, where=f"{where}.may_change.{path}"
            )
    yield from _of_two_classes(spec, {f"{where}.max_change_of_positives": envelope.max_change_of_positives})


def _unmeasured(metric: str) -> str:
    """Return what a metric needs, with a line of YAML."""
    examples = {"k": "`metrics.k`, such as `k: 0.05`", "costs": "`metrics.threshold: {kind: cost, false_negative: 20}`"}
    return f"`{metric}` needs {examples[METRICS.find(metric).needs]}"


def _of_two_classes(spec: Spec, keys: Mapping[str, object]) -> Iterator[PydanticCustomError]:
    """Yield what is given by a key path and means nothing without a positive and a negative class."""
    for where, given in keys.items():
        if given is not None and not spec.target.two_classes:
            key = where.rsplit(".", 1)[-1]
            yield _contradiction(where, f"`{key}` is about two classes, and the task is {spec.target.task}: remove it")


def _own_names(spec: Spec) -> Iterator[PydanticCustomError]:
    """Yield what is wrong with columns that are called like one that mlsys keeps beside them."""
    taken = [(f"schema.{name}", name) for name in spec.columns if name in OWN_COLUMNS]
    taken += [(f"key.{i}", name) for i, name in enumerate(spec.key) if name in spec.target.files]
    for where, name in taken:
        yield _contradiction(
            where,
            f"mlsys keeps a column of its own by the name '{name}' beside these. Give yours another one: where it is"
            f' made, in a `query` (SELECT "{name}" AS other_name ...) or in a `header`',
        )


def _contradiction(where: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("misspelt", "{message}", {"message": message, "where": where})


_OF_MODELS = ("drop.", "monitors.", "features.text.", "inspection.", "gates.", "serving.")


def _added(spec: Spec, where: str) -> set[str]:
    """Return the columns beside the schema's that may be named at a place: models and monitors see joined ones."""
    return {name for join in spec.joins for name in join.joined} if where.startswith(_OF_MODELS) else set()


def _named_columns(spec: Spec) -> Iterator[tuple[str, str]]:
    yield from ((f"target.{key}", name) for key, name in spec.target.made_of.named.items())
    yield from ((f"key.{i}", name) for i, name in enumerate(spec.key))
    yield from ((f"drop.{i}", name) for i, name in enumerate(spec.drop))
    yield from ((f"features.text.{name}", name) for name in spec.features.texts)
    yield from ((f"inspection.trusted.{i}", name) for i, name in enumerate(spec.inspection.trusted))
    yield from ((f"serving.log.leave_out.{i}", name) for i, name in enumerate(spec.serving.log.leave_out))
    for i, monitor in enumerate(spec.monitors.watch):
        yield from ((f"monitors.watch.{i}.ignore", name) for name in getattr(monitor, "ignore", ()))
        yield from ((f"monitors.watch.{i}", name) for name in monitor.reads)
    for i, gate in enumerate(spec.gates):
        yield from ((f"gates.{i}", name) for name in gate.reads)
    if spec.split.group_column is not None:
        yield "split.column", spec.split.group_column
    if spec.metrics.group is not None:
        yield "metrics.group", spec.metrics.group
    for i, rule in enumerate(spec.checks.rules):
        named = {getattr(rule, field, None): field for field in ("column", "columns", "other")}
        yield from ((f"checks.rules.{i}.{named.get(name, 'columns')}", name) for name in rule.looks_at)


def _named_metrics(spec: Spec) -> Iterator[tuple[str, str]]:
    named = [(f"gates.{i}.metric", getattr(gate, "metric", None)) for i, gate in enumerate(spec.gates)]
    named += [(f"gates.{i}", metric) for i, gate in enumerate(spec.gates) for metric in gate.needs]
    watched = enumerate(spec.monitors.watch)
    named += [(f"monitors.watch.{i}.metric", getattr(monitor, "metric", None)) for i, monitor in watched]
    yield from ((where, metric) for where, metric in named if metric not in (None, spec.metrics.primary))
