"""Which keys differ between two specs; candidates and joined tables go by their names, whatever their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlsys.changes.records import KeyChange
from mlsys.spec import Spec, flatten
from mlsys.spec.parts import CATEGORIES, Category, category_of

_ABSENT = object()


def changed_keys(before: Spec, after: Spec) -> tuple[KeyChange, ...]:
    """Return the keys that differ, each with what it is for; a candidate that came or went is one of them."""
    old, new = _leaves(before), _leaves(after)
    labels = [{model.label: model.kind for model in spec.models} for spec in (before, after)]
    came_or_went = set(labels[0]) ^ set(labels[1])
    found = list(_candidates(labels[0], labels[1]))
    for key in dict.fromkeys((*old, *new)):
        if old.get(key, _ABSENT) == new.get(key, _ABSENT) or _model_of(key) in came_or_went:
            continue
        found.append(
            KeyChange(key=key, before=old.get(key), after=new.get(key), category=category_of(key, before, after))
        )
    kept = [[name for name in one if name not in came_or_went] for one in labels]
    if kept[0] != kept[1]:  # of two that are alike the first is chosen
        found.append(KeyChange(key="models", before=kept[0], after=kept[1], category="gates only"))
    return tuple(found)


def dearest(categories: Iterable[Category]) -> Category:
    """Return the category that costs most; `no effect` of none."""
    return max(categories, key=CATEGORIES.index, default="no effect")


def _candidates(before: dict[str, str], after: dict[str, str]) -> Iterator[KeyChange]:
    for name in dict.fromkeys((*before, *after)):
        if (name in before) != (name in after):
            yield KeyChange(key=f"models.{name}", before=before.get(name), after=after.get(name), category="model")


def _model_of(key: str) -> str | None:
    parts = key.split(".")
    return parts[1] if parts[0] == "models" and len(parts) > 1 else None


def _leaves(spec: Spec) -> dict[str, Any]:
    dumped = spec.dump()
    dumped["models"] = {model.label: told for model, told in zip(spec.models, dumped["models"], strict=True)}
    if spec.joins:
        dumped["joins"] = {join.name: told for join, told in zip(spec.joins, dumped["joins"], strict=True)}
    return flatten(dumped)
