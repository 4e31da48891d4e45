"""Logged decisions as whole numbers, so that a label stays one value per row wherever labels go.

A decision says who was decided about, in which situation as far as whoever decided looked at it, at which step, what
was done, out of how many actions, and whether it came to success. Who and where are kept as hashes: they tell rows
apart and mean nothing by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Bits of each part, from the highest on: 63 in all, so that -1 stays free for rows without a label.
_BITS = {"customer": 24, "situation": 20, "step": 8, "n_actions": 5, "action": 5, "success": 1}
MOST_ACTIONS = 2 ** _BITS["action"] - 1

GAIN, COST = 10.0, 1.0  # a success is worth so much, and every action costs so much


@dataclass(frozen=True)
class Logged:
    """Logged decisions, each part `(n_rows,)` int64.

    Attributes:
        customer: hash of whom a decision was about; situation: of what whoever decided looked at.
        step: number of the decision, rising for each customer; larger numbers than 255 count as 255.
        n_actions: how many actions there were; action: which one was taken, from 0 on.
        success: 1 or 0.
    """

    customer: np.ndarray
    situation: np.ndarray
    step: np.ndarray
    n_actions: np.ndarray
    action: np.ndarray
    success: np.ndarray

    @property
    def reward(self) -> np.ndarray:
        """`(n_rows,)` float64: what came of each decision, less what it cost."""
        found: np.ndarray = GAIN * self.success - COST
        return found


@dataclass(frozen=True)
class Choices:
    """Logged decisions beside those of a policy.

    Attributes:
        policy: `(n_rows, n_actions)` float64: with which chance the policy takes each action.
        situations: `(n_rows,)` places of the situations, from 0 on.
    """

    logged: Logged
    policy: np.ndarray
    situations: np.ndarray

    @property
    def n_rows(self) -> int:
        """How many decisions there are."""
        return int(self.situations.size)

    @property
    def n_actions(self) -> int:
        """How many actions there were."""
        return int(self.policy.shape[1])

    @property
    def agreed(self) -> np.ndarray:
        """`(n_rows,)` float64: the policy's chance of the logged action."""
        import numpy as np

        found: np.ndarray = self.policy[np.arange(self.n_rows), self.logged.action]
        return found


def pack(logged: Logged) -> np.ndarray:
    """Return `(n_rows,)` int64; parts that are too large keep their lowest bits, a step its largest value."""
    import numpy as np

    found: np.ndarray = np.zeros(len(logged.action), dtype=np.int64)
    for name, bits in _BITS.items():
        most = 2**bits - 1
        part = getattr(logged, name).astype(np.int64)
        found = (found << bits) | (np.clip(part, 0, most) if name == "step" else part & most)
    return found


def unpack(y: np.ndarray) -> Logged:
    """Return the parts of packed decisions, none of which is -1."""
    parts, rest = {}, y
    for name, bits in reversed(_BITS.items()):
        parts[name] = rest & (2**bits - 1)
        rest = rest >> bits
    return Logged(**parts)


def successors(logged: Logged) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of each row's next decision, -1 where none follows, and the mask of first decisions.

    The next one has a later step and is about the same customer; of several alike it is the first.
    """
    import numpy as np

    if not logged.step.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    order = np.lexsort((logged.step, logged.customer))
    customer, step = logged.customer[order], logged.step[order]
    begins = np.r_[True, (customer[1:] != customer[:-1]) | (step[1:] != step[:-1])]
    place = np.cumsum(begins) - 1  # of the step, among the steps of all customers
    starts = np.flatnonzero(begins)
    goes_on = np.r_[customer[starts[1:]] == customer[starts[:-1]], False]
    then = np.where(goes_on, order[np.r_[starts[1:], 0]], -1)
    following, first = np.empty(order.size, dtype=np.int64), np.empty(order.size, dtype=bool)
    following[order] = then[place]
    first[order] = np.r_[True, ~goes_on[:-1]][place]
    return following, first
