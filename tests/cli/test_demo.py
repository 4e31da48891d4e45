"""`make demo`: what it makes before it starts, and what it tells at its end."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from mlsys.cli import demo
from mlsys.orchestration.stack.stack import Access
from mlsys.settings import load_settings

FOUND = Access("http://localhost:1", "http://localhost:1/mlsys/", "http://localhost:2", "admin", "secret")


@pytest.mark.slow
def test_the_data_of_every_sample_that_has_a_spec_is_made_its_own_first(home, monkeypatch) -> None:
    monkeypatch.setattr(demo, "DAYS", 1)
    monkeypatch.setenv("MLSYS_HOME", str(home / "new"))
    first, *others = demo._samples(load_settings())
    assert "phishing.db" in first
    assert any("leads" in sentence for sentence in others)
    assert not any("flights" in sentence for sentence in others)
    assert (home / "new").stat().st_mode & 0o777 == 0o700


def test_every_page_is_named_when_the_run_is_over(home, monkeypatch, capsys) -> None:
    @contextmanager
    def up(_settings):
        yield FOUND

    monkeypatch.setattr(demo, "_samples", lambda _settings: [])
    monkeypatch.setattr(demo, "_stack", up)
    monkeypatch.setattr(demo, "_retrain", lambda *_: 0)
    monkeypatch.setattr(demo.stack, "connect", up)
    monkeypatch.setattr(demo.stack, "wait_until_ready", lambda *_, **__: None)
    assert demo.demo.main(["--once"], standalone_mode=False) == 0
    said = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert said["Models"] == FOUND.models
    assert said["Airflow"] == f"{FOUND.airflow}/dags/retrain_phishing"
    assert said["MLflow"] == f"{FOUND.mlflow}/#/models/phishing"
