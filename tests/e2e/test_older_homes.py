"""Homes that earlier releases made, opened by this one: what they knew stays, and the next night builds on it.

`tests/given/homes/` holds an archive per release and database, and the scripts that made them; `known.json` in each is
what the release itself said of its home. The archives are never made anew: that would test nothing.
"""

from __future__ import annotations

import json
import pickletools
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import psycopg2
import pytest

from mlsys.cli.main import invoke
from mlsys.database import embedded
from mlsys.monitoring.monitoring import monitor
from mlsys.notification.outbox import Outbox
from mlsys.workspace import open_workspace

ARCHIVES = sorted((Path(__file__).parents[1] / "given" / "homes").glob("*.tar.xz"))
NEXT = "2026-05-25"  # the day that no run of the archives has seen
ROWS_PER_DAY = 60

# The lock has another XGBoost for other versions of Python; it reads the models of the older one, and says so.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*If you are loading a serialized model")]


@dataclass(frozen=True)
class Old:
    """An unpacked home, and what its release said of it: by pipeline, and the scores of these rows."""

    home: Path
    known: dict[str, dict[str, Any]]
    rows: pd.DataFrame

    @property
    def shop(self) -> dict[str, Any]:
        """What was known of the pipeline `shop`."""
        return self.known["shop"]

    @property
    def champion(self) -> str:
        """The candidate that served the shop."""
        return str(self.shop["changes"][-1][1])


@contextmanager
def opened(archive: Path, home: Path) -> Iterator[Old]:
    """Unpack an archive and make it the home of this process; which database it has is for the home to say."""
    has_server = "embedded" in archive.name
    if has_server and not embedded.available():
        pytest.skip("this platform has no binaries of the embedded Postgres")
    with tarfile.open(archive) as packed:
        packed.extractall(home, filter="data")
    for path in home.rglob("*"):
        if path.is_file() and b"@HOME@" in (content := path.read_bytes()):
            path.write_bytes(content.replace(b"@HOME@", str(home).encode()))
    with ExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setenv("MLSYS_HOME", str(home))
        patched.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
        patched.setenv("MLSYS_LOG_LEVEL", "WARNING")
        if has_server:
            stack.callback(embedded.remove, home)
        load_databases(home, stack.enter_context(embedded.running(home)) if has_server else None)
        known = json.loads((home / "known.json").read_text())
        yield Old(home, known["pipelines"], pd.DataFrame(known["rows"]).astype({"channel": object}))


def load_databases(home: Path, server: embedded.Server | None) -> None:
    """Fill the databases of an unpacked home from its SQL."""
    for path in home.glob("*.sql"):
        if server is None:
            with closing(sqlite3.connect(path.with_suffix(".db"))) as file:
                file.executescript(path.read_text())
        else:
            url = server.url(path.stem).replace("postgresql+psycopg2", "postgresql")
            with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
                cursor.execute(path.read_text())
        path.unlink()


def by_archive(scope: Any, *more: pytest.MarkDecorator) -> Any:
    """Return a decorator that makes a fixture of each archive; `more` marks are for those with a Postgres."""
    marks = {archive: [pytest.mark.postgres, *more] if "embedded" in archive.name else [] for archive in ARCHIVES}
    params = [pytest.param(a, id=a.name.removesuffix(".tar.xz"), marks=marks[a]) for a in ARCHIVES]
    return pytest.fixture(scope=scope, params=params)


@by_archive("module", pytest.mark.long)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    """An older home, for tests that only look."""
    with opened(request.param, tmp_path_factory.mktemp("older") / "home") as found:
        yield found


@by_archive("function")
def changed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """An older home of its own, for a test that goes on with it."""
    with opened(request.param, tmp_path / "home") as found:
        yield found


@pytest.fixture
def mlsys(capsys: pytest.CaptureFixture[str], logging_as_before: None) -> Callable[..., str]:
    """Run a command that has to end well, and return what it printed."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        code, (out, err) = invoke(list(arguments)), capsys.readouterr()
        problems = [line for line in out.splitlines() if line.startswith("PROBLEM")]
        # What these homes tell is true: their data are old by now, and the champion of before is weak.
        told = bool(problems) and all(line.startswith(("PROBLEM  newest run", "PROBLEM  data")) for line in problems)
        assert code == (4 if told else 0), f"{arguments}\n{out}\n{err}"
        return out

    return run


def test_it_opens_whole_and_its_registries_agree(mlsys: Callable[..., str], seen: Old) -> None:
    said = mlsys("doctor")
    for name, known in seen.known.items():
        whole = f"ok       ledger {name}: {known['rows']} rows, unbroken chain"
        assert f"{whole}; nothing outside the ledger remembers it (the next decision will be remembered)\n" in said
        assert f"ok       champion {name}: {known['changes'][-1][0]}, its model file is whole\n" in said
        assert f"ok       registries {name}: agree with the ledger\n" in said
        mended = mlsys("reconcile", name).splitlines()  # tags that the release did not set, or in other words
        harmless = ("other tags are set: mlsys.outcome", "has other tags: mlsys.outcome", "say what the ledger says")
        assert all(line.endswith(harmless) for line in mended), mended
        assert mlsys("reconcile", name) == f"{name}: the registries say what the ledger says\n"


def test_its_champions_and_its_history_are_known(mlsys: Callable[..., str], seen: Old) -> None:
    version, candidate, _, since = seen.shop["changes"][-1]
    assert mlsys("champion", "shop").startswith(f"shop {version}: {candidate}\n")
    before = datetime.fromisoformat(since) - timedelta(microseconds=1)
    assert mlsys("champion", "shop", "--at", before.isoformat()).startswith(f"shop {seen.shop['changes'][-2][0]}: ")
    history = mlsys("history", "shop")
    for _, candidate, kind, _ in seen.shop["changes"]:
        assert candidate in history
        assert kind in history
    with open_workspace() as work:
        for name, known in seen.known.items():
            assert len(work.ledger.requests(name)) == known["requests"]
            assert [[d.run_id, d.outcome, d.sentence] for d in work.ledger.decisions(name)] == known["outcomes"]
            assert {row.run_id: row.status for row in work.ledger.runs(name)} == known["runs"]


@pytest.mark.long
def test_the_report_card_of_every_run_can_be_written_again(mlsys: Callable[..., str], seen: Old) -> None:
    shutil.rmtree(seen.home / "reports" / "shop")
    for run_id, status in seen.shop["runs"].items():
        mlsys("report", run_id)
        card = (seen.home / "reports" / "shop" / f"{run_id}.html").read_text()
        assert run_id in card
        assert ("was refused" in card) == (status == "failed")


def test_a_notice_that_waits_can_be_delivered(seen: Old) -> None:
    told: list[str] = []
    assert Outbox(seen.home).deliver(lambda channel, notice: told.append(f"{channel.to}: {notice.subject}")) == 0
    assert told == ["returns@shop.example: [mlsys] shop: rejected"]


def test_its_models_load_and_score_as_they_did(seen: Old) -> None:
    with open_workspace() as work:
        for digest, scores in seen.shop["models"].values():
            model = joblib.load(work.store.path(digest))
            assert model.predict_proba(seen.rows)[:, 1].tolist() == pytest.approx(scores, abs=1e-9)
    served = joblib.load(seen.home / "registry" / "shop" / "best_model.joblib")
    known = seen.shop["models"][seen.champion][1]
    assert served.predict_proba(seen.rows)[:, 1].tolist() == pytest.approx(known, abs=1e-9)


def test_the_next_night_is_judged_against_its_champion(mlsys: Callable[..., str], changed: Old) -> None:
    _, last, n_partitions, n_rows = changed.shop["days"]
    forget_before(changed.home, "2026-05-22")
    assert mlsys("check", "shop") == "shop: ok\n"
    said = json.loads(mlsys("run", "shop", "--day", NEXT, "--json"))
    assert said["decision"]["outcome"] in ("promote", "reject")
    assert said["decision"]["champion"] == changed.champion
    (compared,) = (gate for gate in said["decision"]["gates"] if gate["gate"] == "better_than_champion")
    assert compared["observed"] is not None
    assert "than the champion on" in compared["sentence"]
    assert last < said["snapshot"]["last_day"] == NEXT
    assert (said["snapshot"]["n_partitions"], said["snapshot"]["n_rows"]) == (n_partitions + 1, n_rows + ROWS_PER_DAY)
    assert json.loads(mlsys("run", "shop", "--day", NEXT, "--json"))["reason"] == "unchanged"
    assert "unbroken chain" in mlsys("doctor")
    assert modules_of_mlsys(changed.home / "store") == set()


@pytest.mark.long
def test_it_is_rolled_back_watched_and_walked_again(mlsys: Callable[..., str], changed: Old) -> None:
    version, candidate, _, _ = changed.shop["changes"][0]
    said = mlsys("rollback", "shop", "--to", version, "--reason", "The first one was better")
    assert said.startswith(f"shop: {candidate} serves as version {version} (rollback).\n")
    assert (changed.home / "registry" / "shop" / "best_model.joblib").readlink().parts[0] == f"v{version}"
    with open_workspace() as work:
        report = monitor(work, "shop", day=NEXT)
    assert report.champion == candidate
    assert report.n_windows == 3  # those before were looked at by the release
    done = json.loads(mlsys("backfill", "shop", "--from", "2026-05-15", "--to", "2026-05-16", "--json"))
    assert sum(done["counts"].values()) == 2
    assert "failed" not in done["counts"]
    assert (changed.home / done["report"]["path"]).exists()
    assert "registries shop: agree with the ledger" in mlsys("doctor")


def forget_before(home: Path, day: str) -> None:
    """Let the source keep alone what a night reads, as many do; the days before are in the home only."""
    with closing(sqlite3.connect(home / "shop.db")) as shop, shop:
        shop.execute("DELETE FROM orders WHERE placed_at < ?", [day])


def modules_of_mlsys(store: Path) -> set[str]:
    """Return the modules of mlsys that model files name: none could be loaded once one of them has moved."""
    found = set()
    for path in store.rglob("*"):
        if path.is_file() and (content := path.read_bytes()).startswith(b"\x80\x04"):
            texts = (argument for _, argument, _ in pickletools.genops(content) if isinstance(argument, str))
            found |= {text for text in texts if text.split(".")[0] == "mlsys"}
    return found
