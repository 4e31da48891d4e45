"""What the report card shows of a policy: which actions it takes, how it was learnt, how sure its worth is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.report.axes import Axis, frame, plot
from mlsys.report.models import ModelColumn


@dataclass(frozen=True)
class Mix:
    """One action: how often it was taken on the holdout, and how often each model would take it.

    Attributes:
        shares: of each model, in the order of `Policy.models`.
        agreed: decisions in which the challenger and history took it; succeeded: how many of these succeeded.
    """

    action: str
    taken: float
    shares: tuple[float, ...]
    agreed: int
    succeeded: int


@dataclass(frozen=True)
class TableState:
    """A state of the table: in words, how often it was visited, its training rows, and what each action is worth."""

    words: str
    visits: int
    rows: int
    best: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Policy:
    """Drawings and figures of a policy.

    Attributes:
        sensitivity: `(odds, lowest, highest)` lift of the challenger if the true odds differ by such a factor.
        holds_to: the largest factor of these at which the lift stays above zero, or None.
        curve: the drawing, or None where the challenger kept none; `states`, `n_states` and `n_visited` go with it.
    """

    models: tuple[ModelColumn, ...]
    n_rows: int
    actions: tuple[Mix, ...]
    sensitivity: tuple[tuple[float, float, float], ...]
    holds_to: float | None
    curve: Markup | None
    action_names: tuple[str, ...]
    states: tuple[TableState, ...]
    n_states: int
    n_visited: int


def policy(details: Mapping[str, Any], models: Sequence[ModelColumn], names: Sequence[str]) -> Policy | None:
    """Return what the details of an evaluation know of a policy, or None where they know of none.

    `names` are those of the actions, in their order.
    """
    known = details.get("actions")
    judged = tuple(m for m in models if m.role in ("challenger", "champion") and m.model_id in (known or {}))
    if not known or not judged:
        return None
    first = known[judged[0].model_id]
    n_rows = sum(taken for taken, *_ in first)
    mixes = [
        Mix(
            name,
            first[place][0] / max(n_rows, 1),
            tuple(known[m.model_id][place][1] / max(n_rows, 1) for m in judged),
            first[place][2],
            first[place][3],
        )
        for place, name in enumerate(names)
    ]
    bounds = tuple((odds, low, high) for odds, low, high in details["sensitivity"][judged[0].model_id])
    learning = (details.get("insight") or {}).get("learning") or {}
    return Policy(
        models=judged,
        n_rows=n_rows,
        actions=tuple(mixes),
        sensitivity=bounds,
        holds_to=max((odds for odds, low, _ in bounds if low > 0), default=None),
        curve=_curve(learning["curve"]) if learning else None,
        action_names=tuple(names),
        states=tuple(_state(each, names) for each in learning.get("states", ())),
        n_states=learning.get("n_states", 0),
        n_visited=learning.get("n_visited", 0),
    )


def _state(known: Mapping[str, Any], names: Sequence[str]) -> TableState:
    values = tuple(known["values"])
    words = ", ".join(known["state"]) or "every row"
    return TableState(words, known["visits"], known["rows"], names[values.index(max(values))], values)


def _curve(points: Sequence[Sequence[float]]) -> Markup:
    across = Axis(0.0, points[-1][0] * 1.02)
    up = Axis.around([reward for _, reward, _ in points])
    path = "".join(f"{'L' if i else 'M'}{across.x(at)} {up.y(reward)}" for i, (at, reward, _) in enumerate(points))
    line = Markup('<path class="line m-challenger" d="{0}"/>').format(path)
    said = "Mean reward of an episode, while the chance of an action at random falls."
    return plot("learning", "Learning curve", said, frame(across, up, ("Episodes", "Reward of an episode")) + line)
