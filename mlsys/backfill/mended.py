"""Whether recalibrating alone mends what drifted, in words: beside never retraining and beside every pace.

A line on the scores keeps their order. So it mends a level that moves, of the base rate or of the scores, and nothing
of what the scores rank by.
"""

from __future__ import annotations

from mlsys.backfill.agreement import differences
from mlsys.backfill.recovery import SUBJECTS
from mlsys.backfill.strategies import GATED, MONTHLY, NEVER, RECALIBRATED, WEEKLY, Compared
from mlsys.metrics import METRICS
from mlsys.records import Comparison
from mlsys.wording import signed


def mended(compared: Compared) -> tuple[str, ...]:
    """Return what recalibrating alone does about a drift; empty where nothing is seen to drift, or it was not tried."""
    if RECALIBRATED not in {result.name for result in compared.strategies}:
        return ()
    earned, lost = (_apart(compared, RECALIBRATED, NEVER, sign) for sign in (1, -1))
    over_it = {name: _apart(compared, name, RECALIBRATED, 1) for name in (MONTHLY, WEEKLY, GATED)}
    # Where no retraining beats the first model, a pace that beats the lines says only that these are noise.
    paces = [name for name, found in over_it.items() if found and (earned or _apart(compared, name, NEVER, 1))]
    beside = (
        f"{SUBJECTS[paces[0]][0].lower()}{SUBJECTS[paces[0]][1:]} is better by {over_it[paces[0]]}" if paces else ""
    )
    if earned and not paces and not lost:
        return (
            "Recalibrating alone is enough: the level drifts and the ranking does not. Two numbers fitted anew each "
            f"night make the first model better by {earned}, and no retraining is better than that beyond chance by "
            "any measure. `{kind: recalibrate}` among the `models` does it.",
        )
    if earned:
        worse = f" and worse by {lost}" if lost else ""
        rest = f"; against that {beside}" if paces else ""
        return (f"Recalibrating alone mends a part: it makes the first model better by {earned}{worse}{rest}.",)
    if paces:
        worse = f", and worse by {lost}" if lost else ""
        return (
            f"Recalibrating alone is not enough: by no measure is the first model better with it beyond chance{worse}; "
            f"against that {beside}.",
        )
    return ()


def _apart(compared: Compared, name: str, over: str, sign: int) -> str:
    """Return by which headline looks a strategy is better (1) or worse (-1) than a cheaper one beyond chance.

    Else by the primary metric, whose interval knows the rows of these days alone; empty where by none.
    """
    pair = (name, over)
    seen = [g for g in compared.view_gains if g.headline and (g.strategy, g.over) == pair and g.sign == sign]
    if seen:
        return differences(seen)
    return ", ".join(
        f"{METRICS.find(gain.comparison.metric).title} ({signed(gain.comparison.difference or 0.0)})"
        for gain in compared.gains
        if (gain.strategy, gain.over) == pair and _sign(gain.comparison) == sign
    )


def _sign(found: Comparison) -> int:
    return int((found.lower or 0.0) > 0) - int((found.upper or 0.0) < 0)
