"""Whether a probability of 0.2 comes true in two of ten rows, and a predicted number in the mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.gates.means import mean_of
from mlsys.gates.measuring import GateMaterial, Measuring, lacking
from mlsys.records import GateResult
from mlsys.wording import number

_Z = 1.6448536269514722  # of a one-sided bound at 95 %


class WellCalibrated(Measuring):
    """The calibration error lies within a limit, and the Brier score where one is given.

    The error is the root of the mean square distance between what was said and what came, by tenths of the holdout. A
    tenth that is right about its probabilities misses the truth by chance, too: that part is taken off (Kumar, Liang
    and Ma, NeurIPS 2019, section 4). Of numbers the unit is the truth's standard deviation.

    Attributes:
        limit: largest calibration error.
        on: `bound` fails what exceeds the limit beyond chance, by the one-sided lower bound at 95 %; `value` goes by
            the estimate.
        bins: parts of the holdout, with about the same number of rows each.
        brier: largest Brier score: the mean squared distance of probabilities from the truth (of numbers, the mean
            absolute error in standard deviations of the truth).
    """

    kind: Literal["calibration"] = "calibration"
    tasks: ClassVar = ("binary", "multiclass", "regression")
    decisive: ClassVar = ("bins",)
    limit: float = Field(default=0.05, gt=0, allow_inf_nan=False)
    on: Literal["value", "bound"] = "bound"
    bins: int = Field(default=10, ge=2, le=100)
    brier: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @property
    def rule(self) -> str:
        """The limits in words."""
        more = "" if self.brier is None else f", Brier score at most {self.brier:g}"
        return f"calibration error at most {self.limit:g}{more}"

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return the error with its bias taken off, its lower bound, and the mean loss."""
        import numpy as np

        judged = material.holdout.challenger
        expected, came = judged.expected
        scale = float(came.std()) if material.task == "regression" else 1.0
        if came.size < 2 * self.bins or scale == 0:
            return lacking("too_few_rows", f"{came.size:,} holdout rows don't tell how well answers are calibrated.")
        group, missed = material.holdout.group, (came - expected) / scale
        parts = [mean_of(missed[part], None if group is None else group[part]) for part in judged.parts(self.bins)]
        weight = np.array([part.n for part in parts]) / came.size
        gap = np.array([part.value for part in parts])
        chance = np.nan_to_num(np.array([part.variance for part in parts]))
        true_square = np.maximum(gap**2 - chance, 0)
        square = float((weight * (gap**2 - chance)).sum())
        spread = float(np.sqrt((weight**2 * (2 * chance**2 + 4 * true_square * chance)).sum()))
        return {
            "n": int(came.size),
            "bins": len(parts),
            "ece": float(max(square, 0.0) ** 0.5),
            "lower": float(max(square - _Z * spread, 0.0) ** 0.5),
            "brier": float(judged.loss.mean()) / scale,
        }

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether both keep their limits; a Brier score beyond its own is the one shown."""
        error, bound, brier = float(found["ece"]), float(found["lower"]), float(found["brier"])
        by_bound = self.on == "bound"
        observed, limit = (bound if by_bound else error), self.limit
        sentence = (
            f"What the challenger says is off by {number(error)} in the root mean square over {found['bins']} parts of "
            f"{found['n']:,} holdout rows"
            + (f", by {number(bound)} at least with 95 % confidence" if by_bound else "")
            + f"; {self.limit:g} may be. Its Brier score is {number(brier)}"
            + ("." if self.brier is None else f"; {self.brier:g} may be.")
        )
        shown = {"observed_as": "lower bound of the calibration error" if by_bound else "calibration error"}
        if by_bound:
            shown |= {"estimate_as": "calibration error"}
        reason = "miscalibrated" if observed > limit else None
        if reason is None and self.brier is not None and brier > self.brier:
            observed, limit, shown, reason = brier, self.brier, {"observed_as": "Brier score"}, "brier_too_high"
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state="pass" if reason is None else "fail",
            observed=observed,
            estimate=error if "estimate_as" in shown else None,
            needs="<=",
            limit=limit,
            distance=limit - observed,
            sentence=sentence,
            reason=reason,
            **shown,
        )
