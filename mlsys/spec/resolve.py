"""A spec from its file, the environment and run parameters, with the origin of every value.

Three owners never mix: the spec belongs to the ML engineer, `settings` to the operator, run parameters to whoever
starts a run. `resolve` joins what concerns the spec (run parameter > environment > file > default) and remembers
where each value came from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from mlsys.components import STORED, Frozen, tuples
from mlsys.errors import SpecError, UsageError, near_match, shortened
from mlsys.spec.guesses import require_no_guess
from mlsys.spec.model import Spec
from mlsys.spec.overrides import apply, several
from mlsys.spec.parts import CHANGES_NOTHING
from mlsys.spec.problems import in_words, problems, refusal
from mlsys.spec.text import Document, characters, parsed, read
from mlsys.store import canonical_json

Origin = Literal["run parameter", "environment", "file", "default"]


@dataclass(frozen=True)
class ResolvedSpec:
    """A spec with the source of every value.

    Attributes:
        fingerprint: SHA-256 of all values that can change a model or a decision (not owner, tags, schedule ...).
        origins: key path of each leaf -> where its value came from.
        document: what was written, for errors that name a line.
    """

    spec: Spec
    path: Path
    fingerprint: str
    origins: Mapping[str, Origin]
    document: Document
    overrides: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Return what is stored with a run."""
        return {"spec": self.spec.dump(), "origins": dict(self.origins), "overrides": list(self.overrides)}


def load_spec(path: Path) -> Spec:
    """Return the spec of a YAML file without overrides; cheap enough for Airflow's DAG parsing.

    Raises:
        SpecError: not readable, not YAML, or not a spec; names file, line, key path and the value got.
    """
    return _of_text(path, characters(path))


@lru_cache(maxsize=1024)
def _of_text(path: Path, text: str) -> Spec:
    """Return the spec of a text; who shows many pipelines again and again reads the same texts."""
    return validated(parsed(path, text))


def resolve(path: Path, overrides: Iterable[str] = (), *, models: Sequence[str] = ()) -> ResolvedSpec:
    """Return the spec of `path` with `key.path=value` texts applied, over those of the variable `MLSYS_SET`.

    Where `models` names some of the spec's candidates, the others are left out.

    Raises:
        SpecError: as `load_spec`, or an override that names no key of the spec.
        UsageError: a name in `models` is no candidate's.
    """
    document = read(path)
    written = set(flatten(document.mapping))
    origins: dict[str, Origin] = {}
    environment = several(os.environ.get("MLSYS_SET", ""))
    overrides = tuple(overrides)
    for text in environment:
        origins[apply(document, text, origin="MLSYS_SET")] = "environment"
    for text in overrides:
        origins[apply(document, text)] = "run parameter"
    spec = validated(document)
    if models:
        spec = spec.model_copy(update={"models": _chosen(spec, models)})
    dumped = spec.dump()
    leaves = flatten(dumped)
    found: dict[str, Origin] = {}
    for leaf in leaves:
        above = [leaf.rsplit(".", depth)[0] for depth in range(leaf.count(".") + 1)]
        override = next((origins[key] for key in above if key in origins), None)
        from_file = any(key in written and _stands_for(key, leaf) for key in above)
        found[leaf] = override or ("file" if from_file else "default")
        if models and leaf.startswith("models."):
            found[leaf] = "run parameter"
    for leaf in set(origins) - set(leaves) - set(_left_out(Spec)):
        if not any(key.startswith(leaf + ".") for key in leaves):
            asked = "--set" if origins[leaf] == "run parameter" else "MLSYS_SET"
            raise SpecError(f"No key `{leaf}` in the spec. {near_match(leaf, leaves)}", where=asked)
    return ResolvedSpec(spec, path, fingerprint(dumped), found, document, overrides)


def _left_out(block: type[Frozen]) -> Iterator[str]:
    """Yield the keys that a stored spec does not have where they say nothing, those of nested blocks, too."""
    for name, field in block.model_fields.items():
        key = field.alias or name
        if field.exclude_if is not None:
            yield key
        elif isinstance(field.annotation, type) and issubclass(field.annotation, Frozen):
            yield from (f"{key}.{below}" for below in _left_out(field.annotation))


def _chosen(spec: Spec, names: Sequence[str]) -> tuple[Any, ...]:
    known = [model.label for model in spec.models]
    for name in names:
        if name not in known:
            raise UsageError(f"No such candidate. {near_match(name, known)}", where="candidates", got=name)
    chosen = tuple(model for model in spec.models if model.label in names)
    if all(model.baseline for model in chosen):
        raise UsageError("Only a sanity line is left, which can't be chosen", where="candidates", got=list(names))
    return chosen


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
        return Spec.model_validate(tuples(dict(dumped)), context={STORED: True})
    except ValidationError as error:
        raise SpecError(f"A stored spec is not understood: {in_words(next(problems(error)))}") from None


def resolved_again(path: Path, dumped: Mapping[str, Any]) -> ResolvedSpec:
    """Return what `ResolvedSpec.dump` gave; `path` is where its file is now.

    Raises:
        SpecError: as `parse_dump`.
    """
    spec = parse_dump(dumped["spec"])
    document = Document(path, "", {})
    return ResolvedSpec(
        spec, path, fingerprint(spec.dump()), dumped["origins"], document, tuple(dumped.get("overrides", ()))
    )


def fingerprint(dumped: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a dumped spec less what changes no model and no decision."""
    return hashlib.sha256(canonical_json({k: v for k, v in dumped.items() if k not in CHANGES_NOTHING})).hexdigest()


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


def validated(document: Document) -> Spec:
    """Return the spec of a document.

    Raises:
        SpecError: it is none; names file, line, key path and the value got.
    """
    try:
        spec = Spec.model_validate(tuples(document.mapping))
    except ValidationError as error:
        raise refusal(error, document) from None
    except Exception as error:  # a rule of a component, perhaps from another package, that did not foresee this
        rule = f"A rule fails on this spec: {type(error).__name__}: {shortened(str(error))}"
        raise SpecError(rule, where=str(document.path)) from error
    require_no_guess(spec, document)
    if spec.pipeline != document.path.stem:
        raise SpecError(
            f"`pipeline` is '{spec.pipeline}' but the file is called {document.path.name}",
            where=document.place("pipeline"),
            remedy="Give both the same name",
        )
    return spec
