"""Records of the champion that a candidate is made of, and of the rows which it has learnt from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mlsys.records.base import Record

RefitOn = Literal["train+validation", "all"]


class LearntRows(Record):
    """Rows that a model was fitted on.

    Attributes:
        manifest: SHA-256 of the snapshot's list of partitions.
        assignment: SHA-256 of the sides of its rows.
        on: sides beyond the training rows, of a model that was fitted again.
        keyed: whether the rows had a key; without one content and day tell them apart.
    """

    manifest: str
    assignment: str
    on: RefitOn | None = None
    keyed: bool


class BuiltOn(Record):
    """A champion, as the foundation of a candidate.

    Attributes:
        model: SHA-256 of its model file.
        params: hyperparameters of the model that ranks the rows, however often its scores were recalibrated.
        learnt: the rows that it was fitted on, and those that it was recalibrated on.
        obstacle: why no candidate of a run can be made of it, as a part of a sentence; None where one can.
    """

    candidate_id: str
    model: str
    params: dict[str, Any] = Field(default_factory=dict)
    learnt: tuple[LearntRows, ...] = ()
    obstacle: str | None = None
