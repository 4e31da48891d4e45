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


def the_champion(incoming: Incoming) -> tuple[str, ServedModel]:
    """Return the champion."""
    return CHAMPION, incoming.champion
