"""One home in which the shop was retrained three times; tests look at it, or change a copy of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, enter_copy, make_shop

from mlsys.cli.main import invoke
from mlsys.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class Answer:
    """What a command line said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line of standard error."""
        return self.err.rstrip().rsplit("\n", 1)[-1]


def import_checks() -> None:
    """Import Great Expectations once for all runs of this process; a command imports it in a child of each run."""
    from mlsys.validation import data_docs

    data_docs.preload()


@pytest.fixture
def mlsys(
    capsys: pytest.CaptureFixture[str], logging_as_before: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Answer]:
    """Run a command line in this process, as on a wide terminal."""
    monkeypatch.setenv("COLUMNS", "240")

    def run(*arguments: str) -> Answer:
        if arguments[:1] == ("run",):
            import_checks()
        capsys.readouterr()
        code = invoke(list(arguments))
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three runs: version 1.0.0, a rejected challenger, and version 1.0.1 after the customers changed."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    make_shop(home, home / "pipelines", days=24)
    # A short window, so that the model of the last day knows the customers as they are now.
    split = {"kind": "time", "validation_days": 2, "holdout_days": 3, "train_window_days": 7}
    edit_spec(home / "pipelines", split=split)
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        import_checks()
        for index in (11, 12, 23):
            assert invoke(["run", "shop", "--day", str(day(index)), "--json"]) == 0
    return home


@pytest.fixture
def seen(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prepared home, for tests that only look."""
    enter(prepared, monkeypatch)
    return prepared


@pytest.fixture
def changed(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the prepared home, for tests that change something."""
    return enter_copy(prepared, tmp_path / "home", monkeypatch)


@pytest.fixture
def fresh(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and an empty folder of pipelines."""
    (home / "pipelines").mkdir()
    monkeypatch.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
    return home


@pytest.fixture
def work(changed: Path) -> Iterator[Workspace]:
    """The copied home, opened."""
    with open_workspace() as opened:
        yield opened


@pytest.fixture
def champion_file(work: Workspace) -> Path:
    """The stored file of the champion's model, in the copied home."""
    champion = work.ledger.champion("shop")
    assert champion is not None
    candidate = work.ledger.candidate(champion.candidate_id)
    assert candidate is not None
    assert candidate.model is not None
    return work.store.path(candidate.model)
