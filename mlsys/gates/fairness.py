"""Groups of people, or of anything else, must not be treated too differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.gates.means import Averaged, mean_of
from mlsys.gates.measuring import GateMaterial, JudgedRows, Measuring, lacking
from mlsys.metrics.intervals import wilson
from mlsys.records import GateResult

if TYPE_CHECKING:
    import numpy as np

Measure = Literal["tpr", "fpr", "selection_rate", "accuracy", "bias"]
# What each measure is called in a sentence.
_WORDS: Mapping[str, str] = {
    "tpr": "true positive rates",
    "fpr": "false positive rates",
    "selection_rate": "selection rates",
    "accuracy": "shares of right answers",
    "bias": "mean errors, in standard deviations of the truth,",
}
_OF_TASK: Mapping[str, tuple[Measure, ...]] = {
    "binary": ("tpr", "fpr", "selection_rate"),
    "multiclass": ("accuracy",),
    "regression": ("bias",),
}
_LEVEL = 0.95  # one-sided, of all pairs of groups and all measures together
_MOST_GROUPS = 30


class Fairness(Measuring):
    """Between any two groups of a column the gap stays within a limit.

    Of two classes it is the gap in the true positive rate, the false positive rate and the selection rate (share of
    rows predicted positive); of several classes in the share of right answers; of numbers in the mean error, in
    standard deviations of the truth. Bounds hold for all gaps together (Bonferroni); those of two shares are Newcombe's
    (Statistics in Medicine 17, 1998, method 10).

    Attributes:
        column: its values are the groups; models need not see it. Rows without a value are in none.
        of: of the three of two classes those that are limited.
        limit: largest gap.
        on: `bound` fails a gap that exceeds the limit beyond chance, by the lower bound at 95 %; `value` goes by the
            gap itself, which is large by chance where groups are small.
        min_rows: smaller groups are left out, and said.
        per_class: the same for the rows that a rate is a share of, such as the positive ones.
    """

    kind: Literal["fairness"] = "fairness"
    tasks: ClassVar = ("binary", "multiclass", "regression")
    decisive: ClassVar = ("column", "min_rows", "per_class")
    column: str
    of: tuple[Literal["tpr", "fpr", "selection_rate"], ...] = Field(
        default=("tpr", "fpr", "selection_rate"), min_length=1
    )
    limit: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    on: Literal["value", "bound"] = "bound"
    min_rows: int = Field(default=100, ge=2)
    per_class: int = Field(default=30, ge=2)

    @property
    def rule(self) -> str:
        """The limit in words."""
        return f"gap between groups of {self.column} at most {self.limit:g}"

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of the groups."""
        return (self.column,)

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return for each measure the groups with the lowest and the highest value, the gap and its lower bound."""
        groups, small = self._groups(material.holdout)
        if len(groups) < 2:
            sentence = (
                f"Fewer than two groups of {self.column} have {self.min_rows:,} holdout rows: no gap can be told."
            )
            return lacking("too_few_rows", sentence)
        measures = _OF_TASK[material.task]
        n_looks = len(measures) * len(groups) * (len(groups) - 1) // 2
        found = {}
        for measure in measures:
            known = {name: mean for name, rows in groups.items() if (mean := self._mean(material, measure, rows))}
            if len(known) > 1:
                found[measure] = _widest(known, shares=measure != "bias", level=1 - 2 * (1 - _LEVEL) / n_looks)
        if not found:
            sentence = f"Fewer than two groups of {self.column} have {self.per_class:,} holdout rows of each class."
            return lacking("too_few_rows", sentence)
        return {
            "gaps": found,
            "level": 1 - (1 - _LEVEL) / n_looks,
            "groups": {name: len(rows) for name, rows in groups.items()},
            "small": small,
        }

    def _groups(self, judged: JudgedRows) -> tuple[dict[str, np.ndarray], int]:
        """Return the positions of the rows of each group that is large enough, largest first, and how many are not."""
        import numpy as np

        values = judged.rows[self.column]
        counts = values.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
        large = [value for value, n in counts.items() if n >= self.min_rows][:_MOST_GROUPS]
        found = {str(value): np.flatnonzero((values == value).to_numpy(dtype=bool)) for value in large}
        return found, len(counts) - len(large)

    def _mean(self, material: GateMaterial, measure: Measure, rows: np.ndarray) -> Averaged | None:
        judged, group = material.holdout.challenger, material.holdout.group
        values, inside = _values(judged.y_true, judged.said, measure)
        rows = rows[inside[rows]]
        if rows.size < self.per_class:
            return None
        return mean_of(values[rows], None if group is None else group[rows])

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether all gaps keep the limit; the one farthest outside, or nearest to it, is the one shown."""
        gaps = {name: gap for name, gap in found["gaps"].items() if name in self.of or name in ("accuracy", "bias")}
        if not gaps:
            sentence = f"Fewer than two groups of {self.column} have {self.per_class:,} holdout rows for {self.of[0]}."
            return self.inconclusive(self.rule, "too_few_rows", sentence)
        by_bound = self.on == "bound"
        key = "lower" if by_bound else "gap"
        name, gap = max(gaps.items(), key=lambda item: (item[1][key], item[1]["gap"]))
        observed, within = gap[key], gap[key] <= self.limit
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state="pass" if within else "fail",
            observed=observed,
            observed_as="its lower bound" if by_bound else _WORDS[name].rstrip(","),
            estimate=gap["gap"] if by_bound else None,
            estimate_as="gap" if by_bound else "",
            level=found["level"] if by_bound else None,
            needs="<=",
            limit=self.limit,
            distance=self.limit - observed,
            sentence=self._sentence(found, name, gap),
            reason=None if within else "unfair",
        )

    def _sentence(self, found: Mapping[str, Any], name: str, gap: Mapping[str, Any]) -> str:
        (low, at_low), (high, at_high) = gap["lowest"], gap["highest"]
        of = f"{len(found['groups'])} groups of {self.column}"
        small = f" ({found['small']} with fewer than {self.min_rows:,} rows left out)" if found["small"] else ""
        bound = f", at least {max(gap['lower'], 0.0):.3g} with 95 % confidence" if self.on == "bound" else ""
        return (
            f"Of {of}{small} the {_WORDS[name]} differ most, by {gap['gap']:.3g}: {at_low:.3g} of {low} and "
            f"{at_high:.3g} of {high}{bound}; {self.limit:g} may be."
        )


def _values(y_true: np.ndarray, said: np.ndarray, measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Return `(n_rows,)` numbers whose mean is the measure, and the mask of rows that it is a mean of."""
    import numpy as np

    all_rows = np.ones(y_true.shape, dtype=bool)
    if measure == "bias":
        spread = float(y_true.std())
        return (said - y_true) / (spread if spread > 0 else 1.0), all_rows
    if measure == "accuracy":
        return (said == y_true).astype("float64"), all_rows
    inside = {"tpr": y_true == 1, "fpr": y_true == 0}.get(measure, all_rows)
    return said.astype("float64"), inside


def _widest(known: Mapping[str, Averaged], *, shares: bool, level: float) -> dict[str, Any]:
    """Return the widest gap, and the largest lower bound of any: of small groups the widest need not be the surest."""
    low, high = min(known, key=lambda name: known[name].value), max(known, key=lambda name: known[name].value)
    bounds = _lower_bounds(list(known.values()), shares=shares, level=level)
    return {
        "gap": known[high].value - known[low].value,
        "lower": max(bounds),
        "lowest": [low, known[low].value],
        "highest": [high, known[high].value],
    }


def _lower_bounds(means: Sequence[Averaged], *, shares: bool, level: float) -> Iterator[float]:
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    for pair in combinations(means, 2):
        less, more = sorted(pair, key=lambda mean: mean.value)
        gap = more.value - less.value
        if shares:
            up, down = wilson(less.value, _size(less), level).upper, wilson(more.value, _size(more), level).lower
            yield gap - ((more.value - (down or 0.0)) ** 2 + ((up or 0.0) - less.value) ** 2) ** 0.5
        else:
            yield gap - z * (less.variance + more.variance) ** 0.5 if min(less.units, more.units) > 1 else 0.0


def _size(share: Averaged) -> float:
    """Return how many independent rows would vary as much: fewer than there are where they come in groups."""
    plain = share.value * (1 - share.value)
    if share.units == share.n or plain == 0 or not share.variance > 0:
        return float(share.units)
    return min(float(share.n), plain / share.variance)
