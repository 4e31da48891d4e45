"""What following a policy from a customer's first decision on would bring, by a table of situations.

Fitted Q evaluation (Le, Voloshin and Yue, ICML 2019) on a table has an exact solution: values of situations solve
linear equations made of the successes and the successors that were seen. It believes that a situation says all that
matters for what comes next, which single decisions need not believe; so it is a second opinion, and judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsys.metrics.logged import COST, GAIN, Choices, successors

if TYPE_CHECKING:
    import numpy as np

DISCOUNT = 0.95
_PRIOR = 4.0  # rows in which an action succeeds as it does everywhere, added to each situation


def fitted_q(choices: Choices, weights: np.ndarray) -> np.ndarray:
    """Return `(n_replicates,)` discounted rewards per customer, NaN where no row has weight.

    `(n_replicates, n_rows)` weights are those of whole customers: a decision is followed by the next one about them.
    """
    import numpy as np

    if not choices.n_rows:
        return np.full(len(weights), np.nan)
    following, first = successors(choices.logged)
    return np.array([_value(choices, row.astype("float64"), following, first) for row in weights], dtype="float64")


def _value(choices: Choices, weights: np.ndarray, following: np.ndarray, first: np.ndarray) -> float:
    import numpy as np

    start, place = weights * first, choices.situations
    if not start.sum():
        return float("nan")
    shape = (int(place.max()) + 1, choices.n_actions)
    cell, n_cells = place * shape[1] + choices.logged.action, shape[0] * shape[1]
    count = np.bincount(cell, weights, n_cells).reshape(shape)
    hits = np.bincount(cell, weights * choices.logged.success, n_cells).reshape(shape)
    overall = (hits.sum(axis=0) + 0.5) / (count.sum(axis=0) + 1)
    rate = (hits + _PRIOR * overall) / (count + _PRIOR)
    policy = np.stack([np.bincount(place, weights * taken, shape[0]) for taken in choices.policy.T], axis=1)
    policy = policy / np.maximum(policy.sum(axis=1, keepdims=True), 1e-12)
    goes_on = following >= 0
    moves = np.zeros((n_cells, shape[0]))
    np.add.at(moves, (cell[goes_on], place[following[goes_on]]), weights[goes_on])
    moves = moves.reshape(*shape, shape[0]) / np.maximum(count, 1e-12)[:, :, None]
    step, reward = np.einsum("sa,sat->st", policy, moves), (policy * (GAIN * rate - COST)).sum(axis=1)
    values = np.linalg.solve(np.eye(shape[0]) - DISCOUNT * step, reward)
    return float((start * values[place]).sum() / start.sum())
