"""Names and tags of DAGs: whatever pipelines are called, Airflow's list keeps each together, retraining first."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.orchestration.dags.builders import ALL, named, sound_specs, tags

ROOT = Path(__file__).parents[3]
KINDS = ("retrain", "score", "watch")
# Short names of few letters, so that one is often the beginning of another.
PIPELINES = st.sets(st.from_regex(r"[az][az_0]{0,3}", fullmatch=True), min_size=1)


@pytest.mark.slow
@given(PIPELINES)
def test_each_pipeline_stands_together_retraining_first_and_what_serves_all_last(names: set[str]) -> None:
    listed = sorted([*(named(kind, name) for name in names for kind in KINDS), named("roll back"), named("keep house")])
    assert [name.split(": ")[0] for name in listed[-2:]] == [ALL, ALL]
    groups = [list(group) for _, group in itertools.groupby(listed[:-2], key=lambda name: name.split(": ")[0])]
    assert len(groups) == len(names)
    assert {tuple(name.split(": ")[1] for name in group) for group in groups} == {KINDS}


def test_a_spec_that_is_wrong_is_left_out_of_the_sound_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sorted((ROOT / "include" / "pipelines").glob("*.yaml"))
    for path in sound:
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("pipeline: broken\n", encoding="utf-8")
    monkeypatch.setenv("MLSYS_PIPELINES", str(tmp_path))
    found = {spec.pipeline: spec for spec in sound_specs()}
    assert sorted(found) == [path.stem for path in sound]
    assert tags("score", found["leads"]) == ["mlsys", "score", "leads", "sales", "demo"]
    assert tags("rollback") == ["mlsys", "rollback", "all-pipelines"]
