"""How often a process looks for cyclic garbage."""

from __future__ import annotations

import gc

_ALLOCATIONS = 20_000


def collect_seldom() -> None:
    """Let this process look for cyclic garbage after 20,000 new objects, not after 700 (2,000 with Python 3.13).

    The libraries of a run make some million objects while they are imported, and nearly all of them stay: looking
    through them again and again costs a run that starts anew a sixth of its processor time.
    """
    gc.set_threshold(_ALLOCATIONS)
