"""The DAG files as Airflow reads them, in a process of their own."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from given.dag_reader import read_dags, read_dags_afresh

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "sklearn", "xgboost", "mlflow", "great_expectations", "pyarrow")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return read_dags(ROOT / "include" / "pipelines", tmp_path_factory.mktemp("airflow"))


def of_the_specs(found: dict[str, Any]) -> dict[str, Any]:
    return {dag_id: dag for dag_id, dag in found["dags"].items() if dag_id.startswith("retrain_")}


def tasks_of(dag: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tasks by id, the settings of a mapped one among the others."""
    tasks = [task["__var"] for task in dag["tasks"]]
    return {task["task_id"]: task | task.get("partial_kwargs", {}) for task in tasks}


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with one of the specs."""
    folder = tmp_path / "pipelines"
    folder.mkdir()
    source = ROOT / "include" / "pipelines" / "phishing.yaml"
    (folder / "phishing.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_every_spec_has_its_dag_and_nothing_fails(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    names = {path.stem for path in (ROOT / "include" / "pipelines").glob("*.yaml")}
    assert set(of_the_specs(bag)) == {f"retrain_{name}" for name in names}


@pytest.mark.slow
def test_parsing_imports_nothing_heavy(bag: dict[str, Any]) -> None:
    assert not set(HEAVY) & set(bag["new"])


@pytest.mark.slow
def test_the_tasks_are_the_steps_in_order(bag: dict[str, Any]) -> None:
    tasks = tasks_of(bag["dags"]["retrain_phishing"])
    names = ["take_snapshot", "validate", "split", "train", "evaluate", "decide", "approve", "promote", "report"]
    assert sorted(tasks) == sorted(names)
    for name, later in itertools.pairwise(names):
        assert later in tasks[name]["downstream_task_ids"]
    # What has come so far is handed on whole: hardly a task needs one that is not its neighbour.
    arrows = {(name, later) for name in names for later in tasks[name].get("downstream_task_ids", ())}
    assert arrows - set(itertools.pairwise(names)) == {
        ("take_snapshot", "split"), ("split", "evaluate"), ("decide", "promote")
    }  # fmt: skip


@pytest.mark.slow
def test_groups_hold_the_tasks_and_leave_their_ids_as_they_are(bag: dict[str, Any]) -> None:
    parts = bag["dags"]["retrain_phishing"]["task_group"]["children"]
    groups = {name: list(part["children"]) for name, (kind, part) in parts.items() if kind == "taskgroup"}
    assert groups == {
        "data": ["take_snapshot", "validate", "split"],
        "candidates": ["train", "evaluate"],
        "decision": ["decide", "approve", "promote"],
    }


@pytest.mark.slow
def test_every_task_has_words_an_owner_and_retries_by_class_of_error(bag: dict[str, Any]) -> None:
    for name, task in tasks_of(bag["dags"]["retrain_phishing"]).items():
        assert task["doc_md"], name
        assert (task["owner"], task["has_retry_policy"], task["retries"]) == ("security", True, 3), name


@pytest.mark.slow
def test_candidates_train_in_a_pool_and_one_is_enough(bag: dict[str, Any]) -> None:
    tasks = tasks_of(bag["dags"]["retrain_phishing"])
    assert tasks["train"]["pool"] == "training"
    assert tasks["train"]["max_active_tis_per_dagrun"] >= 1
    assert tasks["evaluate"]["trigger_rule"] == "all_done"


@pytest.mark.slow
def test_the_schedule_says_when_and_the_tags_say_what(bag: dict[str, Any]) -> None:
    dag = bag["dags"]["retrain_phishing"]
    assert dag["timetable"]["__var"]["hour"] == 2
    assert dag["timetable"]["__type"].endswith("NightlyTimetable")
    assert {"mlsys", "retrain", "phishing", "security", "demo"} == set(dag["tags"])


@pytest.mark.slow
def test_dags_are_the_same_in_every_process(bag: dict[str, Any], tmp_path: Path) -> None:
    again = read_dags_afresh(ROOT / "include" / "pipelines", tmp_path, PYTHONHASHSEED="7")
    assert again["dags"] == bag["dags"]


@pytest.mark.slow
def test_a_comment_makes_no_new_version_and_any_value_does(specs: Path, tmp_path: Path) -> None:
    path, seen = specs / "phishing.yaml", []
    text = path.read_text(encoding="utf-8")
    # A limit of a gate and a receiver stand nowhere in the DAG but in the spec's fingerprint.
    other_limit = text.replace("at_least: 0.8}", "at_least: 0.81}")
    for content in (text, f"# another comment\n{text}", other_limit, f"{text}notify: {{webhook: true}}\n"):
        path.write_text(content, encoding="utf-8")
        seen.append(read_dags(specs, tmp_path)["dags"]["retrain_phishing"])
    assert seen[0] == seen[1]
    assert seen[2] not in seen[:2]
    assert seen[3] not in seen[:3]


@pytest.mark.slow
def test_one_broken_spec_leaves_the_others(specs: Path, tmp_path: Path) -> None:
    (specs / "broken.yaml").write_text("pipeline: broken\n", encoding="utf-8")
    found = of_the_specs(read_dags(specs, tmp_path))
    assert set(found) == {"retrain_phishing", "retrain_broken"}
    assert "broken-spec" in found["retrain_broken"]["tags"]
    assert "required, and not there" in found["retrain_broken"]["doc_md"]


@pytest.mark.slow
def test_a_spec_first_saved_with_a_mistake_is_no_paused_dag_for_ever(specs: Path, tmp_path: Path) -> None:
    (specs / "broken.yaml").write_text("pipeline: broken\n", encoding="utf-8")
    found = of_the_specs(read_dags(specs, tmp_path))
    assert {dag_id: dag["is_paused_upon_creation"] for dag_id, dag in found.items()} == dict.fromkeys(found, False)
    assert "Null" in found["retrain_broken"]["timetable"]["__type"]
    assert found["retrain_broken"]["dag_display_name"] == "broken: retrain (the spec is wrong)"


CHANGES: dict[str, Any] = {
    "tag": lambda text: text.replace("tags: [security, demo]", f"tags: [{'x' * 101}]"),
    "braces": lambda text: text.replace("owner: security", "owner: {{ team }}"),
    "complex_key": lambda text: f"{text}? [a, b]\n: 1\n",
    "mapping_key": lambda text: f"{text}{{a: b}}: 1\n",
    "no_day": lambda text: f"{text}approval: {{timeout: 2026-02-30}}\n",
    "digits": lambda text: text.replace("seed: 42", f"seed: {'5' * 5000}"),
    "anchor": lambda text: f"{text}approval: &a [*a]\n",
    "deep": lambda text: text + "approval: " + "[" * 3000,
    "template": lambda text: text.replace("owner: security", "owner: '{{ 1 / 0 }}'\nowners: x"),
    "half": lambda text: text.replace("owner: security", 'owner: "\\ud800"'),
    "out of place": lambda text: text,
}


@pytest.mark.slow
def test_specs_that_are_broken_in_any_way_leave_the_others(specs: Path, tmp_path: Path) -> None:
    text = (specs / "phishing.yaml").read_text(encoding="utf-8")
    for name, change in CHANGES.items():
        (specs / f"{name}.yaml").write_text(change(text).replace("pipeline: phishing", f"pipeline: {name}"))
    (specs / "folder.yaml").mkdir()
    (specs / "bytes.yaml").write_bytes(b"pipeline: bytes\n\xff\xfe")
    (specs / "gone.yaml").symlink_to(specs / "nowhere")
    os.mkfifo(specs / "pipe.yaml")
    (specs / f"{'l' * 240}.yaml").write_text("pipeline: l\n")
    (specs / os.fsdecode(b"\xff.yaml")).write_text("pipeline: x\n")
    found = read_dags(specs, tmp_path)
    assert found["errors"] == {}
    dags = of_the_specs(found)
    assert len(dags) == len(list(specs.iterdir()))
    whole = {dag_id for dag_id, dag in dags.items() if "broken-spec" not in dag["tags"]}
    assert whole == {"retrain_phishing"}
    assert "tag.yaml:5: tags.0: " in dags["retrain_tag"]["doc_md"]
    for name in ("folder", "bytes", "gone", "pipe", "digits"):
        assert f"{name}.yaml" in dags[f"retrain_{name}"]["doc_md"]
