"""What differs between two versions, candidates or runs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import day

from mlsys import keys, pipeline
from mlsys.changes.versions import Difference, Differing, difference
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def told(part: tuple[Differing, ...]) -> dict[str, tuple[str | None, str | None]]:
    return {each.what: (each.first, each.second) for each in part}


def differing(found: Difference) -> set[str]:
    parts = ("spec", "data", "packages", "model", "metrics", "decisions")
    return {name for name in parts if getattr(found, name)}


def test_a_version_differs_in_nothing_from_its_run_and_its_candidate(work: Workspace) -> None:
    champion = work.ledger.champion("shop")
    assert champion is not None
    for name in (champion.run_id, champion.candidate_id, champion.version, f"shop@{champion.version}"):
        found = difference(work, champion.version, name)
        assert (differing(found), found.same_rows) == (set(), True)
        assert found.candidates == (champion.candidate_id, champion.candidate_id)


def test_another_spec_on_the_same_data(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    champion = work.ledger.champion("shop")
    assert champion is not None
    other = {**keys.versions(), "pandas": "9.9"}
    monkeypatch.setattr(keys, "versions", lambda: other)
    asked = RunRequest("shop", day=day(10), mode="dry", overrides=("models.0.C=0.01", "gates.0.at_least=0.9"))
    run_id = str(pipeline.run(work, asked).start.run_id)
    found = difference(work, champion.version, run_id)
    assert [(key.key, key.before, key.after) for key in found.spec] == [
        ("models.logistic.C", 1.0, 0.01),
        ("gates.0.at_least", 0.6, 0.9),
    ]
    assert told(found.packages) == {"pandas": (champion and keys_then(work, champion.run_id), "9.9")}
    assert "data" not in differing(found)
    assert found.same_rows
    assert told(found.model)["C"] == ("1.0", "0.01")
    assert "roc_auc" in told(found.metrics)
    assert told(found.decisions)["outcome"] == ("promote", "reject")
    assert told(found.decisions)["roc_auc at least 0.9"][0] is None


def keys_then(work: Workspace, run_id: str) -> str:
    parts = {name: digest for row in work.ledger.run(run_id) for name, digest in row.parts.items()}
    found: str = work.store.read_json(parts["environment"])["versions"]["pandas"]
    return found


def test_other_data_of_the_same_spec(work: Workspace) -> None:
    first, second = (row.run_id for row in work.ledger.runs("shop") if row.status == "started")
    found = difference(work, first, second)
    assert told(found.data) == {
        "last day": ("2026-05-11", "2026-05-12"),
        "days": ("11", "12"),
        "rows": ("880", "960"),
        "labelled rows": ("880", "960"),
    }
    assert found.spec == found.packages == ()
    assert not found.same_rows


def test_what_means_nothing_or_too_much(work: Workspace, shop: Path) -> None:
    with pytest.raises(UsageError, match="no version, candidate or run of that name"):
        difference(work, "9.9.9", "9.9.9")
    text = (shop / "pipelines" / "shop.yaml").read_text()
    (shop / "pipelines" / "store.yaml").write_text(text.replace("pipeline: shop", "pipeline: store"))
    pipeline.run(work, RunRequest("store", day=day(10)))
    version = work.ledger.champion("store").version  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="Several pipelines"):
        difference(work, version, version)
    with pytest.raises(UsageError, match="two pipelines"):
        difference(work, f"shop@{version}", f"store@{version}")
