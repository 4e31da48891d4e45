"""Which model answers whom: sticky by key, as the ledger says, and never at the champion's cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from given.answers import ROW, answered, champion_of, model, other_candidate

from mlsys import clock
from mlsys.ledger import LiveTrial, live_trials
from mlsys.live import begun, kept_rows
from mlsys.schema import CHAMPION
from mlsys.server.arms import Arms, is_chosen
from mlsys.server.choosing import Incoming
from mlsys.server.living import living
from mlsys.server.served import ServedModel
from mlsys.server.shadows import Shadows
from mlsys.workspace import Workspace


def _begin(work: Workspace, *, share: int = 0, days: int = 14) -> LiveTrial:
    return begun.begin(
        work,
        "shop",
        other_candidate(work),
        role="ab" if share else "shadow",
        share=share,
        until=clock.now() + timedelta(days=days),
        reason="a test",
    )


def _arm(arms: Arms, served: ServedModel, order: object, headers: Mapping[str, str] | None = None) -> str:
    asked = Incoming("shop", served, [{**ROW, "order_no": order}], headers or {})
    return arms.choose(asked)[0]


def test_a_share_of_the_keys_is_answered_by_the_challenger_and_stays_with_it(work: Workspace) -> None:
    served, trial = model(work), _begin(work, share=20)
    arms, again = Arms(lambda: work), Arms(lambda: work)
    arms.refresh()
    chosen = {order for order in range(2000) if _arm(arms, served, order) == trial.candidate_id}
    assert 300 < len(chosen) < 500
    again.refresh()
    assert {order for order in range(2000) if _arm(again, served, order) != "champion"} == chosen
    _begin(work, share=50)
    arms.refresh()
    grown = {order for order in range(2000) if _arm(arms, served, order) != "champion"}
    assert chosen < grown
    assert 900 < len(grown) < 1100


def test_a_request_without_a_key_is_the_champions_unless_the_client_names_one(work: Workspace) -> None:
    served = model(work)
    trial = _begin(work, share=99)
    arms = Arms(lambda: work)
    arms.refresh()
    assert _arm(arms, served, None) == "champion"
    key = next(str(number) for number in range(1000) if is_chosen(trial, str(number)))
    other = next(str(number) for number in range(10_000) if not is_chosen(trial, str(number)))
    assert _arm(arms, served, None, {"x-mlsys-key": key}) == trial.candidate_id
    both = Incoming("shop", served, [{"order_no": key}, {"order_no": other}], {})
    assert arms.choose(both)[0] == "champion", "one model answers all rows of a request"


def test_what_can_not_be_loaded_is_not_tried(work: Workspace) -> None:
    trial = _begin(work, share=99)
    candidate = work.ledger.candidate(trial.candidate_id)
    assert candidate is not None
    path = work.store.path(str(candidate.model))
    path.chmod(0o644)
    path.write_bytes(b"something else")
    arms = Arms(lambda: work)
    arms.refresh()
    assert not arms.tried("shop")
    assert {_arm(arms, model(work), order) for order in range(50)} == {"champion"}


def test_one_that_answers_its_golden_rows_otherwise_than_then_never_takes_an_arm(work: Workspace) -> None:
    trial = _begin(work, share=99)
    assert trial.golden is not None
    kept = work.store.read_json(trial.golden)
    other = work.store.put_json({**kept, "answers": [1 - score for score in kept["answers"]]})
    ended = begun.end(work, "shop", trial.candidate_id, reason="a test")
    assert ended.golden is None
    live_trials.put(work.ledger, trial.model_copy(update={"golden": other}))
    arms = Arms(lambda: work)
    arms.refresh()
    arms.refresh()
    assert not arms.tried("shop")
    assert {_arm(arms, model(work), order) for order in range(50)} == {"champion"}
    (told,) = arms.standing("shop")
    assert told["state"] == "not loaded"
    assert "answers otherwise" in told["reason"]
    _begin(work, share=99)
    arms.refresh()
    (told,) = arms.standing("shop")
    assert (told["state"], told["failures"]) == ("asked", 0)
    assert "bit-equal" in arms.tried("shop")[0].model.answered_by


def test_a_changed_spec_is_followed_and_a_broken_one_changes_nothing(work: Workspace) -> None:
    from given.shop import edit_spec

    arms = Arms(lambda: work)
    arms.refresh()
    edit_spec(work.settings.pipelines, serving={"log": {"leave_out": ["channel"]}})
    arms.refresh()
    (work.settings.pipelines / "shop.yaml").write_text("pipeline: [", encoding="utf-8")
    arms.refresh()
    rules = arms.rules("shop")
    assert rules is not None
    assert (rules.left_out, list(rules.key)) == (frozenset({"channel"}), ["order_no"])


def test_the_champion_before_a_promotion_goes_on_as_a_shadow(work: Workspace) -> None:
    from mlsys.promotion.by_hand import promote_by_hand

    before = champion_of(work).candidate_id
    promote_by_hand(work, "shop", work.ledger.decisions("shop")[-1].run_id, reason="a test")
    arms = Arms(lambda: work)
    arms.refresh()
    assert [(arm.trial.candidate_id, arm.trial.role, arm.trial.who) for arm in arms.tried("shop")] == [
        (before, "shadow", "mlsys")
    ]


@pytest.mark.parametrize("role", ["shadow", "ab"])
def test_shadows_score_what_was_answered_and_nobody_sees_it(work: Workspace, role: str) -> None:
    served, other = model(work), other_candidate(work)
    _begin(work, share=0 if role == "shadow" else 10)
    with living(work.home, lambda: work, every=600) as live:
        for number in range(3):
            told = answered(served, given=[{**ROW, "order_no": number}], request=f"r{number}")
            for tell in live.watchers:
                tell(told)
        assert {family.name for family in live.collect()} >= {
            "mlsys_server_log_lost",
            "mlsys_server_shadow_shed",
            "mlsys_server_log_failing",
        }
    rows = kept_rows.live_rows(work.home, "shop")
    assert rows is not None
    silent = [row for row in rows.to_pylist() if row["_shadow"]]
    assert [row[CHAMPION] for row in silent] == ([other] * 3 if role == "shadow" else [])
    expected = model(work, other).answers([ROW])[0]
    assert [row["y_score"] for row in silent] == pytest.approx([expected] * len(silent))
    assert all(row["_key"] is not None for row in rows.to_pylist())


def test_shadows_are_left_out_first(work: Workspace) -> None:
    served = model(work)
    _begin(work)
    arms = Arms(lambda: work)
    arms.refresh()
    told: list[object] = []
    shadows = Shadows(arms, told.append, most=3)
    shadows.tell(answered(served, 2))
    shadows.tell(answered(served, 2, request="r2"))
    shadows.score()
    assert (shadows.shed, len(told)) == (2, 1)
    shadows.tell(answered(served, given=[{**ROW}]))
    shadows.score()
    assert len(told) == 2
