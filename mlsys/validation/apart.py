"""Great Expectations in a child: its import takes seconds of one core, in which the parent imports what follows.

What it leaves in memory ends with the child. Where it is loaded already, as in a worker that preloads, nothing is won.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import TypeVar

from mlsys.children import side_by_side
from mlsys.errors import RunError

_Found = TypeVar("_Found")
_LONGEST = 86400.0  # seconds; a run has no longer time either


def apart(look: Callable[[], _Found], *, meanwhile: Callable[[], None]) -> _Found:
    """Return what `look` returns, made in a child while `meanwhile` is done here; both in turn where nothing is won.

    Raises:
        MlsysError: what `look` raised.
        RunError: the child ended without an answer.
    """
    if "great_expectations" in sys.modules:
        return look()
    (end,) = side_by_side({"checks": lambda: pickle.dumps(look())}, workers=1, timeout=_LONGEST, meanwhile=meanwhile)
    if end.error is not None:
        raise end.error
    if end.data is None:
        raise RunError(f"The process of the checks ended with {end.cause}{end.hint}", where="validation")
    found: _Found = pickle.loads(end.data)  # noqa: S301 - from our own child
    return found
