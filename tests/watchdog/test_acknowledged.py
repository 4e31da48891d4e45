"""Who knows of a trouble silences that one alone, and only until its end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mlsys import clock
from mlsys.errors import UsageError
from mlsys.watchdog.acknowledged import (
    Acknowledgement,
    acknowledge,
    acknowledged,
    require_cause,
    with_acknowledgements,
    withdraw,
)
from mlsys.watchdog.sign import Sign

FROZEN = Sign(cause="source", pipeline="shop", ok=False, sentence="Frozen.")


def given(pipeline: str = "shop", *, reason: str = "The shop moves.", hours: float = 3) -> Acknowledgement:
    until = clock.now() + timedelta(hours=hours)
    return Acknowledgement(cause="source", pipeline=pipeline, who="ada", reason=reason, until=until)


def test_the_trouble_is_shown_and_alarms_nobody(tmp_path: Path) -> None:
    acknowledge(tmp_path, given())
    other = FROZEN.model_copy(update={"pipeline": "leads"})
    well = FROZEN.model_copy(update={"ok": True})
    mine, others, fine = with_acknowledgements([FROZEN, other, well], acknowledged(tmp_path))
    assert (mine.alarms, others.alarms, fine.alarms) == (False, True, False)
    assert "ada knows until 20" in str(mine.acknowledged)
    assert "The shop moves." in str(mine.acknowledged)


def test_after_its_end_it_alarms_again(tmp_path: Path) -> None:
    acknowledge(tmp_path, given())
    assert acknowledged(tmp_path, at=clock.now() + timedelta(hours=4)) == []


def test_a_second_one_takes_the_place_of_the_first_and_is_withdrawn(tmp_path: Path) -> None:
    acknowledge(tmp_path, given())
    acknowledge(tmp_path, given("leads"))
    acknowledge(tmp_path, given(reason="Longer."))
    assert sorted(one.reason for one in acknowledged(tmp_path)) == ["Longer.", "The shop moves."]
    withdraw(tmp_path, "source", "shop")
    assert [one.pipeline for one in acknowledged(tmp_path)] == ["leads"]
    with pytest.raises(UsageError, match="Nobody has acknowledged this"):
        withdraw(tmp_path, "source", "shop")


def test_without_a_reason_or_an_end_ahead_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reason"):
        acknowledge(tmp_path, given(reason=" "))
    with pytest.raises(UsageError, match="future"):
        acknowledge(tmp_path, given(hours=-1))
    with pytest.raises(UsageError, match="clock, disk"):
        require_cause("weather")
    assert require_cause("labels") == "labels"
