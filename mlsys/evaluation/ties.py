"""What rows of a holdout have in common beside their side: groups, days, and copies of one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mlsys.dataset.dataset import Dataset
from mlsys.spec import Spec
from mlsys.spec.blocks import AskedUnit

FEWEST_OF_KEY = 20  # values of a column of the key below which it is no entity but a number within one


@dataclass(frozen=True)
class Ties:
    """What rows of the holdout may have in common.

    Attributes:
        groups: `(n_rows,)` whole numbers by the column that names the group.
        days: `(n_rows,)` datetime64[D], or None where rows have no time.
        contents: `(n_rows,)` whole numbers, alike for rows alike in every column but the target.
        kept: the column whose groups count together whatever is measured: the split keeps them together.
        asked: what the spec says; `group` means the first column of `groups`.
        warning: what the rows can't tell because of what they have in common with other sides, or None.
    """

    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    days: np.ndarray | None = None
    contents: np.ndarray | None = None
    kept: str | None = None
    asked: AskedUnit = "auto"
    warning: str | None = None


def grouping(spec: Spec) -> list[str]:
    """Return the columns that may name groups of rows, that which the spec names first."""
    entities = spec.key if len(spec.key) > 1 else ()
    return [name for name in dict.fromkeys((spec.metrics.group, spec.split.group_column, *entities)) if name]


def ties_of(spec: Spec, data: Dataset, inside: np.ndarray) -> Ties:
    """Return what the rows of a mask have in common; `data.groups` holds the columns of `grouping`."""
    groups = {name: places[inside] for name, places in data.groups.items()}
    if len(spec.key) == 1:
        groups[spec.key[0]] = data.key_hash[inside].view(np.int64)
    declared = {spec.metrics.group, spec.split.group_column}
    groups = {name: of for name, of in groups.items() if name in declared or FEWEST_OF_KEY <= _n(of) < of.size}
    return Ties(
        groups=groups,
        days=data.day[inside],
        contents=None if spec.key else data.key_hash[inside].view(np.int64),
        kept=spec.split.group_column,
        asked=spec.metrics.unit,
        warning=_on_both_sides(spec, data, inside, groups),
    )


def _on_both_sides(spec: Spec, data: Dataset, inside: np.ndarray, groups: Mapping[str, np.ndarray]) -> str | None:
    """Return a warning where a split by time judges on groups that earlier rows are of, too."""
    if not spec.split.in_time:
        return None
    for name, of in groups.items():
        places = data.groups.get(name)
        if places is None or _n(of) == of.size:
            continue
        known = float(np.isin(of, places[~inside]).mean())
        if known > 0:
            return (
                f"{100 * known:.0f} % of the holdout's rows are of a {name} with validation rows, too: they tell how "
                f"well known ones are predicted; `split: {{kind: group, column: {name}}}` tells it of new ones."
            )
    return None


def _n(places: np.ndarray) -> int:
    return int(np.unique(places).size)
