"""Over random histories: what a kept run, a champion of any time or a run to come needs survives; the rest goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from given.histories import Night, tell
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlsys import clock
from mlsys.ledger import Ledger
from mlsys.upkeep.retention import Limits, clean
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

LIMITS = Limits(runs=90, predictions=180)
NIGHTS = st.lists(
    st.builds(
        Night,
        age=st.integers(2, 300),
        days=st.sets(st.integers(0, 4), min_size=1).map(lambda days: tuple(sorted(days))),
        mode=st.sampled_from(["live", "dry", "simulate"]),
        n_candidates=st.integers(1, 3),
        again=st.booleans(),
        crowns=st.booleans(),
        rolls_back=st.booleans(),
        scores=st.booleans(),
    ),
    min_size=1,
    max_size=9,
)
OLD_AND_YOUNG = [
    Night(age=250, days=(0, 1), crowns=True),
    Night(age=200, days=(1,), crowns=True),
    Night(age=160, days=(4,), scores=True),
    Night(age=150, days=(1, 2, 4)),
    Night(age=120, mode="simulate", again=True),
    Night(age=100, days=(2,), rolls_back=True),
    Night(age=20, mode="dry", again=True),
    Night(age=10, days=(0, 3), n_candidates=3),
]


def bytes_in(home: Path) -> int:
    return sum(
        path.stat().st_size for path in home.rglob("*") if path.is_file() and path.suffix not in (".db", ".lock")
    )


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the tables of a ledger and nothing in them."""
    home = tmp_path_factory.mktemp("empty") / "home"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLSYS_HOME", str(home))
        patched.setenv("MLSYS_DATABASE", "sqlite")
        with open_workspace():
            pass
    return home


@pytest.fixture
def fresh(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    def copied() -> Path:
        home = tmp_path / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(empty, home)
        monkeypatch.setenv("MLSYS_HOME", str(home))
        monkeypatch.setenv("MLSYS_DATABASE", "sqlite")
        return home

    return copied


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(nights=NIGHTS)
@example(nights=OLD_AND_YOUNG)
def test_what_is_needed_survives_and_the_rest_goes(
    nights: list[Night], fresh: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = fresh()
    with open_workspace() as work:
        told = tell(work, nights, monkeypatch)
        rows, before = work.ledger.verify("story"), bytes_in(home)
        foreseen = clean(work, LIMITS)
        assert bytes_in(home) == before
        done = clean(work, LIMITS, apply=True)

        assert done.shares == foreseen.shares
        assert before - bytes_in(home) == done.n_bytes
        runs = clock.now() - timedelta(days=LIMITS.runs)
        needed = told.needed(runs=runs, predictions=clock.now() - timedelta(days=LIMITS.predictions))
        assert [digest for digest in needed if not _there(work, digest)] == []
        assert [digest for digest in told.losers(runs=runs) if _there(work, digest)] == []
        assert work.ledger.verify("story") == rows
        assert clean(work, LIMITS, apply=True).n_bytes == 0


def test_an_old_history_has_something_of_every_sort(fresh: Callable[[], Path], monkeypatch) -> None:
    fresh()
    with open_workspace() as work:
        tell(work, OLD_AND_YOUNG, monkeypatch)
        found = {share.name: share.n_files for share in clean(work, Limits(runs=15, predictions=60)).shares}
    for sort in ("prediction indexes", "segments of data", "notes on segments", "models", "records"):
        assert found[sort] > 0, sort


def test_another_process_can_read_the_ledger_meanwhile(fresh: Callable[[], Path], monkeypatch) -> None:
    home = fresh()
    with open_workspace() as work:
        tell(work, OLD_AND_YOUNG, monkeypatch)
        with work.ledger.cleaning(), closing(Ledger(f"sqlite:///{home}/mlsys.db")) as another:
            assert another.champion("story") is not None


def _there(work: Workspace, digest: str) -> bool:
    return (work.store.root / digest[:2] / digest[2:]).exists()
