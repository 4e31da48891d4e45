"""Times on a command line."""

from datetime import UTC, datetime, timedelta

import pytest

from mlsys import clock
from mlsys.cli.instants import instant_ahead
from mlsys.errors import UsageError


def test_an_end_may_be_so_long_from_now() -> None:
    ahead = instant_ahead("36h", where="--until") - clock.now()
    assert timedelta(hours=35, minutes=59) < ahead <= timedelta(hours=36)
    assert instant_ahead("2026-03-09", where="--until") == datetime(2026, 3, 9, tzinfo=UTC)
    with pytest.raises(UsageError, match="at most 36500 days"):
        instant_ahead("99999999d", where="--until")


@pytest.mark.parametrize("text", ["0001-01-01T00:00+05:00", "9999-12-31T23:59-14:00"])
def test_a_time_beyond_the_calendar_is_refused(text) -> None:
    with pytest.raises(UsageError, match="--until: In UTC the time lies outside the calendar"):
        instant_ahead(text, where="--until")
