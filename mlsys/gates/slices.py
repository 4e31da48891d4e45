"""The challenger must not be worse than the champion on a part of the rows, however much better it is on the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.gates.means import mean_of
from mlsys.gates.measuring import GateMaterial, JudgedRows, Measuring, lacking
from mlsys.gates.weak_spots import weak_spots
from mlsys.records import GateResult
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np

_LEVEL = 0.95  # of all slices together
_MOST_VALUES = 30


class Slices(Measuring):
    """On no slice of the holdout the challenger is worse than the champion by more than a margin, beyond chance.

    What is compared is the loss of each row: of classes the squared distance of the probabilities from the truth, of
    numbers the absolute error. Slices are the values of named columns, and those that a small tree finds where the
    challenger does worst against the champion: found on validation rows and judged on the holdout, which the tree has
    not seen. All slices are tested together (Holm, Scandinavian Journal of Statistics 6, 1979): the more of them, the
    more it takes to fail one.

    Attributes:
        columns: each of their values is a slice; models need not see them.
        find: how many slices to look for, by a tree of the features; 0 for none.
        margin: by how much of the champion's loss on the slice the challenger's may be larger.
        min_rows: holdout rows of a slice that is judged; smaller ones are counted.
    """

    kind: Literal["slices"] = "slices"
    tasks: ClassVar = ("binary", "multiclass", "regression")
    against_champion: ClassVar = True
    decisive: ClassVar = ("columns", "find", "margin", "min_rows")
    columns: tuple[str, ...] = ()
    find: int = Field(default=5, ge=0, le=20)
    margin: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    min_rows: int = Field(default=100, ge=2)

    @property
    def rule(self) -> str:
        """The limit in words."""
        return f"on no slice worse than the champion by {100 * self.margin:g} %"

    @property
    def reads(self) -> tuple[str, ...]:
        """The named columns."""
        return self.columns

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return each slice with both losses, the excess beyond the margin, and its p-value after Holm's correction."""
        holdout = material.holdout
        if holdout.champion is None:
            return {"error": "the champion has no answers"}
        excess = holdout.challenger.loss - (1 + self.margin) * holdout.champion.loss
        parts, small = [], 0
        for name, found, inside in self._slices(material):
            rows = inside.nonzero()[0]
            tested = _tested(holdout, excess, rows) if rows.size >= self.min_rows else None
            if tested is None:
                small += 1
            else:
                parts.append({"name": name, "found": found, **tested})
        if not parts:
            sentence = f"No slice has {self.min_rows:,} holdout rows: {small} smaller ones say too little."
            return lacking("too_few_rows", sentence) if small else {"parts": [], "small": 0}
        return {"parts": _corrected(parts, self.margin), "small": small}

    def _slices(self, material: GateMaterial) -> Iterator[tuple[str, bool, np.ndarray]]:
        """Yield slices in words, whether they were found, and the mask of their holdout rows."""
        rows = material.holdout.rows
        for column in self.columns:
            values = rows[column]
            counts = values.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
            for value in list(counts.index)[:_MOST_VALUES]:
                yield f"{column} is {value}", False, (values == value).to_numpy(dtype=bool)
        if not self.find:
            return
        validation = material.validation()
        if validation.champion is None:
            return
        excess = validation.challenger.loss - validation.champion.loss
        least = max(20, round(self.min_rows * len(validation.rows) / max(len(rows), 1)))
        for name, inside in weak_spots(
            validation.rows, excess, rows, columns=material.columns, most=self.find, least=least, seed=material.seed
        ):
            yield name, True, inside

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether no slice is worse beyond chance; the surest one is the one shown."""
        parts: Sequence[Mapping[str, Any]] = found["parts"]
        if not parts:
            sentence = "The challenger does nowhere worse than the champion on the validation rows: no slice to judge."
            return GateResult(gate=self.kind, name=self.rule, state="pass", sentence=sentence)
        worst = parts[0]
        failed = [part for part in parts if part["p"] <= 1 - _LEVEL]
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state="fail" if failed else "pass",
            observed=worst["lower"],
            observed_as="its lower bound",
            estimate=worst["more"],
            estimate_as="loss above the champion's on this slice",
            level=worst["level"],
            needs="<=",
            limit=self.margin,
            distance=self.margin - worst["lower"],
            unit="share",
            sentence=self._sentence(parts, worst, failed, found["small"]),
            reason="worse_on_a_slice" if failed else None,
        )

    def _sentence(
        self,
        parts: Sequence[Mapping[str, Any]],
        worst: Mapping[str, Any],
        failed: Sequence[Mapping[str, Any]],
        small: int,
    ) -> str:
        looked = f"{len(parts)} slices" if len(parts) != 1 else "1 slice"
        more = f" ({small} smaller ones say too little)" if small else ""
        where = (
            f"where {worst['name']} ({worst['n']:,} holdout rows{', found on validation rows' * worst['found']}) "
            f"its loss is {number(worst['new'], worst['old'])}, the champion's {number(worst['old'], worst['new'])}"
        )
        if not failed:
            return f"On none of {looked}{more} the challenger is worse beyond chance and margin; least sure {where}."
        also = f"; so it is on {len(failed) - 1} more" if len(failed) > 1 else ""
        return f"The challenger is worse than the champion on {len(failed)} of {looked}{more}: {where}{also}."


def _tested(holdout: JudgedRows, excess: np.ndarray, rows: np.ndarray) -> dict[str, Any] | None:
    """Return both losses and the one-sided p-value of a mean excess above 0 (Student's t); None of a single group."""
    from scipy.special import stdtr

    assert holdout.champion is not None
    new, old = float(holdout.challenger.loss[rows].mean()), float(holdout.champion.loss[rows].mean())
    mean = mean_of(excess[rows], None if holdout.group is None else holdout.group[rows])
    known = {"n": int(rows.size), "new": new, "old": old, "excess": mean.value, "units": mean.units}
    if mean.units < 2:
        return None
    error = mean.variance**0.5
    if not error:
        return {**known, "error": 0.0, "p": 0.0 if mean.value > 0 else 1.0}
    return {**known, "error": error, "p": float(stdtr(mean.units - 1, -mean.value / error))}


def _corrected(parts: list[dict[str, Any]], margin: float) -> list[dict[str, Any]]:
    """Return the slices with the smallest p-value first, each after Holm's correction.

    `more` is the loss above the champion's as a share of it, `lower` its one-sided bound at the corrected `level`.
    """
    from scipy.special import stdtrit

    ordered = sorted(parts, key=lambda part: (part["p"], -part["excess"], part["name"]))
    largest = 0.0
    for i, part in enumerate(ordered):
        n_left = len(ordered) - i
        largest = max(largest, min(1.0, part["p"] * n_left))
        level = 1 - (1 - _LEVEL) / n_left
        width = float(stdtrit(part["units"] - 1, level)) * part["error"]
        scale = part["old"] or 1.0
        part |= {"p": largest, "level": level, "more": part["excess"] / scale + margin}
        part["lower"] = (part["excess"] - width) / scale + margin
    return ordered
