"""A person decides who serves: versions, reasons, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from given.shop import day, newest_run, served

from mlsys import clock, pipeline
from mlsys.errors import LostRaceError, UsageError
from mlsys.planning.plan import RunRequest
from mlsys.promotion.by_hand import expire, promote_by_hand, roll_back, rollback_target

pytestmark = pytest.mark.slow


def test_a_version_is_never_used_twice(work) -> None:
    run_id = newest_run(work)
    assert promote_by_hand(work, "shop", run_id, candidate=None, reason="newer").version == "1.0.1"
    assert roll_back(work, "shop", version=None, reason="worse").version == "1.0.0"
    assert promote_by_hand(work, "shop", run_id, candidate="prior", reason="a test").version == "1.1.0"
    assert roll_back(work, "shop", version="1.0.1", reason="a test").version == "1.0.1"
    assert served(work.home) == "v1.0.1"
    assert [change.generation for change in work.ledger.champion_changes("shop")] == [1, 2, 3, 4, 5]


def test_a_manual_promotion_names_decision_person_and_reason(work) -> None:
    change = promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="the board wants it")
    decision = work.ledger.decisions("shop")[-1]
    assert (change.kind, change.decision_key, change.reason) == ("manual", decision.decision_key, "the board wants it")
    assert change.who
    assert change.cutoff.date() == day(12)


def test_a_rollback_goes_back_behind_the_cutoff_and_says_who_it_replaced(work) -> None:
    newer = promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="newer")
    back = roll_back(work, "shop", version=None, reason="worse")
    assert back.previous == newer.candidate_id
    assert back.cutoff < newer.cutoff


def test_a_run_of_another_pipeline_is_refused(work) -> None:
    with pytest.raises(UsageError, match="other has no run with fitted candidates"):
        promote_by_hand(work, "other", newest_run(work), candidate=None, reason="a test")
    assert work.ledger.champion("other") is None


def test_the_first_champion_has_nothing_to_go_back_to(work) -> None:
    with pytest.raises(UsageError, match="is the first champion of shop"):
        roll_back(work, "shop", version=None, reason="a test")
    with pytest.raises(UsageError, match="other has no champion"):
        roll_back(work, "other", version=None, reason="a test")


def test_a_champion_that_moved_meanwhile_is_not_replaced(work, monkeypatch) -> None:
    known = work.ledger.champion_changes("shop")
    promote_by_hand(work, "shop", newest_run(work), candidate="prior", reason="another person")
    monkeypatch.setattr(type(work.ledger), "champion_changes", lambda *_: known)
    with pytest.raises(LostRaceError, match="nothing was changed"):
        promote_by_hand(work, "shop", newest_run(work), candidate="logistic", reason="what was known before")
    monkeypatch.undo()


def test_whoever_asks_may_be_somebody_else_than_the_process(work) -> None:
    assert promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="newer", who="ann").who == "ann"
    assert roll_back(work, "shop", version=None, reason="worse", who="bob").who == "bob"


def test_a_rollback_can_be_looked_at_first(work) -> None:
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="newer")
    assert rollback_target(work, "shop", version=None).version == "1.0.0"
    with pytest.raises(UsageError, match="No version of that name ever served shop"):
        rollback_target(work, "shop", version="3.0.0")
    assert work.ledger.champion("shop").version == "1.0.1"


def test_a_rollback_after_a_rollback_goes_further_back(work) -> None:
    run_id = newest_run(work)
    promote_by_hand(work, "shop", run_id, candidate=None, reason="newer")
    promote_by_hand(work, "shop", run_id, candidate="prior", reason="a test")
    assert roll_back(work, "shop", version=None, reason="worse").version == "1.0.1"
    assert roll_back(work, "shop", version=None, reason="worse, too").version == "1.0.0"
    with pytest.raises(UsageError, match=r"not taken back since.*rollback shop --to"):
        roll_back(work, "shop", version=None, reason="once more")
    assert roll_back(work, "shop", version="1.0.1", reason="named").version == "1.0.1"


def test_a_rollback_passes_over_a_version_whose_file_is_gone(work) -> None:
    run_id = newest_run(work)
    broken = promote_by_hand(work, "shop", run_id, candidate=None, reason="newer")
    promote_by_hand(work, "shop", run_id, candidate="prior", reason="a test")
    digest = work.ledger.candidate(broken.candidate_id).model
    work.store.path(digest).unlink()
    back = roll_back(work, "shop", version=None, reason="worse")
    assert back.version == "1.0.0"
    assert "passed over: 1.0.1" in back.reason


def test_an_override_ends_by_itself_and_what_served_before_serves_again(work, monkeypatch) -> None:
    until = clock.now() + timedelta(hours=1)
    override = promote_by_hand(work, "shop", newest_run(work), candidate="prior", reason="a test", expires=until)
    assert work.ledger.champion("shop").expires == until
    assert expire(work, "shop") is None
    monkeypatch.setattr(clock, "now", lambda: until)
    pipeline.run(work, RunRequest("shop", day=day(10), mode="dry"))
    back = work.ledger.champion("shop")
    assert (back.kind, back.version, back.who, back.previous) == ("expiry", "1.0.0", "mlsys", override.candidate_id)
    assert served(work.home) == "v1.0.0"
    assert expire(work, "shop") is None


def test_an_override_that_was_replaced_does_not_end(work, monkeypatch) -> None:
    until = clock.now() + timedelta(hours=1)
    promote_by_hand(work, "shop", newest_run(work), candidate="prior", reason="a test", expires=until)
    newer = promote_by_hand(work, "shop", newest_run(work), candidate="logistic", reason="for good")
    monkeypatch.setattr(clock, "now", lambda: until)
    assert expire(work, "shop") is None
    assert work.ledger.champion("shop").candidate_id == newer.candidate_id


def overridden_twice(work, first: timedelta, second: timedelta) -> None:
    for candidate, length in (("prior", first), ("logistic", second)):
        end = clock.now() + length
        promote_by_hand(work, "shop", newest_run(work), candidate=candidate, reason="a test", expires=end)


def test_an_override_over_another_one_gives_way_to_it_until_its_own_end(work, monkeypatch) -> None:
    overridden_twice(work, timedelta(hours=2), timedelta(hours=1))
    below = work.ledger.champion_changes("shop")[-2]
    monkeypatch.setattr(clock, "now", lambda: below.expires - timedelta(minutes=1))
    again = expire(work, "shop")
    assert (again.candidate_id, again.expires) == (below.candidate_id, below.expires)
    monkeypatch.setattr(clock, "now", lambda: below.expires)
    assert expire(work, "shop").version == "1.0.0"


def test_an_override_whose_time_is_over_never_serves_again_by_itself(work, monkeypatch) -> None:
    overridden_twice(work, timedelta(hours=1), timedelta(hours=2))
    until = work.ledger.champion("shop").expires
    monkeypatch.setattr(clock, "now", lambda: until)
    assert expire(work, "shop").version == "1.0.0"


def test_a_rollback_to_an_override_keeps_its_end_and_passes_over_one_that_has_ended(work, monkeypatch) -> None:
    overridden_twice(work, timedelta(hours=1), timedelta(hours=2))
    below = work.ledger.champion_changes("shop")[-2]
    assert roll_back(work, "shop", version=None, reason="worse").expires == below.expires
    promote_by_hand(work, "shop", newest_run(work), candidate="logistic", reason="for good")
    monkeypatch.setattr(clock, "now", lambda: below.expires)
    back = roll_back(work, "shop", version=None, reason="worse")
    assert (back.version, back.expires) == ("1.0.0", None)
    assert f"passed over: {below.version}, which was put in place until" in back.reason


def test_a_version_may_be_put_in_place_for_a_time(work) -> None:
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="newer")
    again = promote_by_hand(work, "shop", version="1.0.0", reason="compare", expires=clock.now() + timedelta(days=1))
    assert (again.kind, again.version) == ("manual", "1.0.0")
    with pytest.raises(UsageError, match="Name one thing"):
        promote_by_hand(work, "shop", newest_run(work), version="1.0.0", reason="both")
    with pytest.raises(UsageError, match="ends in the future"):
        promote_by_hand(work, "shop", version="1.0.1", reason="late", expires=clock.now())


def test_the_card_of_a_run_under_an_override_says_so(work) -> None:
    promote_by_hand(
        work, "shop", newest_run(work), candidate="prior", reason="a test", who="ann",
        expires=clock.now() + timedelta(days=1),
    )  # fmt: skip
    done = pipeline.run(work, RunRequest("shop", day=day(12), mode="dry"))
    assert "ann had put 1.1.0 in place by hand until" in (work.home / done.report.path).read_text()
