"""Features whose values moved away from those the champion was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.stability import shift
from mlsys.monitors.texts import ThenAndNow, compared
from mlsys.records.monitoring import MonitorPart, MonitorResult
from mlsys.wording import number

FALSE_ALARMS = 0.01  # of all features together, in a window where nothing changed


class FeatureDrift(Monitor):
    """Alarms when a feature's population stability index exceeds `limit`, and what chance alone would give.

    A text that the champion takes apart is looked at by its length and by the share of its trigrams that are new.

    Attributes:
        limit: of the index; by custom less than 0.1 is no change, and more than 0.25 a major one.
        bins: of a number, each with about the same share of the training rows.
        min_rows: fewer current rows, or training rows, are inconclusive.
        ignore: features that move by nature, such as a running number.
    """

    kind: Literal["feature_drift"] = "feature_drift"
    limit: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    bins: int = Field(default=10, ge=2, le=100)
    min_rows: int = Field(default=200, ge=1)
    ignore: tuple[str, ...] = ()

    def look(self, window: Window) -> MonitorResult:
        """Return the features by how far they moved, each against its own limit."""
        window, name = window.newest(self.window), self.over("feature drift")
        n_rows, n_reference = len(window.rows), len(window.reference)
        kept = replace(window, reference=window.reference.drop(columns=list(self.ignore), errors="ignore"))
        features = list(compared(kept.reference, kept.rows, kept.texts))
        if not features:
            sentence = "The champion has no feature to look at."
            return self.inconclusive(name, "no_features", sentence, n_rows=n_rows)
        if min(n_rows, n_reference) < self.min_rows:
            sentence = (
                f"The champion has not seen {n_rows:,} rows and was trained on {n_reference:,}: "
                f"{self.min_rows:,} of each are needed."
            )
            return self.inconclusive(name, "too_few_rows", sentence, n_rows=n_rows)
        parts = sorted((self._part(feature, len(features)) for feature in features), key=_rank)
        drifted = [part for part in parts if part.observed > part.limit]
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if drifted else "pass",
            observed=parts[0].observed,
            limit=parts[0].limit,
            unit="psi",
            sentence=_sentence(parts, drifted, n_rows),
            reason="drifted" if drifted else None,
            n_rows=n_rows,
            parts=tuple(parts),
        )

    def _part(self, feature: ThenAndNow, n_features: int) -> MonitorPart:
        if feature.then.empty or feature.now.empty:  # nothing new where there is no text
            return MonitorPart(name=feature.name, observed=0.0, limit=self.limit)
        found = shift(feature.then, feature.now, n_bins=self.bins, false_alarms=FALSE_ALARMS / n_features)
        return MonitorPart(name=feature.name, observed=found.psi, limit=max(self.limit, found.by_chance))


def _rank(part: MonitorPart) -> tuple[float, str]:
    return -part.observed / part.limit, part.name


def _sentence(parts: list[MonitorPart], drifted: list[MonitorPart], n_rows: int) -> str:
    rows = f"in {n_rows:,} rows the champion has not seen"
    if not drifted:
        worst = parts[0]
        return (
            f"None of {len(parts)} features moved beyond its limit {rows}; most did {worst.name}, with an index of "
            f"{number(worst.observed, worst.limit)} of {number(worst.limit, worst.observed)}."
        )
    named = ", ".join(f"{part.name} ({part.observed:.2f})" for part in drifted[:5])
    more = f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""
    moved = "1 feature moved" if len(drifted) == 1 else f"{len(drifted)} features moved"
    return f"{moved} away from the training rows {rows}: {named}{more}."
