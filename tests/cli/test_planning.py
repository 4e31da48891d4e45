"""`mlsys plan`, `apply`, `restate` and `diff`: sentences for people, facts for scripts, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsys.changes.records import SpecPlan

pytestmark = pytest.mark.slow


def test_a_plan_says_what_each_key_is_for_and_what_the_gates_say_now(shop: Path, mlsys: Callable[..., Any]) -> None:
    answer = mlsys("plan", "shop", "--set", "gates.0.at_least=0.999", "--set", "owner=you")
    assert answer.code == 0
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "gates.0.at_least 0.6 0.999 gates only" in lines
    assert 'owner "mlsys" "you" no effect' in lines
    assert any(line.startswith("Now: reject. The challenger's roc_auc is") for line in lines)
    assert lines[-1] == f"Plan: {shop}/reports/shop/plan.html"
    page = (shop / "reports" / "shop" / "plan.html").read_text()
    assert "<h1>" in page
    assert "Only the gates change" in page
    assert "roc_auc at least 0.999" in page


def test_a_plan_is_a_record_for_a_check_of_a_pull_request(shop: Path, mlsys: Callable[..., Any]) -> None:
    answer = mlsys("plan", "shop", "--set", "models.0.C=0.5", "--json")
    found = SpecPlan.load(json.loads(answer.out))
    assert (answer.code, found.exit_code, found.category) == (0, 0, "model")
    assert json.loads((shop / "reports" / "shop" / "plan.json").read_text()) == json.loads(answer.out)


def test_over_past_days_both_specs_are_compared(shop: Path, mlsys: Callable[..., Any]) -> None:
    answer = mlsys("plan", "shop", "--set", "models.0.C=0.5", "--backfill", "2026-05-11..2026-05-12", "--parallel", "1")
    assert answer.code == 0
    assert "The new spec would have earned" in answer.out
    assert "Not compared: 2026-05-11" in answer.out or "over 1 day" in answer.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "shop", "--set", "models.9.C=1"], "counted from 0"),
        (["plan", "shop", "--backfill", "2026-05-11"], "FROM..TO"),
        (["restate", "shop", "2026-05-11..soon"], "soon"),
        (["diff", "1.0.0", "nothing"], "no version, candidate or run"),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(
    arguments: list[str], said: str, shop: Path, mlsys: Callable[..., Any]
) -> None:
    answer = mlsys(*arguments)
    assert answer.code == 2
    assert said in answer.err


def test_apply_writes_what_was_planned_and_shows_the_difference(shop: Path, mlsys: Callable[..., Any]) -> None:
    answer = mlsys("apply", "shop", "--set", "models.0.C=0.5")
    assert answer.code == 0
    assert any(line.startswith(("+- ", "+  C")) for line in answer.out.splitlines())
    assert "C: 0.5" in (shop / "pipelines" / "shop.yaml").read_text()
    again = json.loads(mlsys("apply", "shop", "--set", "models.0.C=0.5", "--json").out)
    assert not again["changed"]


def test_restate_and_diff_answer_in_words_and_in_json(shop: Path, mlsys: Callable[..., Any]) -> None:
    assert "no decision is touched" in mlsys("restate", "shop", "2026-05-01..2026-05-03").out
    assert json.loads(mlsys("restate", "shop", "2026-05-01..2026-05-03", "--json").out)["decisions"] == []
    assert "Nothing differs." in mlsys("diff", "1.0.0", "shop@1.0.0").out
    assert json.loads(mlsys("diff", "1.0.0", "shop@1.0.0", "--json").out)["same_rows"]
