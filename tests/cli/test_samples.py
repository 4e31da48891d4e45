"""`mlsys samples make`."""

from __future__ import annotations

import pytest


def test_a_sample_is_made_below_the_home(mlsys, fresh) -> None:
    answer = mlsys("samples", "make", "leads", "--days", "2")
    assert answer.code == 0
    assert answer.out.startswith("leads: ")
    assert list((fresh / "samples").rglob("*.csv"))


def test_a_sample_is_made_where_one_wants_it(mlsys, fresh, tmp_path) -> None:
    assert mlsys("samples", "make", "leads", "--days", "1", "--into", str(tmp_path / "there")).code == 0
    assert list((tmp_path / "there").rglob("*.csv"))
    assert not (fresh / "samples").exists()


def test_an_unknown_sample_gets_the_nearest_name(mlsys, fresh) -> None:
    answer = mlsys("samples", "make", "phising")
    assert answer.code == 2
    assert "There is no sample 'phising'. Did you mean 'phishing'?" in answer.err
    assert not (fresh / "samples").exists()


@pytest.mark.slow
def test_without_a_name_all_samples_are_made(mlsys, fresh) -> None:
    answer = mlsys("samples", "make", "--days", "1")
    assert answer.code == 0
    assert [line.split(":")[0] for line in answer.out.splitlines()] == ["leads", "phishing"]


@pytest.mark.slow
def test_the_demo_makes_the_data_of_every_sample_that_has_a_spec_its_own_first(mlsys, home, monkeypatch) -> None:
    from mlsys.cli import demo
    from mlsys.settings import load_settings

    monkeypatch.setattr(demo, "DAYS", 1)
    monkeypatch.setenv("MLSYS_HOME", str(home / "new"))
    first, second = demo._samples(load_settings())
    assert "phishing.db" in first
    assert "leads" in second
    assert (home / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@pytest.mark.parametrize("name", ["leads", "phishing"])
def test_a_sample_that_was_not_made_is_named_by_its_command(mlsys, home, name) -> None:
    answer = mlsys("check", name)
    assert answer.code == 3
    assert f"Make the sample: `mlsys samples make {name}`" in answer.out
