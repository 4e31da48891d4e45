"""What would change an answer: another value in one column, the nearest of those that there were in training.

Every value is asked of the model itself, with all other columns as they are. It is no advice: the model may be wrong
about a row that there is none of, and what moves its answer need not move what it predicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlsys.server.answers import as_json
from mlsys.server.rows import GivenRow

if TYPE_CHECKING:
    import numpy as np

    from mlsys.server.served import ServedModel

SHOWN = 5  # columns
_MOST_VALUES = 40  # of a column that are tried
_MOST_COLUMNS = 100
_WHOLE = 1.0  # the step from one category to another, or from a missing value to one that is there


def changes(model: ServedModel, row: GivenRow) -> list[dict[str, Any]]:
    """Return values of single columns with which the decision would be another one, the smallest step first.

    A number's step is a share of the range that it had in training; another category is a whole step. Where the answer
    is a number itself, there is no decision: it is the values with which the answer differs most.
    """
    tried = [(name, value) for name, values in _columns(model, row) for value in values]
    if not tried:
        return []
    answers = model.answers([row, *({**row, name: value} for name, value in tried)])
    decisions = _decisions(model, answers)
    number = decisions is None
    found: dict[str, tuple[float, int]] = {}
    for place, (name, value) in enumerate(tried, 1):
        if decisions is None:
            size = -abs(float(answers[place] - answers[0]))
        elif decisions[place] != decisions[0]:
            size = _step(model, name, row[name], value)
        else:
            continue
        if size != 0 and (name not in found or size < found[name][0]):
            found[name] = (size, place)
    best = sorted(found.items(), key=lambda item: (item[1][0], item[0]))[:SHOWN]
    said = as_json(model.champion, answers[[0, *(place for _, (_, place) in best)]])[1:]
    return [
        {"column": name, "from": row[name], "to": tried[place - 1][1], "prediction": prediction}
        | ({} if number else {"step": round(size, 4)})
        for (name, (size, place)), prediction in zip(best, said, strict=True)
    ]


def _columns(model: ServedModel, row: GivenRow) -> Iterator[tuple[str, list[Any]]]:
    """Yield columns and the values that are tried in them; a text has none."""
    for name, column in list(model.champion.features.items())[:_MOST_COLUMNS]:
        if column.type in ("text", "timestamp"):
            continue
        values = [value for value in model.known.values_of(name) if value != row[name]]
        if column.type == "integer":
            values = [int(value) for value in values]
        if len(values) > _MOST_VALUES and column.type in ("integer", "number"):
            values = values[:: len(values) // _MOST_VALUES + 1]
        yield name, values[:_MOST_VALUES]


def _step(model: ServedModel, name: str, before: Any, after: Any) -> float:
    seen = model.known.columns.get(name, {})
    numbers = all(type(value) in (int, float) for value in (before, after))
    width = float(seen.get("highest", 0.0)) - float(seen.get("lowest", 0.0))
    return abs(after - before) / width if numbers and width > 0 else _WHOLE


def _decisions(model: ServedModel, answers: np.ndarray) -> np.ndarray | None:
    """Return `(n_rows,)` what is decided by answers; None of numbers."""
    champion = model.champion
    if champion.threshold is not None:
        reached: np.ndarray = answers >= champion.threshold
        return reached
    if champion.classes or champion.actions:
        best: np.ndarray = answers.argmax(axis=1)
        return best
    return None
