"""What Airflow's database holds of earlier releases' DAGs: a scheduler that is upgraded begins with it."""

from __future__ import annotations

import json
import lzma
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

FILES = sorted((Path(__file__).parents[1] / "given" / "homes").glob("*-dags.json.xz"))


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.name.removesuffix(".json.xz"))
def stored(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The stored DAGs of a release, by name."""
    found: dict[str, Any] = json.loads(lzma.decompress(request.param.read_bytes()))
    return found


def test_the_scheduler_reads_them(stored: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    from mlsys.orchestration.nightly import NightlyTimetable

    found = {name: DagSerialization.from_dict(dag) for name, dag in stored.items()}
    nightly = [dag for dag in found.values() if isinstance(dag.timetable, NightlyTimetable)]
    assert [dag.timetable.summary for dag in nightly] == ["daily 02:00 UTC"]
    assert all(dag.task_dict for dag in found.values())


def test_the_start_of_their_deadlines_is_known_by_its_path(stored: dict[str, Any]) -> None:
    from mlsys.orchestration.nightly import NightlyStart

    references = [alert["reference"] for dag in stored.values() for alert in dag["dag"].get("deadline") or []]
    paths = {reference["__class_path"] for reference in references}
    assert paths == {f"{NightlyStart.__module__}.{NightlyStart.__qualname__}"}


def test_airflow_finds_the_timetable_by_the_entry_point() -> None:
    (plugin,) = entry_points(group="airflow.plugins", name="mlsys_scheduling")
    assert [timetable.__name__ for timetable in plugin.load().timetables] == ["NightlyTimetable"]
