"""What is told of a request that was answered, to whoever counts, keeps or compares answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np

    from mlsys.server.served import ServedModel

CHAMPION = "champion"  # the arm that answers where nothing is tried beside it


@dataclass(frozen=True)
class Answered:
    """One request and its answer.

    Attributes:
        arm: who answered: `champion`, or the name of what is tried beside it.
        rows: as they were given, features alone.
        answers: in the layout of the task, a row for each.
        at: when it was answered, UTC; seconds: how long the model took.
        given: the rows as they came, with columns that are no features, such as a key.
        noticed: values unlike those of training: `missing`, `out_of_range` or `unseen` -> column -> rows.
        silent: nobody was given the answer: the arm is a shadow.
    """

    pipeline: str
    model: ServedModel
    arm: str
    request_id: str
    rows: Sequence[Mapping[str, Any]]
    answers: np.ndarray
    at: datetime
    seconds: float
    given: Sequence[Mapping[str, Any]] = ()
    noticed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    silent: bool = False


Watcher = Callable[[Answered], None]  # called on the request's path: it must return at once
