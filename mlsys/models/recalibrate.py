"""The champion with two new parameters: its scores, made right as probabilities on rows that it has not learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from mlsys.models.base import FitTask, Fitted, Model
from mlsys.models.calibration import Calibration, line, line_of, without_line
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FEWEST = 30  # rows of each class, for two parameters


class Recalibrate(Model):
    """Fits a line on the log odds of the champion's scores (Platt 1999): the cheapest retraining there is.

    A line keeps the order of the scores, so that ranks (`roc_auc`, `pr_auc`, precision in the top) stay as they are and
    probabilities (`log_loss`, `brier`) and decisions at a threshold may become better. A champion that was recalibrated
    before gets another line in the place of its own.

    Attributes:
        days: it learns from training rows of so many newest days.
    """

    kind: Literal["recalibrate"] = "recalibrate"
    of_champion = True
    counterpart = "ridge"
    two_classes = True
    days: int = Field(default=14, ge=1)

    @model_validator(mode="after")
    def _plain(self) -> Recalibrate:
        if self.resample or self.calibrate:
            raise ValueError("`recalibrate` takes neither `resample` nor `calibrate`: the champion is what was learnt")
        return self

    def estimator(self, task: FitTask) -> Any:  # noqa: ARG002 - a kind must take it
        """Return the line on the log odds."""
        return line()

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:  # noqa: ARG002
        """Fit the line on the newest rows that are fresh to the champion; its own features stand in the champion.

        Raises:
            ValueError: there is no champion, more than two classes, too few fresh rows of one of them, or the champion
                ranks them no better than by lot.
        """
        import numpy as np

        self.require(task)
        if task.champion is None:
            raise ValueError("there is no champion to recalibrate")
        if y.max(initial=0) > 1:
            raise ValueError("`recalibrate` is about two classes")
        chosen = task.champion.fresh & (task.champion.age < self.days)
        counts = np.bincount(y[chosen], minlength=2)
        if counts.min() < FEWEST:
            raise ValueError(
                f"of training rows that the champion has not learnt from, the newest {self.days} days have "
                f"{counted(int(counts[1]), 'positive row')} and {int(counts[0]):,} others, and {FEWEST} of each are "
                "needed: there are more after some days, or with more `days`"
            )
        fitted = Calibration().calibrated(without_line(task.champion.pipeline), rows[chosen], y[chosen])
        found = line_of(fitted)
        if found is not None and not found.rises:
            raise ValueError(
                f"the champion ranks the newest fresh rows no better than by lot (slope {number(found.slope)}): a line "
                "that keeps their order can't mend that, another model may"
            )
        days = counted(int(task.champion.age[chosen].max()) + 1, "day")
        fresh = counted(int(chosen.sum()), "row")
        return Fitted(fitted, (f"The champion, recalibrated on {fresh} of the newest {days} that it had not seen",))
