"""Many pipelines at a glance: looked at anew only where something has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from given.shop import edit_spec

from mlsys.ledger import RequestRow
from mlsys.orchestration.page import overview
from mlsys.orchestration.page.glances import glances
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 14, 9, 10, tzinfo=UTC)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pipelines that were looked at, in order."""
    seen: list[str] = []
    glance = overview.glance

    def looking(work: Workspace, pipeline: str, *, at: datetime | None = None) -> overview.Glance:
        seen.append(pipeline)
        return glance(work, pipeline, at=at)

    monkeypatch.setattr(overview, "glance", looking)
    return seen


def ask(work: Workspace) -> None:
    row = RequestRow(
        request_id="r9",
        run_id=None,
        status="failed",
        reason="error",
        sentence="No such file.",
        mode="live",
        asked_by="me",
    )
    work.ledger.add_request("shop", row)


def monitor(work: Workspace) -> None:
    folder = work.home / "monitoring" / "shop"
    folder.mkdir(parents=True)
    (folder / "2026-05-11.json").write_text("{}", encoding="utf-8")


def test_what_has_not_changed_is_looked_at_once(work: Workspace, looks: list[str]) -> None:
    first = glances(work, ["shop"], at=NOW)
    assert glances(work, ["shop"], at=NOW + timedelta(minutes=40)) == first
    assert looks == ["shop"]


@pytest.mark.parametrize(
    "change", [ask, monitor, lambda work: edit_spec(work.settings.pipelines, owner="somebody else")]
)
def test_a_row_a_report_and_another_spec_are_seen_at_once(work: Workspace, looks: list[str], change) -> None:  # type: ignore[no-untyped-def]
    before = glances(work, ["shop"], at=NOW)
    change(work)
    after = glances(work, ["shop"], at=NOW)
    assert looks == ["shop", "shop"]
    assert (after == before) is (change is monitor)  # a report that can't be read leaves the rest


def test_the_clock_is_looked_at_every_hour(work: Workspace, looks: list[str]) -> None:
    glances(work, ["shop"], at=NOW)
    (later,) = glances(work, ["shop"], at=NOW + timedelta(days=1))
    assert looks == ["shop", "shop"]
    assert later.days_behind == 2


def test_a_pipeline_that_is_gone_from_the_folder_is_retired(work: Workspace, looks: list[str]) -> None:
    glances(work, ["shop"], at=NOW)
    (work.settings.pipelines / "shop.yaml").unlink()
    assert [one.standing.state for one in glances(work, ["shop"], at=NOW)] == ["retired"]
