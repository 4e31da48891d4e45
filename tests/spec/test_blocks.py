from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError

from mlsys.notification.outbox import Channel, Event, RunEvent
from mlsys.spec.blocks import MetricChoice, Notify, Schedule


@pytest.mark.parametrize(
    ("hour", "deadline", "allowed"),
    [
        (2, "06:00", timedelta(hours=4)),
        (2, "06:30", timedelta(hours=4, minutes=30)),
        (3, "02:00", timedelta(hours=23)),  # the next day's
        (2, "02:00", timedelta(days=1)),
        (2, "90m", timedelta(minutes=90)),
        (2, None, None),
    ],
)
def test_a_deadline_is_a_time_of_day_or_a_duration_after_the_start(
    hour: int, deadline: str | None, allowed: timedelta | None
) -> None:
    assert Schedule(hour=hour, deadline=deadline).allowed == allowed


def test_yaml_reads_a_bare_time_as_a_number_and_it_is_meant_as_a_time() -> None:
    read = yaml.safe_load("{hour: 2, deadline: 16:00}")
    assert read["deadline"] == 960
    assert Schedule(**read).deadline == "16:00"


@pytest.mark.parametrize("deadline", ["6:00", "24:00", "0s", True, 1440, -1, "soon"])
def test_another_deadline_is_refused_with_examples(deadline: object) -> None:
    with pytest.raises(ValidationError, match='such as "06:00", or a duration'):
        Schedule(deadline=deadline)  # type: ignore[arg-type]


def test_by_default_everything_is_logged_and_nothing_sent() -> None:
    assert all(Notify().wants(event) for kind in get_args(Event) for event in get_args(kind) or [kind])
    assert Notify().channels == ()


def test_channels_are_mails_and_a_webhook() -> None:
    found = Notify(email="ann@example.com", webhook=True).channels  # type: ignore[arg-type]
    assert found == (Channel(kind="email", to="ann@example.com"), Channel(kind="webhook", to="mlsys_webhook"))
    assert Notify(webhook="security_team").channels == (Channel(kind="webhook", to="security_team"),)


def test_one_event_may_stand_without_a_list() -> None:
    assert Notify(events="promoted").events == ("promoted",)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"events": ["promotd"]}, {"email": ["ann"]}, {"email": ["a b@c.de"]}, {"sms": "1"}])
def test_a_wrong_receiver_or_event_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Notify(**wrong)  # type: ignore[arg-type]


def test_what_counts_as_evidence_is_stored_where_it_is_not_as_ever() -> None:
    assert set(MetricChoice().model_dump()) == {"primary", "threshold", "replicates"}
    given = {"unit": "day", "group": "customer", "level": 0.99}
    assert given.items() <= MetricChoice.model_validate(given).model_dump().items()


@pytest.mark.parametrize("wrong", [{"unit": "week"}, {"level": 0.5}, {"level": 1.0}])
def test_another_unit_or_level_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MetricChoice.model_validate(wrong)


def test_events_of_serving_go_with_all_of_runs_and_change_no_stored_spec() -> None:
    of_runs = get_args(RunEvent)
    known = ["data_refused", "run_failed", "deadline_missed", "rejected", "promoted", "approval_wanted"]
    assert Notify().model_dump(mode="json")["events"] == known
    assert Notify().wants("champion_demoted")
    assert Notify(events=of_runs).wants("champion_not_served")
    assert not Notify(events=of_runs[1:]).wants("champion_demoted")
    assert Notify(events=("champion_demoted",)).wants("champion_demoted")
