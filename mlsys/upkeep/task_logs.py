"""The last error that a run's tasks logged in Airflow: where it stands, when, and what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_READ = 1 << 20  # bytes of a log's end: an error ends its task
_LONGEST = 500  # characters of a line
_ERRORS = ("error", "critical")
_PLAIN = re.compile(r"\b(ERROR|CRITICAL)\b")


@dataclass(frozen=True)
class LoggedError:
    """A line of a log.

    Attributes:
        at: when it was logged, ISO 8601; empty where the line does not say.
    """

    path: Path
    at: str
    line: str


def last_error(home: Path, request_id: str) -> LoggedError | None:
    """Return the last error in the logs of the Airflow run that a request came from.

    None for a request from elsewhere, for a run without errors, and where its logs were removed or are kept elsewhere.
    """
    dag, _, run = request_id.partition("/")
    if not run or "/" in run or ".." in (dag, run):
        return None
    folder = home / "logs" / "tasks" / f"dag_id={dag}" / f"run_id={run}"
    found = [error for path in sorted(folder.rglob("attempt=*.log")) if (error := _last_of(path)) is not None]
    return max(found, key=lambda error: error.at, default=None)


def _last_of(path: Path) -> LoggedError | None:
    errors = [LoggedError(path, at, _shortened(line)) for at, line in _errors(path)]
    return errors[-1] if errors else None


def _errors(path: Path) -> Iterator[tuple[str, str]]:
    """Yield time and text of the lines of a log's end that are errors, structured ones and plain ones."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _READ))
        text = file.read().decode("utf-8", errors="replace")
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if isinstance(found, dict):
            if found.get("level") in _ERRORS:
                yield str(found.get("timestamp", "")), _said(found)
        elif _PLAIN.search(line):
            yield "", line.strip()


def _said(line: dict[str, Any]) -> str:
    """Return what a structured line says: of an exception its own words, which tell more than the line's."""
    details = line.get("error_detail")
    if isinstance(details, list) and details and isinstance(details[0], dict):
        return f"{details[0].get('exc_type', 'error')}: {details[0].get('exc_value', '')}".rstrip(": ")
    return str(line.get("event", ""))


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."
