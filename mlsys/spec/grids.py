"""`tuning.grid`: hyperparameters that somebody wrote down, of which tuning tries every combination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from mlsys.components import misspelt
from mlsys.errors import shortened
from mlsys.models.base import Model

MOST_POINTS = 1000  # as many sets as `tuning.trials` may draw

M = TypeVar("M", bound=Model)
Choice = bool | int | float | str | None
Grid = Mapping[str, Sequence[Choice]]  # values by hyperparameter


def points(model: M, grid: Grid) -> Iterator[M]:
    """Yield the model with every combination of a grid's values, the last field changing fastest.

    Raises:
        ValidationError: a field that the model has not, or a value that it can't have.
    """
    own = model.model_dump()
    for values in product(*grid.values()):
        yield type(model).model_validate(own | dict(zip(grid, values, strict=True)))


def misfits(grids: Mapping[str, Grid], models: Sequence[Model]) -> Iterator[PydanticCustomError]:
    """Yield what is wrong with the grids of some candidates, with its key path in the spec."""
    known = {model.label: model for model in models}
    for name, grid in grids.items():
        where = f"tuning.grid.{name}"
        if name not in known:
            yield misspelt(f"no candidate {shortened(name)}", name, known, where=where)
            continue
        fields = sorted(set(type(known[name]).model_fields) - {"kind", "name"})
        unknown = [field for field in grid if field not in fields]
        for field in unknown:
            rule = f"`{known[name].kind}` has no {shortened(field)}"
            yield misspelt(rule, field, fields, where=f"{where}.{field}")
        if not unknown:
            yield from _of_values(known[name], grid, where)


def _of_values(model: Model, grid: Grid, where: str) -> Iterator[PydanticCustomError]:
    n_points = prod(len(values) for values in grid.values())
    if not 2 <= n_points <= MOST_POINTS:
        yield _misfit(where, f"a grid has 2 to {MOST_POINTS:,} combinations, not {n_points:,}")
        return
    for field, values in grid.items():
        try:
            list(points(model, {field: values}))
        except ValidationError as error:
            yield _misfit(f"{where}.{field}", f"`{model.kind}` refuses a value: {error.errors()[0]['msg']}")


def _misfit(where: str, message: str) -> PydanticCustomError:
    return PydanticCustomError("misspelt", "{message}", {"message": message, "where": where})
