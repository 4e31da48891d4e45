"""Measured values by name, kept in a file as they are found: a bench that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path


class Cells:
    """Lists of numbers by name, one line each; `again` forgets those of before."""

    def __init__(self, path: Path, *, again: bool = False) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if again:
            path.unlink(missing_ok=True)
        self._known: dict[str, list[float]] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            cell = json.loads(line)
            self._known[cell["name"]] = cell["values"]

    def of(self, name: str, measure: Callable[[], Sequence[float]]) -> list[float]:
        """Return the values of a name, measured only where they are not known."""
        if name not in self._known:
            self._known[name] = [float(value) for value in measure()]
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, "values": self._known[name]}) + "\n")
        return self._known[name]
