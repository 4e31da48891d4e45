"""How a server takes memory: what a large batch needed is given back when it is answered."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_ARENA_MAX = -8  # of glibc's mallopt
_ARENAS = 2


def frugal() -> None:
    """Let threads share two heaps of the C library, and Arrow take its memory there, too.

    Else each thread has a heap, and Arrow pages of its own, which keep what the largest batch needed: some 20 MB.
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc has no such setting
            ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
