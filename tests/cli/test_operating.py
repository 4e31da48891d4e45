"""`mlsys reconcile` and `doctor` on the shop: what went wrong is found, and what can be made again is."""

from __future__ import annotations

import os
import sqlite3

import pytest
from given.shop import edit_spec

from mlsys.database.liveness import wait_until_ended
from mlsys.orchestration.stack import processes

pytestmark = pytest.mark.slow


def alias_of(work) -> str:
    from mlflow import MlflowClient

    version = MlflowClient(work.place.tracking_uri, registry_uri=work.place.tracking_uri).get_model_version_by_alias(
        "shop", "champion"
    )
    return version.tags["mlsys.candidate"]


def test_reconcile_finds_nothing_to_mend(mlsys, seen) -> None:
    answer = mlsys("reconcile", "shop")
    assert (answer.code, answer.out) == (0, "shop: the registries say what the ledger says\n")


def test_reconcile_heals_a_deleted_alias(mlsys, changed, work) -> None:
    from mlflow import MlflowClient

    MlflowClient(work.place.tracking_uri, registry_uri=work.place.tracking_uri).delete_registered_model_alias(
        "shop", "champion"
    )
    sick = mlsys("doctor")
    assert sick.code == 4
    assert "mlflow shows no champion" in sick.out
    answer = mlsys("reconcile")
    assert answer.code == 0
    assert "mended: shop: mlflow shows no champion" in answer.out
    assert alias_of(work) == work.ledger.champion("shop").candidate_id
    assert mlsys("doctor").code == 0


@pytest.mark.parametrize("damage", ["gone", "retargeted"])
def test_reconcile_heals_the_link(mlsys, changed, work, damage) -> None:
    link = changed / "registry" / "shop" / "best_model.joblib"
    target = link.readlink()
    link.unlink()
    if damage == "retargeted":
        link.symlink_to("v1.0.0/model.joblib")
    assert "mended: shop: files shows" in mlsys("reconcile", "shop").out
    assert link.readlink() == target
    assert "the registries say what the ledger says" in mlsys("reconcile", "shop").out


def test_reconcile_of_an_unknown_pipeline_names_the_nearest(mlsys, seen) -> None:
    answer = mlsys("reconcile", "shp")
    assert answer.code == 2
    assert "Did you mean 'shop'?" in answer.err


def test_the_drill_of_a_demotion_is_no_event_in_the_log(mlsys, seen, caplog) -> None:
    assert "demotion: a made-up champion" in mlsys("doctor").out
    assert not [record for record in caplog.records if "demoted" in record.getMessage()]


def test_doctor_misses_who_once_looked_from_outside(mlsys, changed) -> None:
    assert "  watchdog: " not in mlsys("doctor").out
    mlsys("pulse")
    assert "ok       watchdog: looked " in mlsys("doctor").out
    (changed / "watchdog" / "pulse.json").write_text('{"alarms": 0, "at": "2026-01-01T00:00:00+00:00"}')
    sick = mlsys("doctor")
    assert sick.code == 4
    assert "see whether cron or the timer still starts `mlsys pulse`" in sick.out


def test_doctor_is_content_with_a_healthy_home(mlsys, seen) -> None:
    answer = mlsys("doctor")
    assert answer.code == 0
    assert "PROBLEM" not in answer.out
    subjects = (
        "python",
        "disk",
        "spec",
        "gates",
        "database",
        "source",
        "newest run",
        "ledger",
        "champion",
        "registries",
    )
    for subject in subjects:
        name = subject if subject in ("python", "disk", "database") else f"{subject} shop"
        assert f"ok       {name}: " in answer.out
    assert "its newest complete day is " in answer.out


def test_doctor_looks_at_the_source_of_a_pipeline_that_never_ran_and_at_last_night(mlsys, changed) -> None:
    spec = (changed / "pipelines" / "shop.yaml").read_text()
    (changed / "pipelines" / "other.yaml").write_text(spec.replace("pipeline: shop", "pipeline: other"))
    (changed / "shop.db").unlink()
    assert mlsys("run", "shop").code == 3
    answer = mlsys("doctor")
    assert answer.code == 4
    for name in ("shop", "other"):
        assert f"PROBLEM  source {name}: {changed}/shop.db: There is no such database file" in answer.out
    assert "PROBLEM  newest run shop: " in answer.out
    assert "ok       newest run other: No live run was asked for yet" in answer.out


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ({"kind": "minimum", "metric": "roc_auc", "at_least": 0.99}, "the spec wants at least 0.99"),
        ({"kind": "freshness", "max_age": "3d"}, "days ago; the freshness gate allows 3 days"),
    ],
)
def test_a_weak_champion_and_old_data_are_problems_whatever_the_night_did(mlsys, changed, gate, says) -> None:
    edit_spec(changed / "pipelines", gates=["min_rows", gate])
    answer = mlsys("doctor")
    assert answer.code == 4
    assert [line for line in answer.out.splitlines() if "PROBLEM  newest run shop" in line and says in line]
    (changed / "shop.db").unlink()
    assert mlsys("run", "shop").code == 3
    failed = [line for line in mlsys("doctor").out.splitlines() if line.startswith("PROBLEM")]
    assert any("newest run shop" in line and says not in line for line in failed)
    assert any(("quality shop" in line or "data shop" in line) and says in line for line in failed)


def test_doctor_finds_a_tampered_ledger_row(mlsys, changed) -> None:
    with sqlite3.connect(changed / "mlsys.db") as connection:
        triggers = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'decisions'"
        ).fetchall()
        assert triggers
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        changed_rows = connection.execute(
            "UPDATE decisions SET record = replace(record, '\"reject\"', '\"promote\"') WHERE outcome = 'reject'"
        ).rowcount
    connection.close()
    assert changed_rows == 1
    answer = mlsys("doctor")
    assert answer.code == 4
    assert "PROBLEM  ledger shop: decisions, pipeline shop, row " in answer.out
    assert "chain is broken" in answer.out
    assert answer.last_line.startswith("mlsys: exit code 4")


def test_doctor_finds_a_missing_model_file(mlsys, changed, champion_file) -> None:
    champion_file.unlink()
    answer = mlsys("doctor")
    assert answer.code == 4
    assert f"PROBLEM  champion shop: {champion_file}: A stored file is missing" in answer.out
    assert "mlsys rollback shop" in answer.out


def test_doctor_names_a_broken_spec_and_goes_on(mlsys, changed) -> None:
    (changed / "pipelines" / "broken.yaml").write_text("pipeline: [\n")
    answer = mlsys("doctor")
    assert answer.code == 4
    assert "PROBLEM  spec broken: " in answer.out
    assert "ok       spec shop: valid" in answer.out
    assert "ok       ledger shop: " in answer.out


def test_status_and_doctor_name_what_died_its_log_and_what_comes_next(mlsys, changed) -> None:
    parts = [processes.StackPart(name, ("sleep", "600")) for name in ("scheduler", "mlflow", "triggerer")]
    for part in parts:
        processes.start(part, home=changed, environment={"PATH": os.environ["PATH"]})
    try:
        dead = [processes.find(changed, part.name).leader() for part in parts[:2]]
        for process in dead:
            process.kill()
        assert wait_until_ended(dead, seconds=30) == []
        shown, seen = mlsys("status"), mlsys("doctor")
    finally:
        processes.stop(changed, [part.name for part in parts])
    assert (shown.code, seen.code) == (4, 4)
    for name, state in (("scheduler", "died"), ("mlflow", "died"), ("triggerer", "running"), ("api-server", "stopped")):
        assert [line for line in shown.out.splitlines() if line.split()[:2] == [name, state]]
    assert "Start what is missing with: mlsys up" in shown.out
    for name in ("scheduler", "mlflow"):
        log = changed / "logs" / f"{name}.log"
        assert f"{name} died; its log: {log}" in shown.out
        assert f"PROBLEM  stack {name}: died; its log: {log}. Start it with: mlsys up" in seen.out
    assert "ok       stack triggerer: running" in seen.out


def test_clean_shows_what_would_go_and_removes_it_when_told(mlsys, seen) -> None:
    left = seen / "store" / "ab" / ("0" * 62)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"nothing names this")
    os.utime(left, (0, 0))
    shown = mlsys("clean")
    assert shown.code == 0
    assert "Would remove 1 file of 18 bytes. To remove them: mlsys clean --apply" in shown.out
    assert left.exists()
    done = mlsys("clean", "--apply")
    assert "Removed 1 file of 18 bytes." in done.out
    assert not left.exists()
    assert "Would remove 0 files of 0 bytes.\n" in mlsys("clean").out


def test_clean_refuses_to_keep_nothing(mlsys, seen) -> None:
    answer = mlsys("clean", "--apply", "--runs", "0")
    assert answer.code == 2
    assert "not in the range 1<=x" in answer.err


def test_reconcile_mends_the_other_pipelines_and_says_at_the_end_which_it_could_not(
    mlsys, changed, work, monkeypatch
) -> None:
    from mlsys.errors import RunError
    from mlsys.ledger import Ledger
    from mlsys.promotion import reconcile

    real = reconcile.mend

    def mend(work, name):
        if name != "shop":
            raise RunError(f"MLflow refuses {name}")
        return real(work, name)

    monkeypatch.setattr(Ledger, "pipelines", lambda _: ["apples", "shop", "zoo"])
    monkeypatch.setattr(reconcile, "mend", mend)
    (changed / "registry" / "shop" / "best_model.joblib").unlink()
    answer = mlsys("reconcile")
    assert answer.code == 4
    assert "mended: shop: files shows no champion" in answer.out
    assert "apples: MLflow refuses apples" in answer.err
    assert "zoo: MLflow refuses zoo" in answer.err


def test_reconcile_and_doctor_read_the_model_that_they_vouch_for(mlsys, changed, work) -> None:
    assert mlsys("reconcile").code == 0  # the copied home has its models for its own from now on
    for file in (changed / "mlartifacts").rglob("model.pkl"):
        file.unlink()
    sick = mlsys("doctor")
    assert sick.code == 4
    assert "of mlflow, " in sick.out
    assert "can't be read" in sick.out
    assert "mended: shop: of mlflow, " in mlsys("reconcile").out
    assert mlsys("doctor").code == 0


def test_a_home_that_was_moved_is_mended(mlsys, changed, monkeypatch) -> None:
    import mlflow

    assert mlsys("reconcile").code == 0
    moved = changed.rename(changed.with_name("moved"))
    monkeypatch.setenv("MLSYS_HOME", str(moved))
    monkeypatch.setenv("MLSYS_PIPELINES", str(moved / "pipelines"))
    assert mlsys("doctor").code == 4
    assert mlsys("reconcile").code == 0
    mlflow.set_tracking_uri(f"sqlite:///{moved}/mlflow.db")
    mlflow.set_registry_uri(f"sqlite:///{moved}/mlflow.db")  # another test may have named one
    assert mlflow.artifacts.download_artifacts("models:/shop@champion").startswith(str(moved))
    assert not changed.exists()
