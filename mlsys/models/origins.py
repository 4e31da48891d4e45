"""From which raw column each column comes that a fitted transformer makes of raw rows."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

_TOKEN = re.compile("\ue000(\\d+)\ue001")  # of Unicode's private use: no name of a column or category has it


def origins(transformer: Any, names: Sequence[str]) -> list[str]:
    """Return `(n_encoded,)` names of raw columns, one for each column that a fitted transformer gives.

    Pipelines and ColumnTransformers are followed to their parts, whose own `get_feature_names_out` says of what their
    columns are made; a part with one column alone needs not say it (a TF-IDF of a text, say).

    Args:
        transformer: of scikit-learn's kind; a resampler, which only fits take notice of, changes nothing.
        names: of the raw columns, in their order.

    Raises:
        ValueError: a column is made of several raw ones, or a part does not say of which.
    """
    if hasattr(transformer, "steps"):
        found = list(names)
        for _, step in transformer.steps:
            found = origins(step, found)
        return found
    if hasattr(transformer, "output_indices_"):
        return _of_columns(transformer, names)
    if transformer in (None, "passthrough") or not hasattr(transformer, "transform"):
        return list(names)
    return _of_part(transformer, names)


def _of_columns(transformer: Any, names: Sequence[str]) -> list[str]:
    """Follow a ColumnTransformer to its parts, each with the columns that it picked."""
    found: dict[int, str] = {}
    for name, part, picked in transformer.transformers_:
        where = transformer.output_indices_[name]
        if where.stop > where.start:
            own = [picked] if isinstance(picked, str) else [n if isinstance(n, str) else names[n] for n in picked]
            found |= dict(enumerate(origins(part, own), where.start))
    return [found[place] for place in range(len(found))]


def _of_part(part: Any, names: Sequence[str]) -> list[str]:
    if len(set(names)) == 1:
        return [names[0]] * _n_columns(part, of=len(names))
    # Under names that are no part of each other, whatever the raw ones are: of `a` and `a_b` both may become `a_b_c`.
    asked = copy.copy(part)
    vars(asked).pop("feature_names_in_", None)
    try:
        told = asked.get_feature_names_out([f"\ue000{place}\ue001" for place in range(len(names))])
    except (AttributeError, TypeError, ValueError):
        told = []
    made_of = [_TOKEN.findall(str(name)) for name in told]
    if not made_of or any(len(places) != 1 for places in made_of):
        raise ValueError(
            f"`{type(part).__name__}` does not say of which single column each of its own is made: what they add can't "
            "be summed up by the columns of the schema"
        )
    return [names[int(place)] for (place,) in made_of]


def _n_columns(part: Any, *, of: int) -> int:
    """Return how many columns a fitted part makes of some; as many as it took where it does not say."""
    for told in ("get_feature_names_out", "n_features", "n_components"):
        found = getattr(part, told, None)
        if isinstance(found, int):
            return found
        if callable(found):
            try:
                return len(found())
            except (AttributeError, TypeError, ValueError):
                continue
    return of
