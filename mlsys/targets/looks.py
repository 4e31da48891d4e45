"""By which metrics a walk-forward looks at the predictions of a learning task."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Looks:
    """The metrics by which a walk-forward looks at predictions beside the primary one.

    Attributes:
        ranking: of the order of rows, within days and over all of them.
        probabilities: whether they are right.
        decisions: at the threshold; errors: of predicted numbers. No advice contradicts one of these.
        beside: shown alone, for they trade against others.
    """

    ranking: str | None = None
    probabilities: str | None = None
    decisions: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
