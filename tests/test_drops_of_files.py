"""Drops in a folder: half-written, refused, late and announced files, and fifty of them at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from given.shop import FILES, day, drop, edit_spec, enter_copy, make_shop

from mlsys import clock, pipeline
from mlsys.planning.arrivals import QUIET, DayState, survey
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose orders come as one file a day; twelve days have come."""
    home = tmp_path_factory.mktemp("came") / "home"
    make_shop(home, home / "pipelines", days=0)
    edit_spec(home / "pipelines", source=FILES, registries=["files"])
    for index in range(12):
        drop(home, index)
    return home


@pytest.fixture(scope="module")
def retrained(came: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same shop after a run about its newest day."""
    with pytest.MonkeyPatch.context() as patched:
        home = enter_copy(came, tmp_path_factory.mktemp("retrained") / "home", patched)
        with open_workspace() as work:
            retrain(work, day(11))
    return home


@pytest.fixture
def work(came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of the shop in which twelve days have come, opened."""
    with entered(came, tmp_path / "home", monkeypatch) as opened:
        yield opened


@pytest.fixture
def answered(retrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of the shop whose newest day was answered by a run, opened."""
    with entered(retrained, tmp_path / "home", monkeypatch) as opened:
        yield opened


@contextmanager
def entered(template: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    enter_copy(template, home, monkeypatch)
    with open_workspace() as opened:
        yield opened


def retrain(work: Workspace, wanted: date) -> None:
    pipeline.run(work, RunRequest("shop", day=wanted))


def state(work: Workspace, index: int) -> DayState:
    found = survey(work, "shop").of(day(index))
    assert found is not None
    return found


def asked(work: Workspace, announced: date | None = None) -> date | None:
    ask = survey(work, "shop", announced=announced).ask
    return ask.day if ask else None


def test_the_first_look_asks_about_the_newest_file(work: Workspace) -> None:
    assert asked(work) == day(11)
    retrain(work, day(11))
    assert asked(work) is None


def test_a_file_that_was_just_written_is_left_alone_until_it_is_quiet(answered: Workspace, monkeypatch) -> None:
    drop(answered.home, 12, age=1, cut=500)
    assert asked(answered) is None
    assert state(answered, 12).state == "unfinished"
    later = clock.now() + QUIET
    monkeypatch.setattr(clock, "now", lambda: later)
    assert asked(answered) == day(12)


def test_a_file_with_a_time_in_the_future_is_taken_when_it_stays_the_same(answered: Workspace, monkeypatch) -> None:
    drop(answered.home, 12, age=-86400)
    assert asked(answered) is None
    later = clock.now() + QUIET
    monkeypatch.setattr(clock, "now", lambda: later)
    assert asked(answered) == day(12)


def test_a_file_that_goes_on_growing_is_never_taken(answered: Workspace, monkeypatch) -> None:
    for seconds in (0, 50, 100, 150):
        drop(answered.home, 12, age=-seconds, cut=500 - seconds)
        now = clock.now() + timedelta(seconds=50)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        assert asked(answered) is None


def test_days_before_an_unfinished_file_do_not_wait_for_it(answered: Workspace) -> None:
    drop(answered.home, 12)
    drop(answered.home, 13, age=1)
    drop(answered.home, 14)
    assert asked(answered) == day(12)
    assert state(answered, 14).state == "waiting"
    assert f"would read {day(13)}" in state(answered, 14).sentence


def test_an_unfinished_file_of_an_answered_day_holds_up_the_newer_ones(answered: Workspace) -> None:
    drop(answered.home, 11, age=1)
    drop(answered.home, 12)
    assert asked(answered) is None
    assert state(answered, 12).state == "waiting"


def test_a_file_that_the_reader_refuses_is_told_once(answered: Workspace) -> None:
    path = drop(answered.home, 12)
    path.write_bytes(path.read_bytes() + b'"never closed')
    os.utime(path, (1, 1))
    first, second = survey(answered, "shop"), survey(answered, "shop")
    assert (first.ask, second.ask) == (None, None)
    assert (len(first.news), len(second.news)) == (1, 0)
    assert path.name in first.news[0]
    assert state(answered, 12).state == "refused"
    drop(answered.home, 12)
    assert asked(answered) == day(12)


def test_names_of_unfinished_files_are_no_files(work: Workspace) -> None:
    path = drop(work.home, 12)
    edit_spec(work.home / "pipelines", source={**FILES, "path": "${MLSYS_HOME}/incoming/*"})
    for ending in (".part", ".tmp", ".filepart", "~"):
        path.replace(path.with_name(path.name + ending))
        path = path.with_name(path.name + ending)
        assert asked(work) == day(11)
        path.replace(path.with_name(path.name.removesuffix(ending)))
        path = path.with_name(path.name.removesuffix(ending))
    assert asked(work) == day(12)


def test_whoever_announces_a_day_vouches_for_its_file(answered: Workspace) -> None:
    drop(answered.home, 12, age=1)
    assert asked(answered, announced=day(12)) == day(12)


def test_a_file_that_came_too_late_for_any_run_is_named(work: Workspace) -> None:
    gone = drop(work.home, 3)
    content = gone.read_bytes()
    gone.unlink()
    retrain(work, day(11))
    gone.write_bytes(content)
    os.utime(gone, (1, 1))
    assert asked(work) is None
    assert state(work, 3).state == "too_late"


def test_the_same_file_again_is_no_drop(answered: Workspace) -> None:
    drop(answered.home, 11, age=120)
    assert asked(answered) is None


def test_fifty_days_at_once_are_two_runs_when_one_of_them_is_half_written(work: Workspace) -> None:
    for index in range(12, 50):
        drop(work.home, index, age=1 if index == 30 else 3600)
    assert asked(work) == day(29)
    retrain(work, day(29))
    assert asked(work) is None
    drop(work.home, 30)
    assert asked(work) == day(49)
    retrain(work, day(49))
    assert survey(work, "shop").counts == {"answered": 50}
    days = [row.day for row in work.ledger.requests("shop")]
    assert days == [str(day(29)), str(day(49))]


def test_an_empty_folder_is_told_once(work: Workspace) -> None:
    for path in (work.home / "incoming").iterdir():
        path.unlink()
    assert ["No file matches" in news for news in survey(work, "shop").news] == [True]
    assert survey(work, "shop").news == ()


def test_a_damaged_memory_is_no_harm(work: Workspace) -> None:
    survey(work, "shop")
    (work.home / "drops" / "shop.json").write_text("{")
    assert asked(work) == day(11)
