from __future__ import annotations

from typing import Any

import pytest
from given import records_samples as samples

from mlsys.orchestration.tasks.endings import Ending, ending
from mlsys.records import Start


def start(story: samples.Story = "promote", **changes: Any) -> Start:
    plan = samples.plan(story).model_copy(update=changes)
    return Start(go=True, request_id="r", sentence="s", run_id=plan.run_id, plan=plan, snapshot=samples.snapshot())


def judged(story: samples.Story, **changes: Any) -> Ending:
    version = samples.model_version(story).model_copy(update=changes)
    return ending(start(story), version, states={}, failure={})


def test_a_promotion_names_the_version_and_why() -> None:
    end = judged("promote")
    assert (end.kind, end.headline, end.version, end.day) == ("promoted", "Promoted 1.0.7", "1.0.7", "2026-03-08")
    assert end.text.startswith("Promoted 1.0.7: xgboost beats the champion")


@pytest.mark.parametrize(("story", "headline"), [("reject", "Rejected"), ("inconclusive", "Inconclusive")])
def test_what_was_judged_and_not_promoted_says_why(story: samples.Story, headline: str) -> None:
    end = judged(story)
    assert (end.kind, end.headline, end.sentence) == ("not_promoted", headline, samples.decision(story).sentence)


def test_a_run_about_the_past_is_for_the_record() -> None:
    assert judged("historical").kind == "for_the_record"


def test_a_live_run_that_is_older_than_the_champion_rejects_nothing() -> None:
    version = samples.model_version("historical")
    assert ending(start("promote"), version, states={}, failure={}).kind == "for_the_record"


def test_a_dry_run_that_would_have_promoted_says_that_it_did_not() -> None:
    version = samples.model_version("promote").model_copy(
        update={"changed": False, "sentence": "Dry run: it would have"}
    )
    end = ending(start(mode="dry"), version, states={}, failure={})
    assert (end.kind, end.text) == ("for_the_record", "Not promoted: Dry run: it would have.")


def test_a_skip_says_which_and_why() -> None:
    skipped = Start(go=False, request_id="r", reason="unchanged", sentence="Judged before", run_id="x")
    assert ending(skipped, None, states={}, failure={}).text == "Skipped (unchanged): Judged before."


def test_a_failure_names_the_first_task_and_its_error() -> None:
    states = {"validate": "failed", "split": "upstream_failed", "evaluate": "skipped", "decide": "upstream_failed"}
    end = ending(start(), None, states=states, failure={"sentence": "The data was refused.", "data": True})
    assert (end.kind, end.step, end.text) == (
        "data_refused",
        "validate",
        "Failed in validate: The data was refused.",
    )


def test_a_run_whose_first_task_failed_has_an_ending_too() -> None:
    end = ending(None, None, states={"take_snapshot": "failed"}, failure={"sentence": "No such day", "data": False})
    assert (end.kind, end.step, end.run_id) == ("failed", "take_snapshot", None)


def test_a_killed_task_left_no_word() -> None:
    assert "killed" in ending(start(), None, states={"split": "failed"}, failure={}).sentence
