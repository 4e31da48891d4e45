"""Which step of a run each key of a spec is for: reading, fitting, judging, or none of them.

What a candidate is fitted by is `fitted_part`: a spec whose other keys have their defaults. Fits are given that part
alone, so that a key which is not in it can't change a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from mlsys.spec.blocks import MetricChoice
from mlsys.spec.model import Spec

Category = Literal["no effect", "gates only", "model", "data"]
CATEGORIES: tuple[Category, ...] = ("no effect", "gates only", "model", "data")  # the dearest last

# Neither a model nor a decision rests on them, and no fingerprint of a spec covers them.
CHANGES_NOTHING = frozenset(
    {
        *("description", "owner", "tags", "schedule", "approval", "notify", "scoring", "monitors", "registries"),
        *("explanations", "governance", "serving"),
    }
)
# Asked after the fits: they decide on what becomes of a candidate.
_JUDGING = ("gates", "inspection")
_JUDGING_BELOW: Mapping[str, tuple[str, ...]] = {
    "metrics": ("replicates", "unit", "group", "level"),
    "training": ("seeds", "refit", "max_churn", "timeout"),
}
# What is read from a source, and how its rows are stored.
_READING = ("source", "schema", "key", "joins", "ingest", "target.column", "label.arrival")
_EMPTY: Mapping[str, Any] = {"gates": (), "registries": ()}


def fitted_part(spec: Spec) -> Spec:
    """Return a spec with all that no fit rests on at its default; it is for fits alone, and judges nothing."""
    fields = Spec.model_fields
    blank = {name: _EMPTY.get(name, fields[name].default) for name in (*CHANGES_NOTHING, *_JUDGING)}
    for name, keys in _JUDGING_BELOW.items():
        block = getattr(spec, name)
        defaults = {key: type(block).model_fields[key].default for key in keys}
        blank[name] = block.model_copy(update=defaults)
    if not _measures_fits(spec):
        blank["metrics"] = MetricChoice()
    return spec.model_copy(update=blank)


def fitted_by(spec: Spec, label: str) -> dict[str, Any]:
    """Return all that the fit of one candidate rests on, as JSON-pure data; its neighbours are left out."""
    part = fitted_part(spec)
    grid = {name: points for name, points in spec.tuning.grid.items() if name == label}
    own = tuple(model for model in spec.models if model.label == label)
    return part.model_copy(update={"models": own, "tuning": spec.tuning.model_copy(update={"grid": grid})}).dump()


def category_of(key: str, *specs: Spec) -> Category:
    """Return what a key is for in a run by any of some specs; `key` is a path such as `models.forest.max_depth`."""
    block, _, below = key.partition(".")
    if block in CHANGES_NOTHING:
        return "no effect"
    if block in _JUDGING or below.partition(".")[0] in _JUDGING_BELOW.get(block, ()):
        return "gates only"
    if block == "metrics" and not any(map(_measures_fits, specs)):
        return "gates only"
    if any(_lies_in(key, place) for place in _READING) or (
        key == "split.column" and any(not spec.key for spec in specs)  # rows without a key are named by their content
    ):
        return "data"
    return "model"


def _lies_in(key: str, place: str) -> bool:
    return key == place or key.startswith(f"{place}.") or place.startswith(f"{key}.")


def _measures_fits(spec: Spec) -> bool:
    """Return whether fits are measured: by tuning, or to choose thresholds by their costs."""
    return spec.tuning.enabled or spec.metrics.costs is not None
