"""Great Expectations in a child: its import takes seconds of one core, in which the parent reads what is new.

What it leaves in memory ends with the child. Where it is loaded already, as in a worker that preloads, nothing is won.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

from mlsys.children import Standby, standing_by
from mlsys.errors import RunError

_Found = TypeVar("_Found")
_LONGEST = 86400.0  # seconds; a run has no longer time either


class Looking(Protocol):
    """Where checks are made: in this process, or in one that has their library."""

    def __call__(self, look: Callable[[], _Found], /) -> _Found:
        """Return what `look` returns."""


def here(look: Callable[[], _Found]) -> _Found:
    """Return what `look` returns, made in this process."""
    return look()


def beside(child: Standby | None, meanwhile: Callable[[], None]) -> Looking:
    """Return a way to look in a child, while `meanwhile` is done here; without a child, here.

    It passes on the MlsysError that the child ended with, and raises RunError where it ended without an answer.
    """
    return here if child is None else partial(_asked, child, meanwhile)


def _asked(child: Standby, meanwhile: Callable[[], None], look: Callable[[], Any]) -> Any:
    end = child.ask(partial(_packed, look), timeout=_LONGEST, meanwhile=meanwhile)
    if end.error is not None:
        raise end.error
    if end.data is None:
        raise RunError(f"The process of the checks ended with {end.cause}{end.hint}", where="validation")
    return pickle.loads(end.data)  # noqa: S301 - from our own child


def _packed(look: Callable[[], Any]) -> bytes:
    return pickle.dumps(look())


@contextmanager
def checks_ready(*, wanted: bool) -> Iterator[Standby | None]:
    """Give a child that imports Great Expectations from now on, where that is wanted and not done already."""
    if not wanted or "great_expectations" in sys.modules:
        yield None
        return
    with standing_by("checks", _load) as child:
        yield child


def _load() -> None:
    from mlsys.validation import data_docs

    data_docs.preload()
