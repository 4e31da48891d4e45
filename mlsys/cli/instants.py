"""Times as people write them on a command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlsys.errors import UsageError


def instant(text: str, *, where: str) -> datetime:
    """Return the instant of an ISO 8601 text, in UTC unless it has an offset, or so long from now: `36h`, `3d`.

    Raises:
        UsageError: it is neither.
    """
    from mlsys import clock

    length = _duration(text)
    if length is not None:
        return (clock.now() + length).replace(microsecond=0)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            "A time is written in ISO 8601, or as a duration from now", where=where, got=text,
            remedy="2026-03-09T14:00, or 3d",
        ) from None  # fmt: skip
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _duration(text: str) -> timedelta | None:
    from mlsys.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        return None
