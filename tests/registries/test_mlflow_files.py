from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlsys.registries.base import Place
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.testing.registries import PIPELINE, make_release

REGISTRY = MlflowRegistry()


def client(place: Place):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=place.tracking_uri, registry_uri=place.tracking_uri)


def artifacts(home: Path) -> Path:
    return next((home / "mlartifacts" / PIPELINE / "models").glob("m-*")) / "artifacts"


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["gone", "changed", "half"])
def test_a_champion_whose_files_are_damaged_is_found_and_written_again(place: Place, damage: str) -> None:
    release = make_release(place.store, version="1.0.0")
    champion = release.candidate
    REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, champion.candidate_id, place)
    assert REGISTRY.damage(PIPELINE, champion, place) is None
    folder = artifacts(place.home)
    if damage == "gone":
        shutil.rmtree(folder.parents[1])
    elif damage == "changed":
        folder.joinpath("model.pkl").write_bytes(b"another")
    else:
        folder.joinpath("MLmodel").unlink()
    assert str(folder) in str(REGISTRY.damage(PIPELINE, champion, place))
    REGISTRY.publish(release, place)
    assert REGISTRY.damage(PIPELINE, champion, place) is None
    assert len(client(place).search_model_versions()) == 1


@pytest.mark.slow
def test_a_home_behind_a_link_may_move(place: Place, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    link = tmp_path / "current"
    link.symlink_to("one")
    through = replace(place, home=link)
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, through)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, through)
    (tmp_path / "one").rename(tmp_path / "two")
    link.unlink()
    link.symlink_to("two")
    assert REGISTRY.damage(PIPELINE, release.candidate, through) is None
    assert str(link) in client(through).get_model_version(PIPELINE, "1").source


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_home_that_was_moved_takes_its_models_along(
    place: Place, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        place = replace(place, tracking_uri=request.getfixturevalue("postgres_url"))
    before = replace(place, home=tmp_path / "before 100%")
    before.home.mkdir()
    first, second = (make_release(place.store, run, version=f"1.0.{run}") for run in (1, 2))
    REGISTRY.publish(first, before)
    REGISTRY.point(PIPELINE, first.candidate.candidate_id, before)
    now = replace(place, home=before.home.rename(tmp_path / "now"))
    assert "can't be read" in str(REGISTRY.damage(PIPELINE, first.candidate, now))
    REGISTRY.publish(second, now)
    assert REGISTRY.damage(PIPELINE, first.candidate, now) is None
    assert not before.home.exists()
    sources = [version.source for version in client(now).search_model_versions()]
    assert all(source.startswith((now.home / "mlartifacts").as_uri()) for source in sources)
    assert len(sources) == 2


@pytest.mark.slow
def test_models_of_another_home_that_is_there_stay_where_they_are(place: Place, tmp_path: Path) -> None:
    theirs = replace(place, home=tmp_path / "theirs")
    theirs.home.mkdir()
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, theirs)
    REGISTRY.publish(make_release(place.store, 2), place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    assert REGISTRY.damage(PIPELINE, release.candidate, place) is None


@pytest.mark.slow
@pytest.mark.parametrize("step", ["log_model_artifacts", "log_outputs", "finalize_logged_model"])
def test_half_a_model_is_gone_on_with(place: Place, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from mlflow import MlflowClient

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    release = make_release(place.store)
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, step, crash)
        with pytest.raises(KeyboardInterrupt):
            REGISTRY.publish(release, place)
    REGISTRY.publish(release, place)
    models = client(place).search_logged_models([client(place).get_experiment_by_name(PIPELINE).experiment_id])
    assert [str(model.status) for model in models] == ["READY"]
    assert len(list((place.home / "mlartifacts" / PIPELINE / "models").iterdir())) == 1
