"""One file for the auditor: whole, the same every time, never half, never over another one, and quick to refuse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from datetime import date
from pathlib import Path

import pytest
from given.forger import forge, other_reason

from mlsys import clock
from mlsys.audit import export, verify
from mlsys.errors import UsageError
from mlsys.ledger import RequestRow

pytestmark = pytest.mark.slow


def test_an_export_is_whole_and_the_same_every_time(work, tmp_path: Path) -> None:
    one = export.audit(work, "shop", out=tmp_path / "one.zip")
    two = export.audit(work, "shop", out=tmp_path / "deep" / "two.zip")
    assert one.wrong == ()
    assert (one.sha256, one.n_decisions, one.n_versions, one.n_reports) == (two.sha256, 2, 1, 2)
    assert one.n_anchors == 3
    assert one.missing == ()
    with zipfile.ZipFile(one.path) as zipped:
        names = set(zipped.namelist())
        card = zipped.read("versions/0001-v1.0.0.html").decode()
        index = zipped.read("index.html").decode()
        table = zipped.read("decisions.csv").decode().splitlines()
    assert {"index.html", "verify.py", "chain.jsonl", "anchors.json", "manifest.json"} < names
    assert "Will this order come back?" in card
    assert "What was decided, and why" in index
    assert len(table) == 3
    assert table[1].split(",")[5] == "promote"


def test_only_decisions_of_the_range_are_told_and_the_chain_ends_with_it(work, tmp_path: Path) -> None:
    today = clock.now().date()
    found = export.audit(work, "shop", out=tmp_path / "x.zip", first=today, last=today)
    assert (found.n_decisions, found.wrong) == (2, ())
    with pytest.raises(UsageError, match="nothing about this pipeline"):
        export.audit(work, "shop", out=tmp_path / "y.zip", last=date(2020, 1, 1))
    with pytest.raises(UsageError, match="first day lies after"):
        export.audit(work, "shop", out=tmp_path / "y.zip", first=today, last=date(2020, 1, 1))
    later = export.audit(work, "shop", out=tmp_path / "z.zip", first=date(2100, 1, 1))
    assert (later.n_decisions, later.n_versions, later.wrong) == (0, 1, ())
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["x.zip", "z.zip"]


def test_nothing_is_written_over(work, tmp_path: Path) -> None:
    out = tmp_path / "x.zip"
    out.write_bytes(b"mine")
    with pytest.raises(UsageError, match="never written over"):
        export.audit(work, "shop", out=out)
    assert out.read_bytes() == b"mine"


def test_a_file_made_meanwhile_stays(work, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "x.zip"
    checked = verify.verify
    monkeypatch.setattr(verify, "verify", lambda place: (out.write_bytes(b"mine"), checked(place))[1])
    with pytest.raises(UsageError, match="made by somebody else"):
        export.audit(work, "shop", out=out)
    assert out.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["x.zip"]


def test_what_is_gone_is_said(work, tmp_path: Path) -> None:
    run_id = work.ledger.champion("shop").run_id
    (work.home / "reports" / "shop" / f"{run_id}.html").unlink()
    found = export.audit(work, "shop", out=tmp_path / "x.zip")
    assert found.missing == (f"the report card of run {run_id}",)
    assert found.wrong == ()


def test_a_rewritten_chain_is_exported_and_said(work, tmp_path: Path) -> None:
    forge(work.home, "shop", other_reason)
    found = export.audit(work, "shop", out=tmp_path / "x.zip")
    assert any("the chain was rewritten" in text for text in found.wrong)
    assert found.path.is_file()


def test_the_verifier_needs_python_alone(work, tmp_path: Path) -> None:
    found = export.audit(work, "shop", out=tmp_path / "x.zip")
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(found.path) as zipped:
        zipped.extractall(folder)
    script = [sys.executable, "-I", "-S", str(folder / "verify.py")]
    for arguments in ([str(found.path)], []):
        done = subprocess.run([*script, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "whole" in done.stdout.splitlines()[-1]
    (folder / "decisions.csv").write_text("nothing was ever decided\n")
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "WRONG  decisions.csv does not say what the chain says" in done.stdout


def test_a_killed_export_leaves_nothing_under_its_name(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "exports" / "x.zip"
    code = "import mlsys.audit.verify as v, time; v.verify = lambda _: time.sleep(60)\n"
    code += "from mlsys.cli.main import invoke; invoke(['audit', 'shop', '--out', " + repr(str(out)) + "])"
    process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))
    until = time.monotonic() + 60
    while not list(out.parent.glob(".tmp-mlsys-*")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        export.audit(work, "shop", out=out)
    assert [path.name for path in out.parent.iterdir()] == ["x.zip"]


@pytest.mark.parametrize("n", [300, pytest.param(30_000, marks=pytest.mark.long)])
def test_a_long_past_needs_no_more_memory(n: int, work, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("mlsys.ledger.anchors._AT_ONCE", 50)
    with work.ledger.engine.begin() as connection:
        from mlsys.ledger import chain, tables

        before = chain.newest(connection, "shop")
        rows = []
        for number in range(n):
            one = RequestRow(
                request_id=f"r{number}", run_id=None, status="skipped", sentence="x" * 3000, mode="live", asked_by="cli"
            )
            named = {"request_id": one.request_id, "run_id": None, "status": one.status, "reason": None}
            row, before = chain.linked(before, tables.requests, "shop", named, one.dump())
            rows.append(row)
        connection.execute(tables.requests.insert(), rows)
    del rows
    tracemalloc.start()
    found = export.audit(work, "shop", out=tmp_path / "x.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.wrong == ()
    assert peak < 8_000_000 + 100 * n  # the rows alone have 3,000 bytes each
