"""A planned change goes into the file, comments stay, and what was fitted for the plan is what the next run adopts."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from given.shop import SPEC, day

from mlsys import pipeline
from mlsys.changes.applying import apply, written
from mlsys.errors import DataError, UsageError
from mlsys.planning.plan import RunRequest
from mlsys.spec import resolve
from mlsys.training import training
from mlsys.workspace import Workspace

COMMENTED = SPEC.replace("  - {kind: logistic}\n", "  # plain and quick\n  - {kind: logistic}\n  - extra_trees\n")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("models.0.C=0.5", "  - {kind: logistic, C: 0.5}"),
        ("models.1.n_estimators=50", "  - {kind: extra_trees, n_estimators: 50}"),
        ("gates.0.at_least=0.7", "  - {kind: minimum, metric: roc_auc, at_least: 0.7}"),
        ("training.seed=7", "training: {seed: 7}"),
        ("metrics.level=0.99", "metrics: {primary: roc_auc, replicates: 200, level: 0.99}"),
        ("checks.tolerated_share=0.05", "  tolerated_share: 0.05"),
        ("target.positive='no'", "target: {column: returned, positive: 'no'}"),
        ("drop=[gift]", "drop: [gift]"),
    ],
)
def test_a_value_goes_where_it_belongs(tmp_path, override: str, line: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(COMMENTED)
    wanted = resolve(path, [override])
    after = written(path, [override])
    assert line in after.splitlines()
    assert "  # plain and quick" in after.splitlines()
    changed = set(after.splitlines()) ^ set(COMMENTED.splitlines())
    assert len(changed) <= 2
    path.write_text(after)
    assert resolve(path).fingerprint == wanted.fingerprint


@pytest.mark.parametrize(
    "form", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"), lambda text: text.rstrip("\n")]
)
def test_a_file_of_another_editor_keeps_its_form(tmp_path, form) -> None:
    path = tmp_path / "shop.yaml"
    before = form(COMMENTED)
    path.write_bytes(before.encode())
    after = written(path, ["models.0.C=0.5", "training.seed=7"])
    assert "- {kind: logistic, C: 0.5}" in after
    assert after.startswith("\ufeff") == before.startswith("\ufeff")
    assert after.count("\r") in (0, after.count("\n"))
    path.write_bytes(after.encode())
    assert resolve(path).spec.training.seed == 7


def test_a_link_to_the_spec_stays_one(work: Workspace) -> None:
    path = work.settings.spec_path("shop")
    real = path.with_name("real.txt")
    path.rename(real)
    path.symlink_to(real)
    apply(work, "shop", overrides=["owner=ann"])
    assert path.is_symlink()
    assert "owner: ann" in real.read_text()


def test_several_values_are_written_one_after_another(tmp_path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(COMMENTED)
    asked = ["training.seed=7", "training.threads=2", "models.0.C=0.5", "models.0.name=plain"]
    wanted = resolve(path, asked)
    path.write_text(written(path, asked))
    assert resolve(path).fingerprint == wanted.fingerprint


def test_what_has_no_place_in_the_text_is_refused(tmp_path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(COMMENTED)
    with pytest.raises(UsageError, match="can't be written into the file"):
        written(path, ["models.0={kind: ridge}"])


@pytest.mark.slow
def test_what_was_fitted_before_is_adopted_by_the_next_run(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ("models.0.C=0.05", "gates.0.at_least=0.5")
    request = RunRequest("shop", day=day(12), mode="dry", overrides=overrides)
    before = pipeline.run(work, request)
    applied = apply(work, "shop", overrides=overrides)
    assert applied.after == applied.path.read_text() != applied.before
    monkeypatch.setattr(training, "train_all", None)  # nothing is fitted
    after = pipeline.run(work, RunRequest("shop", day=day(12)))
    assert after.candidates == before.candidates
    assert after.version is not None
    assert apply(work, "shop").after == applied.after


@pytest.mark.slow
def test_nothing_is_written_where_a_run_would_refuse_to_start(work: Workspace) -> None:
    path = work.settings.spec_path("shop")
    before = path.read_text()
    with closing(sqlite3.connect(work.home / "shop.db")) as connection, connection:
        connection.execute("DELETE FROM orders WHERE placed_at < '2026-05-04'")
    with pytest.raises(DataError, match="A run would lose"):
        apply(work, "shop", overrides=["key=[order_no, channel]"])
    assert path.read_text() == before
