"""`mlsys replay`: a line per run, facts for scripts, and an exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsys import replay
from mlsys.errors import IntegrityError
from mlsys.replay import Replayed, ReplayedModel
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

OTHER = ReplayedModel("forest", "diverged", 0.25, "other bytes")


def test_all_runs_are_said_to_be_identical(shop: Path, mlsys: Callable[..., Any]) -> None:
    answer = mlsys("replay", "--all", "--json")
    assert answer.code == 0
    found = json.loads(answer.out)
    assert [one["agreement"] for one in found] == ["identical", "identical"]
    assert {model["agreement"] for one in found for model in one["models"]} == {"identical"}


def test_what_diverged_and_what_is_gone_give_exit_code_4(
    shop: Path, mlsys: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(work: Workspace, run_id: str) -> Replayed:
        if run_id == "gone":
            raise IntegrityError("A file is missing", where="store")
        return Replayed(run_id, "diverged", (OTHER,), None, ("pandas 1 then, 2 now",))

    monkeypatch.setattr(replay, "replay", again)
    answer = mlsys("replay", "one", "gone")
    assert answer.code == 4
    assert answer.out.splitlines() == [
        "one is diverged: 1 model differs of 1, and no decision (pandas 1 then, 2 now)",
        "    forest: other bytes",
        "gone: store: A file is missing.",
    ]


@pytest.mark.parametrize("arguments", [[], ["one", "--all"]])
def test_runs_are_named_or_all_are_asked_for(arguments: list[str], shop: Path, mlsys: Callable[..., Any]) -> None:
    assert mlsys("replay", *arguments).code == 2
