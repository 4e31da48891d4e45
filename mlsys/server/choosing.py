"""Who answers a request: the champion, unless something is tried beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.server.answered import CHAMPION

if TYPE_CHECKING:
    from mlsys.server.served import ServedModel


@dataclass(frozen=True)
class Incoming:
    """A request that wants an answer.

    Attributes:
        champion: the model of the ledger's champion.
        given: the rows as they came, with columns that are no features, such as a key.
        headers: of the request, names in small letters.
    """

    pipeline: str
    champion: ServedModel
    given: Sequence[Mapping[str, Any]]
    headers: Mapping[str, str]


Choose = Callable[[Incoming], tuple[str, "ServedModel"]]  # the arm, and the model that answers for it


# Is told how a model did that was chosen in the champion's place: pipeline, arm, and what it raised, or None.
Note = Callable[[str, str, Exception | None], None]

TrialsStanding = Callable[[str], list[dict[str, Any]]]  # of a pipeline: how each model stands that is tried there


def note_nothing(pipeline: str, arm: str, error: Exception | None) -> None:
    """Forget it."""


def nothing_tried(pipeline: str) -> list[dict[str, Any]]:  # noqa: ARG001 - a `TrialsStanding`
    """Return no model."""
    return []


def the_champion(incoming: Incoming) -> tuple[str, ServedModel]:
    """Return the champion."""
    return CHAMPION, incoming.champion


@dataclass(frozen=True)
class Beside:
    """What a server knows of models that are tried beside its champions; by itself nothing is.

    Attributes:
        choose: says which model answers a request.
        note: is told how one did that was chosen in the champion's place.
        standing: says how each one stands.
    """

    choose: Choose = the_champion
    note: Note = note_nothing
    standing: TrialsStanding = nothing_tried


NOTHING_BESIDE = Beside()
