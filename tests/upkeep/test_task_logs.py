"""The last error of a run is found in the logs of its tasks, structured or plain."""

from __future__ import annotations

import json
from pathlib import Path

from mlsys.upkeep.task_logs import last_error

REQUEST = "retrain_shop/manual__at-2026-05-24"


def write(home: Path, task: str, *lines: object, attempt: int = 1, run: str = "manual__at-2026-05-24") -> Path:
    """Write the log of one attempt of a task; texts stand as they are, others as JSON."""
    folder = home / "logs" / "tasks" / "dag_id=retrain_shop" / f"run_id={run}" / f"task_id={task}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"attempt={attempt}.log"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def line(second: int, level: str, event: str, **more: object) -> dict[str, object]:
    return {"timestamp": f"2026-05-25T02:00:{second:02d}Z", "level": level, "event": event, **more}


def test_the_newest_error_of_all_tasks_counts_in_the_words_of_its_exception(tmp_path: Path) -> None:
    error = [{"exc_type": "DataError", "exc_value": "shop.db: There is no\n such file.", "frames": []}]
    write(tmp_path, "train", line(1, "error", "a model failed"))
    path = write(
        tmp_path,
        "take_snapshot",
        line(2, "info", "::group::"),
        line(5, "error", "Task failed with exception", error_detail=error),
        line(6, "info", "done"),
        attempt=2,
    )
    write(tmp_path, "other", line(9, "error", "another run"), run="scheduled__2")
    found = last_error(tmp_path, REQUEST)
    assert found is not None
    assert (found.path, found.at) == (path, "2026-05-25T02:00:05Z")
    assert found.line == "DataError: shop.db: There is no such file."


def test_plain_lines_and_long_ones_are_read_too(tmp_path: Path) -> None:
    write(tmp_path, "split", "[2026-05-25] INFO fine", "[2026-05-25] ERROR - " + "x" * 5000, "null", "[1]", "{")
    found = last_error(tmp_path, REQUEST)
    assert found is not None
    assert found.line.startswith("[2026-05-25] ERROR - xxx")
    assert len(found.line) == 500


def test_of_a_huge_log_the_end_is_read(tmp_path: Path) -> None:
    write(tmp_path, "train", line(1, "error", "long ago"), *["x" * 1000] * 2000)
    assert last_error(tmp_path, REQUEST) is None


def test_no_error_no_log_and_no_airflow_are_none(tmp_path: Path) -> None:
    write(tmp_path, "split", line(1, "info", "fine"), line(2, "warning", "odd"))
    assert last_error(tmp_path, REQUEST) is None
    assert last_error(tmp_path, "retrain_shop/never") is None
    assert last_error(tmp_path, "cli-0123456789ab") is None
    assert last_error(tmp_path, "../../etc") is None
