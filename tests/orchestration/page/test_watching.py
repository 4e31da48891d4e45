"""An alias or a link that somebody moved by hand is noticed by the next look, and the page says so."""

from __future__ import annotations

import threading

import pytest

from mlsys.orchestration.page import glances as seen
from mlsys.orchestration.page import watching

pytestmark = pytest.mark.slow


def test_a_link_that_is_gone_is_noticed_and_its_mending_too(work, monkeypatch, caplog) -> None:
    monkeypatch.setattr(watching, "_found", {})
    monkeypatch.setattr(seen, "_seen", {})
    watching.look(work)
    assert watching.differing(work.home, "shop") == ()
    assert seen.glances(work, ["shop"])[0].standing.differs is None
    link = work.home / "registry" / "shop" / "best_model.joblib"
    target = link.readlink()
    link.unlink()
    watching.look(work)
    assert "files shows no champion" in watching.differing(work.home, "shop")[0]
    glance = seen.glances(work, ["shop"])[0]
    assert "files shows no champion" in str(glance.standing.differs)
    assert glance.standing.happened.startswith("shop: files shows no champion")
    link.symlink_to(target)
    watching.look(work)
    assert watching.differing(work.home, "shop") == ()


def test_it_looks_until_it_is_told_to_stop_and_makes_no_home(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.01)
    stop = threading.Event()
    thread = threading.Thread(target=watching.watch, args=(stop,))
    thread.start()
    threading.Event().wait(0.1)
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert not (tmp_path / "home").exists()
