"""The block `checks.learnt` of a spec."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from mlsys.components import Frozen, OneOrMore


class LearntCheck(Frozen):
    """Whether a day must look like the days before it, which no rule says.

    Attributes:
        severity: `warning` reports a day that does not; `critical` stops the run, and sets such a day aside in the runs
            of later days; `ignored` does not look.
        min_days: days that must have come before anything is said of one.
        trusted_days: days that may look as they like, because somebody knows why; those after them may look like them.
        ignore: columns that may change from one day to the next by nature.
    """

    severity: Literal["critical", "warning", "ignored"] = "warning"
    min_days: int = Field(default=14, ge=7, le=180)
    trusted_days: Annotated[tuple[date, ...], OneOrMore()] = ()
    ignore: Annotated[tuple[str, ...], OneOrMore()] = ()
