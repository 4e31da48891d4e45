"""How far an off-policy estimate could be off because whoever decided knew more than the log says.

The marginal sensitivity model (Tan, JASA 101, 2006; Zhao, Small and Bhattacharya, JRSS B 81, 2019): the true odds with
which an action was taken differ from the estimated ones by a factor of at most `odds`. Of a success that weighs least
and a failure that weighs most come the lowest value that is possible then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlsys.metrics.weighted import WeightedDecisions

ODDS = (1.0, 1.25, 1.5, 2.0, 3.0)


def sensitivity(rows: WeightedDecisions) -> list[list[float]]:
    """Return `[odds, lowest, highest]` self-normalised lift for each factor; empty where no action agrees.

    `rows` are of one weighting, in which each row counts once.
    """
    import numpy as np

    choices, chance = rows.choices, rows.propensities[0]
    if not choices.agreed.any():
        return []
    found = []
    for odds in ODDS:
        light, heavy = (choices.agreed * (1 + (1 / chance - 1) * factor) for factor in (1 / odds, odds))
        bounds = []
        for of_success, of_failure in ((light, heavy), (heavy, light)):
            weight = np.where(choices.logged.success == 1, of_success, of_failure)
            bounds.append(float((weight * choices.logged.reward).sum() / weight.sum() - rows.history[0]))
        found.append([odds, *(round(bound, 6) for bound in bounds)])
    return found
