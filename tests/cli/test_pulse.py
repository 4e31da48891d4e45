"""`mlsys pulse` and `acknowledge`: exit codes for cron, and what is printed where nothing is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest


def test_gauges_are_never_written_over_another_kind_of_file(mlsys, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id\n1\n")
    said = mlsys("pulse", "--textfile", str(tmp_path / "orders.csv"))
    assert said.code == 2
    assert "NAME.prom" in said.err
    assert (tmp_path / "orders.csv").read_text() == "id\n1\n"


@pytest.mark.slow
def test_a_trouble_leaves_4_until_somebody_knows_of_it(mlsys, changed: Path) -> None:
    found = mlsys("pulse", "--quiet", "--textfile", str(changed / "out" / "mlsys.prom"))
    assert found.code == 4
    assert found.out.startswith("TROUBLE  source shop: The source is frozen")
    assert "ok " not in found.out
    assert 'mlsys_trouble{cause="source",pipeline="shop"} 1.0' in (changed / "out" / "mlsys.prom").read_text()
    said = mlsys("acknowledge", "source", "shop", "--reason", "A shop of the past.", "--until", "3d")
    assert said.code == 0
    assert "A shop of the past." in said.out
    for sign in json.loads(mlsys("pulse", "--json").out)["signs"]:
        if not sign["ok"] and sign["cause"] != "source":
            assert mlsys("acknowledge", sign["cause"], sign["pipeline"], "--reason", "So.", "--until", "1h").code == 0
    quiet = mlsys("pulse", "--quiet")
    assert (quiet.code, quiet.out) == (0, "")
    whole = mlsys("pulse")
    assert "known    source shop: The source is frozen" in whole.out
    assert "A shop of the past." in whole.out
    assert f"Gauges: {changed / 'watchdog' / 'mlsys.prom'}" in whole.out
    assert mlsys("acknowledge", "source", "shop", "--withdraw").code == 0
    assert mlsys("pulse").code == 4


def test_the_last_look_is_asked_for_without_one(mlsys, fresh: Path) -> None:
    assert mlsys("pulse", "--last", "30m").code == 4
    assert mlsys("pulse").code == 0
    assert mlsys("pulse", "--last", "30m", "--quiet").out == ""
    assert "ago" in mlsys("pulse", "--last", "30m").out
    (fresh / "watchdog" / "pulse.json").write_text('{"at": "2026-01-01T00:00:00+00:00", "alarms": 0}')
    late = mlsys("pulse", "--last", "30m", "--json")
    assert (late.code, json.loads(late.out)["ok"]) == (4, False)


def test_in_a_container_it_stays_and_looks_again(mlsys, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def pause(seconds: float) -> None:
        assert seconds == 120
        looked.append((fresh / "watchdog" / "pulse.json").read_text())
        if len(looked) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", pause)
    mlsys("pulse", "--every", "2m", "--quiet")
    assert len(set(looked)) == 2


def test_what_is_not_whole_is_refused(mlsys, fresh: Path) -> None:
    assert "h or d" in mlsys("pulse", "--every", "often").err
    assert mlsys("pulse", "--every", "2m", "--last", "30m").code == 2
    assert "h or d" in mlsys("pulse", "--last", "soon").err
    assert mlsys("acknowledge", "weather", "--reason", "x", "--until", "1h").code == 2
    assert "has an end" in mlsys("acknowledge", "disk", "--reason", "x").err
    assert mlsys("acknowledge", "source", "nobody", "--reason", "x", "--until", "1h").code == 2
    assert mlsys("acknowledge", "disk", "--withdraw").code == 2
