"""Times as people write them on a command line."""

from __future__ import annotations

import re
from datetime import datetime

from mlsys import clock
from mlsys.errors import UsageError


def instant_ahead(text: str, *, where: str) -> datetime:
    """Return an instant as `clock.parse_instant` does, or so long from now: `36h`, `3d`.

    Raises:
        UsageError: it is neither.
    """
    from mlsys.durations import parse_duration

    if not re.fullmatch(r"\d+[smhd]", text):
        return clock.parse_instant(text, where=where)
    try:
        return (clock.now() + parse_duration(text)).replace(microsecond=0)
    except ValueError as error:
        raise UsageError(str(error), where=where, got=text) from None
