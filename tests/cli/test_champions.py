"""`mlsys history`, `champion`, `report`, `promote` and `rollback` on the shop."""

from __future__ import annotations

import json
import re

import pytest
from given.shop import day, edit_spec, make_shop

pytestmark = pytest.mark.slow


def run_ids(work) -> list[str]:
    return list(dict.fromkeys(row.run_id for row in work.ledger.runs("shop")))


def test_history_shows_requests_decisions_and_champions(mlsys, seen) -> None:
    answer = mlsys("history", "shop")
    assert answer.code == 0
    for word in ("promote", "reject", "1.0.0", "1.0.1", "gates", str(day(11)), str(day(23))):
        assert word in answer.out
    assert str(day(11)) not in mlsys("history", "shop", "--last", "1").out.split("since")[0]


def test_a_run_that_waits_is_no_promotion_until_a_person_promotes_it(mlsys, changed) -> None:
    edit_spec(changed / "pipelines", gates=["min_rows"], approval={"timeout": "2d"})
    make_shop(changed, changed / "pipelines", days=26)
    assert mlsys("run", "shop", "--day", str(day(25)), "--approval").code == 0
    newest = json.loads(mlsys("history", "shop", "--json").out)["requests"][-1]
    assert re.fullmatch(r"waits for a person since \S+ \S+ UTC, with no deadline", newest["state"])
    assert [row["state"] for row in json.loads(mlsys("list", "--json").out)] == ["waits"]
    assert mlsys("promote", "shop", newest["run_id"], "--reason", "looks good").code == 0
    assert json.loads(mlsys("history", "shop", "--json").out)["requests"][-1]["state"] == "done"
    assert mlsys("rollback", "shop", "--reason", "worse in the shop").code == 0
    assert [row["state"] for row in json.loads(mlsys("list", "--json").out)] == ["fine"]


def test_champion_shows_who_serves(mlsys, seen) -> None:
    answer = mlsys("champion", "shop")
    assert answer.code == 0
    assert answer.out.startswith("shop 1.0.1: ")
    assert f"{day(23)}, the last day that it knows" in answer.out
    assert str(seen / "registry" / "shop" / "best_model.joblib") in answer.out.replace("\n", "")


def test_champion_at_a_time_shows_who_served_then(mlsys, changed, work) -> None:
    first, second = work.ledger.champion_changes("shop")
    between = (first.at + (second.at - first.at) / 2).isoformat()
    assert mlsys("champion", "shop", "--at", between).out.startswith("shop 1.0.0: ")
    assert mlsys("champion", "shop", "--at", "2026-01-01").out == "shop has no champion at 2026-01-01.\n"
    wrong = mlsys("champion", "shop", "--at", "yesterday")
    assert wrong.code == 2
    assert "--at: A time is written in ISO 8601 (got 'yesterday')" in wrong.err


def test_report_prints_a_path_that_exists_and_writes_a_lost_card_again(mlsys, changed, work) -> None:
    run_id = run_ids(work)[0]
    card = changed / "reports" / "shop" / f"{run_id}.html"
    card.unlink()
    answer = mlsys("report", run_id)
    assert (answer.code, answer.out) == (0, f"{card}\n")
    assert card.stat().st_size > 1000


def test_report_of_an_unknown_run_names_the_nearest(mlsys, changed, work) -> None:
    run_id = run_ids(work)[0]
    answer = mlsys("report", run_id[:-1])
    assert answer.code == 2
    assert f"Did you mean '{run_id}'?" in answer.err


def test_rollback_lets_the_model_before_serve_again_everywhere(mlsys, changed, work) -> None:
    first, second = work.ledger.champion_changes("shop")
    answer = mlsys("rollback", "shop", "--reason", "complaints from the warehouse")
    assert answer.code == 0
    assert f"{first.candidate_id} serves as version 1.0.0 (rollback)" in answer.out
    now = work.ledger.champion("shop")
    assert (now.kind, now.version, now.previous) == ("rollback", "1.0.0", second.candidate_id)
    assert now.reason == "complaints from the warehouse"
    assert now.who
    assert (changed / "registry" / "shop" / "best_model.joblib").resolve().parent.name == "v1.0.0"
    problems = [line for line in mlsys("doctor").out.splitlines() if line.startswith("PROBLEM")]
    story = ("PROBLEM  newest run shop:", "PROBLEM  data shop:")  # who serves is weak, and the shop's days are past
    assert all(line.startswith(story) for line in problems)
    assert "rollback" in mlsys("history", "shop").out


def test_a_run_on_the_same_data_does_not_bring_the_rolled_back_model_again(mlsys, changed, work) -> None:
    mlsys("rollback", "shop", "--reason", "complaints")
    answer = mlsys("run", "shop", "--json")
    said = json.loads(answer.out)
    assert (answer.code, said["status"], said["reason"]) == (0, "skipped", "unchanged")
    assert "was rolled back: complaints" in said["sentence"]
    assert work.ledger.champion("shop").version == "1.0.0"
    assert said["champion"] == work.ledger.champion("shop").candidate_id


def test_a_person_may_bring_the_rolled_back_model_again(mlsys, changed, work) -> None:
    mlsys("rollback", "shop", "--reason", "complaints")
    assert mlsys("rollback", "shop", "--to", "1.0.1", "--reason", "it was the warehouse").code == 0
    assert work.ledger.champion("shop").version == "1.0.1"
    assert json.loads(mlsys("run", "shop", "--json").out)["reason"] == "unchanged"


def test_rollback_to_a_version_that_never_served_is_refused(mlsys, changed, work) -> None:
    answer = mlsys("rollback", "shop", "--to", "1.0.2", "--reason", "why not")
    assert answer.code == 2
    assert "No version of that name ever served shop. Did you mean '1.0.1'?" in answer.err
    assert len(work.ledger.champion_changes("shop")) == 2


def test_rollback_to_the_present_champion_is_refused(mlsys, changed, work) -> None:
    answer = mlsys("rollback", "shop", "--to", "1.0.1", "--reason", "why not")
    assert answer.code == 2
    assert "serves already, as version 1.0.1" in answer.err
    assert len(work.ledger.champion_changes("shop")) == 2


def test_a_blank_reason_is_refused(mlsys, changed, work) -> None:
    answer = mlsys("rollback", "shop", "--reason", " ")
    assert answer.code == 2
    assert "--reason: Something was given that is empty" in answer.err
    assert len(work.ledger.champion_changes("shop")) == 2


def test_promote_makes_a_rejected_challenger_the_champion(mlsys, changed, work) -> None:
    rejected = work.ledger.decisions("shop")[1]
    assert rejected.outcome == "reject"
    answer = mlsys("promote", "shop", rejected.run_id, "--reason", "the board wants it")
    assert answer.code == 0
    assert "(manual)" in answer.out
    now = work.ledger.champion("shop")
    assert (now.candidate_id, now.version, now.kind) == (rejected.challenger, "1.0.2", "manual")
    assert (changed / "registry" / "shop" / "best_model.joblib").resolve().parent.name == "v1.0.2"


def test_promote_takes_a_candidate_by_its_name(mlsys, changed, work) -> None:
    run_id = run_ids(work)[1]
    unknown = mlsys("promote", "shop", run_id, "--candidate", "logistik", "--reason", "a test")
    assert unknown.code == 2
    assert "Did you mean 'logistic'?" in unknown.err
    assert mlsys("promote", "shop", run_id, "--candidate", "prior", "--reason", "a test").code == 0
    assert work.ledger.champion("shop").candidate_id.endswith("-prior")


def test_promote_of_an_unknown_run_is_refused(mlsys, changed, work) -> None:
    run_id = run_ids(work)[0]
    answer = mlsys("promote", "shop", run_id + "x", "--reason", "a test")
    assert answer.code == 2
    assert f"Did you mean '{run_id}'?" in answer.err


def test_a_damaged_model_is_not_promoted(mlsys, changed, work) -> None:
    rejected = work.ledger.decisions("shop")[1]
    model = work.store.path(work.ledger.candidate(rejected.challenger).model)
    model.chmod(0o644)
    model.write_bytes(b"damaged")
    answer = mlsys("promote", "shop", rejected.run_id, "--reason", "a test")
    assert answer.code == 4
    assert "changed after it was written" in answer.err
    assert len(work.ledger.champion_changes("shop")) == 2


def test_a_champion_that_moves_under_a_rollback_is_a_lost_race(mlsys, changed, work, monkeypatch) -> None:
    from mlsys.ledger import Ledger

    before = work.ledger.champion_changes("shop")
    monkeypatch.setattr(Ledger, "champion_changes", lambda *_, **__: before)
    assert mlsys("rollback", "shop", "--reason", "first").code == 0
    answer = mlsys("rollback", "shop", "--reason", "second, with what it knew before")
    assert answer.code == 5
    assert "nothing was changed by this command. See `mlsys champion shop`" in answer.err
