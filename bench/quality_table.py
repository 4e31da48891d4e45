"""The table of `make bench-quality`: what each of them scored, and what of their differences is more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from run import heading

GOAL = -0.005
ABOUT = (
    "# How good is the default?",
    "",
    "Written by `make bench-quality`: public tables; the spec that `mlsys init` writes, untouched, against FLAML with",
    "the same CPU seconds and XGBoost with its defaults, all judged on the same holdout rows, which none has seen. A",
    "score is 0 for a model that looks at nothing and 1 for a perfect one: 2 AUC - 1, (AP - share) / (1 - share),",
    "1 - MSE / MSE of the mean. mlsys learns from training rows and chooses by validation rows; the others learn from",
    "both.",
    "*Refit* is its choice, fitted again on both, as `training.refit` does.",
)


@dataclass(frozen=True)
class Score:
    """One table under one seed.

    Attributes:
        values: the primary metric of each, on the holdout; `line` that of a model that looks at nothing.
        share: holdout rows next to the others.
        seconds: CPU of mlsys's training, of FLAML; `best`: what each of both chose.
    """

    set: str
    metric: str
    values: dict[str, float]
    line: float
    n_rows: int
    share: float
    seconds: tuple[float, float]
    best: tuple[str, str]

    def normalised(self, name: str) -> float:
        """Return 0 for the line and 1 for perfection."""
        value = self.values[name]
        if self.metric == "rmse":
            return 1 - (value / self.line) ** 2
        return (value - self.line) / (1 - self.line)


@dataclass(frozen=True)
class Difference:
    """The mean of differences over seeds, and the half width of its 95 % interval."""

    mean: float
    half: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval excludes zero."""
        return abs(self.mean) > self.half


def difference(scores: Sequence[Score], name: str, other: str) -> Difference:
    """Return by how much one is better than another.

    The seeds share rows, so that their differences are alike: the variance is that of the corrected resampled t-test
    (Nadeau and Bengio, Machine Learning 52, 2003), with 1/n + n_holdout/n_others for 1/n. One seed has no interval.
    """
    from scipy import stats

    found = np.array([score.normalised(name) - score.normalised(other) for score in scores])
    n = len(found)
    if n < 2:
        return Difference(float(found.mean()), math.inf)
    variance = float(found.var(ddof=1)) * (1 / n + float(np.mean([score.share for score in scores])))
    return Difference(float(found.mean()), float(stats.t.ppf(0.975, n - 1)) * math.sqrt(variance))


def report(scores: Sequence[Score]) -> str:
    """Return the page."""
    lines = [*heading(*ABOUT)]
    lines += ["| | rows | metric | mlsys | refit | FLAML | XGBoost | to FLAML | to XGBoost | CPU s | chosen |"]
    lines += ["|---|---|---|---|---|---|---|---|---|---|---|"]
    worse = []
    for name, group in groupby(scores, key=lambda score: score.set):
        of_set = list(group)
        shown = [f"{_mean(of_set, who):.4f}" for who in ("mlsys", "refit", "flaml", "xgboost")]
        gaps = [difference(of_set, "mlsys", other) for other in ("flaml", "xgboost")]
        if gaps[1].mean < 0 and gaps[1].beyond_chance:
            worse.append(name)
        seconds = " / ".join(f"{np.mean([score.seconds[side] for score in of_set]):.1f}" for side in (0, 1))
        chosen = ", ".join(sorted({score.best[0] for score in of_set}))
        first = of_set[0]
        cells = [name, f"{first.n_rows:,}", first.metric, *shown, *map(_in_words, gaps), seconds, chosen]
        lines.append("| " + " | ".join(cells) + " |")
    means = {who: _mean(scores, who) for who in ("mlsys", "refit", "flaml", "xgboost")}
    cells = ["**mean**", "", "", *(f"**{value:.4f}**" for value in means.values())]
    gap = means["mlsys"] - means["flaml"]
    cells += [f"**{gap:+.4f}**", f"**{means['mlsys'] - means['xgboost']:+.4f}**", "", ""]
    lines += ["| " + " | ".join(cells) + " |", ""]
    lines.append(f"Mean score next to FLAML's: {gap:+.4f} (goal: at least {GOAL}): {_met(gap >= GOAL)}.")
    of_worse = f"worse on {', '.join(worse)}" if worse else "on no table worse"
    lines.append(f"Next to the default XGBoost, beyond chance: {of_worse}: {_met(not worse)}.")
    return "\n".join(lines) + "\n"


def _mean(scores: Sequence[Score], who: str) -> float:
    return float(np.mean([score.normalised(who) for score in scores]))


def _in_words(gap: Difference) -> str:
    return f"{gap.mean:+.4f}" + (f" ± {gap.half:.4f}" if math.isfinite(gap.half) else "")


def _met(good: bool) -> str:
    return "met" if good else "**not met**"
