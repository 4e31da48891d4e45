"""Answers of a model as JSON: probability, number, class probabilities, or an action with its alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from mlsys.serving import Champion


def as_json(champion: Champion, answers: np.ndarray) -> list[dict[str, Any]]:
    """Return one object per row of `Champion.answers`."""
    import numpy as np

    if champion.threshold is not None:
        # Of two classes the other one has no name of its own: the label is whether it is the positive one.
        return [
            {"probability": score, "positive": score >= champion.threshold, "class": champion.positive}
            for score in answers.tolist()
        ]
    if champion.classes:
        best = np.argmax(answers, axis=1).tolist()
        return [
            {"class": champion.classes[i], "probabilities": dict(zip(champion.classes, row, strict=True))}
            for i, row in zip(best, answers.tolist(), strict=True)
        ]
    if champion.actions:
        order = np.argsort(-answers, axis=1, kind="stable").tolist()
        return [
            {
                "action": champion.actions[places[0]],
                "alternatives": [{"action": champion.actions[i], "value": row[i]} for i in places[1:]],
                "value": row[places[0]],
            }
            for places, row in zip(order, answers.tolist(), strict=True)
        ]
    return [{"value": value} for value in answers.tolist()]
