"""Live trials in the ledger: begun, changed, ended, and kept apart from requests for runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mlsys import clock
from mlsys.errors import UsageError
from mlsys.ledger import Ledger, LiveTrial, live_trials


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def _trial(candidate: str = "a-logistic", **changes: object) -> LiveTrial:
    until = clock.now() + timedelta(days=3)
    trial = LiveTrial(pipeline="shop", candidate_id=candidate, role="shadow", who="ann", reason="a test", until=until)
    return trial.model_copy(update=changes)


def _going(ledger: Ledger) -> list[str]:
    found = live_trials.in_force(live_trials.written(ledger, "shop"), clock.now())
    return [f"{trial.candidate_id} {trial.role} {trial.share}" for trial in found]


def test_a_trial_is_begun_changed_and_ended(ledger: Ledger) -> None:
    written = live_trials.put(ledger, _trial())
    assert written.at is not None
    assert written.model_copy(update={"at": None}) == _trial(until=written.until)
    live_trials.put(ledger, _trial(role="ab", share=10))
    live_trials.put(ledger, _trial("b-logistic"))
    assert _going(ledger) == ["a-logistic ab 10", "b-logistic shadow 0"]
    live_trials.put(ledger, _trial(running=False))
    assert _going(ledger) == ["b-logistic shadow 0"]
    assert len(live_trials.written(ledger, "shop")) == 4
    assert ledger.verify("shop") == 4


def test_it_ends_by_itself(ledger: Ledger) -> None:
    trial = live_trials.put(ledger, _trial())
    assert live_trials.in_force([trial], trial.until) == []


def test_trials_are_no_requests_for_runs(ledger: Ledger) -> None:
    live_trials.put(ledger, _trial())
    assert ledger.requests("shop") == []


def test_there_is_room_for_three_and_for_one_that_answers(ledger: Ledger) -> None:
    live_trials.put(ledger, _trial("a", role="ab", share=10))
    with pytest.raises(UsageError, match="One model at a time"):
        live_trials.put(ledger, _trial("b", role="ab", share=10))
    live_trials.put(ledger, _trial("b"))
    live_trials.put(ledger, _trial("c"))
    with pytest.raises(UsageError, match="room for 3"):
        live_trials.put(ledger, _trial("d"))
    live_trials.put(ledger, _trial("c", reason="the same one again"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"running": False}, "is not tried"), ({"until": clock.now() - timedelta(days=1)}, "in the future")],
)
def test_what_can_not_be_is_refused(ledger: Ledger, changes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        live_trials.put(ledger, _trial(**changes))
    assert live_trials.written(ledger, "shop") == []
