"""A pipeline's spec: one YAML file, strictly typed, read without importing any heavy library.

Three owners never mix: the spec belongs to the ML engineer, `settings` to the operator, run parameters to whoever
starts a run. `resolve` joins what concerns the spec (run parameter > environment > file > default) and remembers
where each value came from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from mlsys.checks import CHECKS
from mlsys.coherence import contradictions
from mlsys.components import Frozen
from mlsys.durations import Duration
from mlsys.errors import SpecError, near_match
from mlsys.features import FEATURES
from mlsys.gates import GATES
from mlsys.gates.base import Gate
from mlsys.gates.min_rows import MinRows
from mlsys.metrics import METRICS
from mlsys.models import MODELS
from mlsys.registries import REGISTRIES
from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES
from mlsys.splits import SPLITS
from mlsys.store import canonical_json

Origin = Literal["run parameter", "environment", "file", "default"]


class Target(Frozen):
    """What is predicted.

    Attributes:
        positive: the class that counts as positive, by its name as text (`phishing`, `yes`, `True`, `1`).
    """

    column: str
    positive: str
    task: Literal["binary"] = "binary"

    @field_validator("positive", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)


class Label(Frozen):
    """When labels become known.

    Attributes:
        arrival: column with the time at which a row's label was known; labels that arrived at or after a run's
            cutoff are masked.
        delay: rows younger than this at the cutoff sit out, because their labels are not final.
    """

    arrival: str | None = None
    delay: Duration = timedelta(0)


class Ingest(Frozen):
    """How new data is taken in.

    Attributes:
        lookback: this far before the cutoff, late and changed rows make a new version of their partition.
        settle: a day is complete when its end plus this has passed.
        min_new_rows: fewer new rows than this since the champion's data are not worth a retraining.
    """

    lookback: Duration = timedelta(days=7)
    settle: Duration = timedelta(hours=2)
    min_new_rows: int = Field(default=1, ge=0)


class Checks(Frozen):
    """Rules for new data, and the share of rows that may break a critical one (they are quarantined)."""

    tolerated_share: float = Field(default=0.01, ge=0, le=1)
    rules: tuple[CHECKS.field(), ...] = ()  # type: ignore[valid-type]


class MetricChoice(Frozen):
    """What is measured. `primary` chooses the best candidate and is what gates compare by default."""

    primary: str = "roc_auc"
    threshold: float = Field(default=0.5, gt=0, lt=1)
    replicates: int = Field(default=1000, ge=100, le=20000)

    @field_validator("primary")
    @classmethod
    def _known(cls, value: str) -> str:
        METRICS.find(value)
        return value


class Training(Frozen):
    """How candidates are fitted.

    Attributes:
        refit: fit the chosen candidate again on training and validation rows before it serves. The refitted model is
            then not the one that was judged, and the report says so.
    """

    seed: int = Field(default=42, ge=0, lt=2**32)
    threads: int = Field(default=1, ge=1, le=64)
    refit: bool = False
    timeout: Duration = timedelta(hours=1)


class Schedule(Frozen):
    """The nightly run: at this UTC hour, about the day before; `enabled: false` leaves manual runs alone."""

    enabled: bool = True
    hour: int = Field(default=2, ge=0, le=12)


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
    training: Training = Training()
    metrics: MetricChoice = MetricChoice()
    gates: tuple[GATES.field(), ...]  # type: ignore[valid-type]
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


@dataclass(frozen=True)
class ResolvedSpec:
    """A spec with the source of every value.

    Attributes:
        fingerprint: SHA-256 of all values that can change a model or a decision (not owner, tags, schedule ...).
        origins: key path of each leaf -> where its value came from.
    """

    spec: Spec
    path: Path
    fingerprint: str
    origins: Mapping[str, Origin]
    overrides: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Return what is stored with a run."""
        return {"spec": self.spec.dump(), "origins": dict(self.origins), "overrides": list(self.overrides)}


def load_spec(path: Path) -> Spec:
    """Return the spec of a YAML file without overrides; cheap enough for Airflow's DAG parsing.

    Raises:
        SpecError: not readable, not YAML, or not a spec; names the key path and the value got.
    """
    return _validated(_mapping_of(path), path)


def resolve(path: Path, overrides: Iterable[str] = ()) -> ResolvedSpec:
    """Return the spec of `path` with `key.path=value` texts applied, over those of the variable `MLSYS_SET`.

    Raises:
        SpecError: as `load_spec`, or an override that names no key of the spec.
    """
    mapping = _mapping_of(path)
    written = set(flatten(mapping))
    origins: dict[str, Origin] = {}
    environment = [part.strip() for part in os.environ.get("MLSYS_SET", "").split(";") if part.strip()]
    overrides = tuple(overrides)
    for texts, origin in ((environment, "environment"), (overrides, "run parameter")):
        for text in texts:
            origins[_apply(mapping, text, path)] = origin  # type: ignore[assignment]
    spec = _validated(mapping, path)
    dumped = spec.dump()
    leaves = flatten(dumped)
    found: dict[str, Origin] = {}
    for leaf in leaves:
        above = [leaf.rsplit(".", depth)[0] for depth in range(leaf.count(".") + 1)]
        override = next((origins[key] for key in above if key in origins), None)
        from_file = any(key in written and _stands_for(key, leaf) for key in above)
        found[leaf] = override or ("file" if from_file else "default")
    for leaf in set(origins) - set(leaves):
        if not any(key.startswith(leaf + ".") for key in leaves):
            raise SpecError(f"No key `{leaf}` in the spec. {near_match(leaf, leaves)}", where=str(path))
    return ResolvedSpec(spec, path, fingerprint(dumped), found, overrides)


def _stands_for(written: str, leaf: str) -> bool:
    """Return whether a written value is this leaf: itself, or the short form of a component, a column or a list."""
    rest = leaf.removeprefix(written).removeprefix(".")
    return rest in ("", "kind", "type") or rest.isdigit()


def parse_dump(dumped: Mapping[str, Any]) -> Spec:
    """Return the spec of what `Spec.dump` gave.

    Raises:
        SpecError: this version of mlsys does not understand it any more.
    """
    try:
        return Spec.model_validate(_tuples(dict(dumped)))
    except ValidationError as error:
        raise SpecError(f"A stored spec is not understood: {_problem(error.errors()[0])}") from None


def fingerprint(dumped: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a dumped spec less what changes no model and no decision."""
    ignored = {"description", "owner", "tags", "schedule", "registries"}
    return hashlib.sha256(canonical_json({k: v for k, v in dumped.items() if k not in ignored})).hexdigest()


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return `{key path: leaf}` of nested mappings and lists; an empty one is a leaf itself."""
    if isinstance(value, Mapping) and value:
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple) and value:
        items = [(str(index), item) for index, item in enumerate(value)]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat.update(flatten(item, f"{prefix}.{key}" if prefix else key))
    return flat


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice; the later one would win in silence."""


def _unique_keys(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key}` stands twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


def _mapping_of(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise SpecError(
            "There is no such spec", where=str(path), remedy="See `mlsys check` for the known ones"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"The spec can't be read: {error}", where=str(path)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise SpecError(f"Not valid YAML: {problem}", where=f"{path}{line}") from error
    if not isinstance(value, dict):
        raise SpecError("A spec is a mapping of keys", where=str(path), got=value)
    return value


def _tuples(value: Any) -> Any:
    # Strict Python mode takes tuples where YAML has lists; JSON mode would fail inside the tables' hooks.
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _validated(mapping: dict[str, Any], path: Path) -> Spec:
    try:
        spec = Spec.model_validate(_tuples(mapping))
    except ValidationError as error:
        # A misspelt key stands first: it explains why another one is missing.
        found = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        problems = [_problem(item) for item in found]
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise SpecError("; ".join(problems[:5]) + more, where=str(path)) from None
    if spec.pipeline != path.stem:
        raise SpecError(
            f"`pipeline` is '{spec.pipeline}' but the file is called {path.name}",
            where=str(path),
            remedy="Give both the same name",
        )
    return spec


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"] if not str(part).startswith("function-"))
    if item["type"] == "extra_forbidden":
        return f"`{key}` is no key here{_hint(item)}"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] in ("missing", "value_error"):
        return f"`{key}`: {message}" if key else message
    return f"`{key}`: {message}, got {item['input']!r}"


def _hint(item: Any) -> str:
    parts = [part for part in item["loc"] if isinstance(part, str)]
    if len(parts) == 1:
        known = [field.alias or name for name, field in Spec.model_fields.items()]
        return f". {near_match(parts[0], known)}"
    return ""


def _apply(mapping: dict[str, Any], text: str, path: Path) -> str:
    key, equals, raw = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise SpecError("An override is written key.path=value", where="--set", got=text)
    try:
        value = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise SpecError(f"The value is not YAML: {error}", where=f"--set {key}", got=raw) from None
    node: Any = mapping
    parts = key.split(".")
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        try:
            if isinstance(node, list):
                index = int(part)
                node[index] = value if last else _as_mapping(node[index])
                node = node[index]
            elif isinstance(node, dict):
                node[part] = value if last else _as_mapping(node.get(part, {}))
                node = node[part]
            else:
                raise ValueError(f"`{'.'.join(parts[:depth])}` is a value, not a mapping")
        except (ValueError, IndexError) as error:
            raise SpecError(f"No key `{key}`: {error}", where=f"--set ({path.name})", got=text) from None
    return key


def _as_mapping(value: Any) -> Any:
    # A bare component name (`- logistic`) becomes a mapping, so that one of its fields can be set.
    return {"kind": value} if isinstance(value, str) else value
