from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import yaml

from mlsys.errors import IntegrityError, RunError
from mlsys.records import ChainAnchor
from mlsys.registries.base import Place, Shown
from mlsys.registries.files import FileRegistry
from mlsys.testing.registries import PIPELINE, fitted_pipeline, make_release, rows

REGISTRY = FileRegistry()


def folder(place: Place) -> Path:
    return place.home / "registry" / PIPELINE


@pytest.mark.slow
def test_the_folder_of_a_version_is_complete(place: Place) -> None:
    REGISTRY.publish(make_release(place.store, version="1.0.0"), place)
    names = {path.name for path in (folder(place) / "v1.0.0").iterdir()}
    assert names == {"model.joblib", "metrics.json", "spec.yaml", "release.json", "requirements.txt"}


@pytest.mark.slow
def test_joblib_loads_the_linked_model(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    model = joblib.load(folder(place) / "best_model.joblib")
    expected = fitted_pipeline(10).predict_proba(rows())
    np.testing.assert_array_equal(model.predict_proba(rows()), expected)


def test_the_link_is_relative(place: Place) -> None:
    release = make_release(place.store, version="1.2.3")
    REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    assert (folder(place) / "best_model.joblib").readlink() == Path("v1.2.3/model.joblib")


def test_the_model_is_the_one_in_the_ledger(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    record = json.loads((folder(place) / "v1.0.0" / "release.json").read_text())
    data = (folder(place) / "v1.0.0" / "model.joblib").read_bytes()
    assert hashlib.sha256(data).hexdigest() == record["sha256"] == release.candidate.model
    assert record["last_day"] == str(release.plan.day)


def test_the_spec_is_yaml_that_people_read(place: Place) -> None:
    REGISTRY.publish(make_release(place.store, version="1.0.0"), place)
    spec = yaml.safe_load((folder(place) / "v1.0.0" / "spec.yaml").read_text())
    assert spec["pipeline"] == PIPELINE


def test_publishing_again_changes_no_byte(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    before = {path: path.stat().st_mtime_ns for path in folder(place).rglob("*")}
    REGISTRY.publish(release, place)
    assert {path: path.stat().st_mtime_ns for path in folder(place).rglob("*")} == before


def test_a_version_is_never_overwritten(place: Place) -> None:
    REGISTRY.publish(make_release(place.store, 1, version="1.0.0"), place)
    with pytest.raises(IntegrityError, match="another candidate"):
        REGISTRY.publish(make_release(place.store, 2, version="1.0.0"), place)


def test_a_candidate_that_was_never_promoted_is_refused(place: Place) -> None:
    with pytest.raises(RunError, match="promoted"):
        REGISTRY.publish(make_release(place.store), place)
    assert not folder(place).exists()


def test_an_interrupted_publication_leaves_no_version(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    release = make_release(place.store, version="1.0.0")
    with monkeypatch.context() as patched:
        patched.setattr("mlsys.registries.files.pinned_requirements", crash)
        with pytest.raises(KeyboardInterrupt):
            REGISTRY.publish(release, place)
    assert list(folder(place).iterdir()) == []
    assert REGISTRY.publish(release, place) == Shown("1.0.0")


def test_a_damaged_record_is_named_and_written_again(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    record = folder(place) / "v1.0.0" / "release.json"
    before = record.read_bytes()
    record.chmod(0o644)
    record.write_text("{")
    assert REGISTRY.differences(PIPELINE, [release], place) == [f"{record.parent}: release.json is damaged"]
    REGISTRY.publish(release, place)
    assert record.read_bytes() == before


@pytest.mark.slow
def test_every_way_in_which_a_folder_differs_is_named_and_mended(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    kept = folder(place) / "v1.0.0"
    before = {path.name: path.read_bytes() for path in kept.iterdir()}

    def said() -> str:
        return " ".join(REGISTRY.differences(PIPELINE, [release], place))

    assert said() == ""
    assert REGISTRY.copy_of(PIPELINE, release.candidate, place) == before["model.joblib"]
    for file, words in (("metrics.json", "metrics.json is missing"), ("model.joblib", "can't be read")):
        (kept / file).unlink()
        assert words in said()
        REGISTRY.publish(release, place)
    shutil.rmtree(kept)
    assert "the folder of this version is gone" in said()
    assert REGISTRY.copy_of(PIPELINE, release.candidate, place) is None
    REGISTRY.publish(release, place)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    other = replace(release, candidate=make_release(place.store, run=2).candidate)
    assert "release.json names another candidate_id" in " ".join(REGISTRY.differences(PIPELINE, [other], place))


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("metrics.json", '"value": 0.8', '"value": 0.9'),
        ("metrics.json", "{", "["),
        ("spec.yaml", "shop", "other"),
        ("spec.yaml", "pipeline:", "pipeline: ["),
        ("release.json", '"last_day": "2026-05-11"', '"last_day": "2026-05-12"'),
        ("release.json", '"kind": "logistic"', '"kind": "xgboost"'),
    ],
)
def test_a_file_that_says_something_else_is_named_and_written_again(
    place: Place, file: str, before: str, after: str
) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    kept = folder(place) / "v1.0.0" / file
    released = kept.read_text()
    assert before in released
    kept.chmod(0o644)
    kept.write_text(released.replace(before, after, 1))
    assert REGISTRY.differences(PIPELINE, [release], place) == [f"{kept.parent}: {file} is not as it was released"]
    REGISTRY.publish(release, place)
    assert kept.read_text() == released
    assert REGISTRY.differences(PIPELINE, [release], place) == []


def test_golden_predictions_are_those_of_the_store(place: Place) -> None:
    golden = place.store.put_json({"answers": [0.5]})
    release = replace(make_release(place.store, version="1.0.0"), golden=golden)
    REGISTRY.publish(release, place)
    kept = folder(place) / "v1.0.0" / "golden.json"
    kept.chmod(0o644)
    kept.write_text("{}")
    assert REGISTRY.differences(PIPELINE, [release], place) == [f"{kept.parent}: golden.json is not as it was released"]
    REGISTRY.publish(release, place)
    assert kept.read_bytes() == place.store.read_bytes(golden)


def test_what_an_older_mlsys_did_not_write_is_no_change(place: Place) -> None:
    release = make_release(place.store, version="1.0.0")
    REGISTRY.publish(release, place)
    kept = folder(place) / "v1.0.0" / "release.json"
    record = json.loads(kept.read_text())
    del record["training_key"], record["candidate"]["trials"]
    kept.chmod(0o644)
    kept.write_text(json.dumps(record))
    assert REGISTRY.differences(PIPELINE, [release], place) == []


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_champion_whose_file_is_damaged_is_found_and_written_again(place: Place, damage: str) -> None:
    release = make_release(place.store, version="1.0.0")
    champion = release.candidate
    REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, champion.candidate_id, place)
    assert REGISTRY.damage(PIPELINE, champion, place) is None
    file = folder(place) / "v1.0.0" / "model.joblib"
    file.unlink()
    if damage == "changed":
        file.write_bytes(b"another")
    assert "best_model.joblib" in str(REGISTRY.damage(PIPELINE, champion, place))
    REGISTRY.publish(release, place)
    assert REGISTRY.damage(PIPELINE, champion, place) is None


def test_the_row_of_the_ledger_is_remembered(place: Place) -> None:
    assert REGISTRY.anchors(PIPELINE, place) == []
    REGISTRY.publish(
        replace(make_release(place.store, version="1.0.0"), anchor=ChainAnchor(seq=7, hash="a" * 64)), place
    )
    found = REGISTRY.anchors(PIPELINE, place)
    assert [anchor.text for anchor in found] == [f"7:{'a' * 64}"]
    assert found[0].where.startswith(("release v1.0.0", "version 1 in MLflow"))


@pytest.mark.slow
def test_a_new_fit_of_a_version_lies_beside_the_old_one(place: Place) -> None:
    old = make_release(place.store, 1, version="1.0.0")
    golden = place.store.put_json({"answers": [0.5]})
    new = replace(make_release(place.store, 2, version="1.0.0"), again=True, golden=golden)
    REGISTRY.publish(old, place)
    assert REGISTRY.publish(new, place) == Shown(f"1.0.0+{str(new.candidate.model)[:8]}")
    REGISTRY.point(PIPELINE, new.candidate.candidate_id, place)
    serving = (folder(place) / "best_model.joblib").resolve().parent
    assert json.loads((serving / "release.json").read_text())["version"] == "1.0.0"
    assert json.loads((serving / "golden.json").read_text()) == {"answers": [0.5]}
    assert not (folder(place) / "v1.0.0" / "golden.json").exists()
