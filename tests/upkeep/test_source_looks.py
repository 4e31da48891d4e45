"""A look at a source takes a bounded time, and says whether a run could read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Literal

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys.sources.base import Drop, ReadRequest, Source
from mlsys.spec import Spec, load_spec
from mlsys.upkeep.source_looks import look


class Odd(Source):
    """A source that hangs, or raises what nobody foresaw."""

    kind: Literal["odd"] = "odd"
    hangs: bool = False

    @property
    def timed(self) -> bool:
        """Its rows have a day."""
        return True

    def newest(self, request: ReadRequest) -> datetime | None:
        """Hang, or raise."""
        if self.hangs:
            Event().wait(30)
        raise ZeroDivisionError(f"oops {request.arrival}")

    def read(self, request: ReadRequest) -> Iterator[Drop]:
        """Return nothing."""
        return iter(())


@pytest.fixture
def new(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop in which nothing ran yet."""
    make_shop(home, home / "pipelines", days=3)
    enter(home, monkeypatch)
    return home


def spec_of(home: Path) -> Spec:
    return load_spec(home / "pipelines" / "shop.yaml")


def test_the_newest_day_of_a_source_is_said(new: Path) -> None:
    found = look(spec_of(new))
    assert (found.subject, found.ok) == ("source shop", True)
    assert f"its newest complete day is {day(2)}" in found.sentence


def test_a_source_that_is_gone_is_a_problem(new: Path) -> None:
    (new / "shop.db").unlink()
    found = look(spec_of(new))
    assert not found.ok
    assert "There is no such database file" in found.sentence


def test_a_source_without_time_is_read_a_little(new: Path) -> None:
    source = {"kind": "sql", "url": "sqlite:///${MLSYS_HOME}/shop.db", "table": "orders"}
    edit_spec(new / "pipelines", source=source, split={"kind": "hash"})
    assert look(spec_of(new)).sentence == "can be read; its rows have no time"


@pytest.mark.parametrize(
    ("odd", "says"),
    [(Odd(hangs=True), "did not answer in 0.1 s"), (Odd(), "can't be read: ZeroDivisionError: 'oops None'")],
)
def test_a_source_that_hangs_or_fails_in_its_own_way_is_one_problem(new: Path, odd: Odd, says: str) -> None:
    found = look(spec_of(new).model_copy(update={"source": odd}), seconds=0.1 if odd.hangs else 30.0)
    assert not found.ok
    assert says in found.sentence
