"""A table of states and actions, looked up: what the fitted steps behind a policy's features do, without the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlsys.serving.fast_blocks import NotConvertibleError

if TYPE_CHECKING:
    import numpy as np

POLICY = ["features", "state", "table", "model"]  # steps of a pipeline


def asked_for_states(pipeline: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return what gives each action's value, `(n_rows, n_actions)`, for `(n_rows, n_features)` float64.

    Raises:
        NotConvertibleError: a step is not known, or has another setting.
    """
    import numpy as np
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import OneHotEncoder

    states, encoder, model = (pipeline.named_steps[name] for name in POLICY[1:])
    if type(encoder) is not OneHotEncoder or encoder.handle_unknown != "ignore" or type(model) is not LinearRegression:
        raise NotConvertibleError("the policy's table is looked up in another way")
    bins, weights = _bins(states)
    known = encoder.categories_[0]
    values = np.vstack([model.coef_.T, np.zeros_like(model.coef_[:, 0])]) + model.intercept_  # the last: a new state

    def ask(matrix: np.ndarray) -> np.ndarray:
        numbers = sum(
            weight * np.digitize(matrix[:, place], edges) for (place, edges), weight in zip(bins, weights, strict=True)
        )
        place = np.searchsorted(known, numbers)
        place[place == len(known)] = 0
        found: np.ndarray = values[np.where(known[place] == numbers, place, len(known))]
        return found

    return ask


def _bins(states: Any) -> tuple[list[tuple[int, np.ndarray]], np.ndarray]:
    """Return each feature's place and edges, and what a step of its bin adds to the number of a state."""
    import numpy as np

    columns, number = (states.named_steps.get(name) for name in ("bins", "number"))
    if columns is None or number is None or number.func is not np.dot:
        raise NotConvertibleError("the policy numbers its states in another way")
    bins = []
    for _, part, places in columns.transformers_:
        if part.func is not np.digitize or set(part.kw_args) != {"bins"}:
            raise NotConvertibleError("the policy numbers its states in another way")
        bins.append((int(places[0]), part.kw_args["bins"]))
    return bins, number.kw_args["b"].ravel()
