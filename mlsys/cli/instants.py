"""Times as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mlsys.errors import UsageError


def instant(text: str, *, where: str) -> datetime:
    """Return the instant of an ISO 8601 text, in UTC unless it has an offset.

    Raises:
        UsageError: it is none, or lies outside the calendar in UTC.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        raise UsageError("A time is written in ISO 8601", where=where, got=text, remedy="2026-03-09T14:00") from None
    except OverflowError:
        raise UsageError("In UTC the time lies outside the calendar", where=where, got=text) from None


def instant_ahead(text: str, *, where: str) -> datetime:
    """Return an instant as `instant` does, or so long from now: `36h`, `3d`.

    Raises:
        UsageError: it is neither.
    """
    from mlsys import clock
    from mlsys.durations import parse_duration

    if not re.fullmatch(r"\d+[smhd]", text):
        return instant(text, where=where)
    try:
        return (clock.now() + parse_duration(text)).replace(microsecond=0)
    except ValueError as error:
        raise UsageError(str(error), where=where, got=text) from None
