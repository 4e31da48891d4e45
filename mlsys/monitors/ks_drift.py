"""Numbers whose distribution moved away from the training rows', by the distance of Kolmogorov and Smirnov."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.feature_drift import FeatureDrift
from mlsys.records.monitoring import MonitorResult


class KsDrift(Monitor):
    """Is `feature_drift` with `test: ks`, of numbers alone and with one limit: its name before there was a choice.

    Specs that a run has stored may name it; new ones name the other.

    Attributes:
        limit: of the distance; 0.1 means that a tenth of the rows lies on the other side of some value.
        significance: expected share of false ones among the columns called moved, and of alarms where nothing did.
        min_rows: fewer current rows, or training rows, are inconclusive.
        ignore: features that move by nature, such as a running number.
    """

    kind: Literal["ks_drift"] = "ks_drift"
    limit: float = Field(default=0.1, ge=0, lt=1, allow_inf_nan=False)
    significance: float = Field(default=0.01, gt=0, lt=1, allow_inf_nan=False)
    min_rows: int = Field(default=200, ge=1)
    ignore: tuple[str, ...] = ()

    def look(self, window: Window) -> MonitorResult:
        """Return the numbers by how far they moved, each against its limit."""
        categories = [str(name) for name, column in window.reference.items() if column.dtype.kind != "f"]
        same = FeatureDrift(
            test="ks",
            window=self.window,
            limit=self.limit,
            significance=self.significance,
            by_importance=False,
            min_rows=self.min_rows,
            ignore=(*self.ignore, *categories),
        )
        changes = {"monitor": self.kind, "name": self.over("Kolmogorov-Smirnov drift")}
        return same.look(window).model_copy(update=changes)
