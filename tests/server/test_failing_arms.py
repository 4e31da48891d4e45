"""A model that is tried and raises costs no answer, is counted, and is soon asked no more."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from given.answers import ROW, answered, model
from starlette.testclient import TestClient

from mlsys.ledger import LiveTrial
from mlsys.server.answered import Answered
from mlsys.server.app import make_app
from mlsys.server.arms import Arm, Arms
from mlsys.server.choosing import Beside
from mlsys.server.failing_arms import MOST_IN_A_ROW, FailingArms, require_answers
from mlsys.server.shadows import Shadows
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace

_AT = datetime(2026, 5, 20, 12, tzinfo=UTC)
TRIAL = LiveTrial(
    pipeline="shop", candidate_id="new", role="ab", share=99, who="a", reason="b", until=_AT + timedelta(days=9), at=_AT
)


class ForeignError(Exception):
    """What a library raises that nobody has heard of."""


class Failing:
    """A fast way that raises, or says what is no answer."""

    name = "a failing way"

    def __init__(self) -> None:
        self.error: Exception | None = ForeignError("broken")
        self.said: Any = None
        self.asked = 0

    def answers(self, rows: Any) -> np.ndarray:
        """Raise, or answer."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return np.asarray(self.said if self.said is not None else np.full(len(rows), 0.25))


@pytest.fixture
def way() -> Failing:
    return Failing()


@pytest.fixture
def arms(work: Workspace, way: Failing) -> Arms:
    """A model is tried whose every answer is the failing way's."""
    return _with(work, way, TRIAL)


def _with(work: Workspace, way: Failing, trial: LiveTrial) -> Arms:
    arms = Arms(lambda: work)
    arms.refresh()
    served = replace(model(work), fast=way)  # type: ignore[arg-type]
    arms._tried = {"shop": replace(arms._tried["shop"], arms=(Arm(trial, served),))}
    return arms


@pytest.fixture
def told() -> list[Answered]:
    return []


@pytest.fixture
def client(work: Workspace, arms: Arms, told: list[Answered]) -> Iterator[TestClient]:
    shelf = Shelf(work)
    shelf.refresh()
    beside = Beside(lambda asked: ("new", arms.tried("shop")[0].model), arms.note, arms.standing)
    client = TestClient(make_app(shelf, [told.append], beside=beside), raise_server_exceptions=False)
    yield client
    client.close()


def _ask(client: TestClient, **changed: Any) -> Any:
    return client.post("/predict", json={**ROW, **changed})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ForeignError("broken"), None),
        (MemoryError(), None),
        (None, [float("nan")]),
        (None, [0.1, 0.2]),
        (None, []),
    ],
)
def test_the_champion_answers_where_a_challenger_cant(
    client: TestClient, way: Failing, arms: Arms, *, told: list[Answered], error: Exception | None, said: Any
) -> None:
    way.error, way.said = error, said
    answer = _ask(client)
    assert (answer.status_code, answer.json()["arm"]) == (200, "champion")
    assert [(each.arm, len(each.answers)) for each in told] == [("champion", 1)]
    assert arms.standing("shop")[0]["failures"] == 1


def test_what_the_champion_refuses_too_is_the_clients_mistake(client: TestClient, way: Failing, arms: Arms) -> None:
    assert _ask(client, n_items="many").status_code == 422
    assert way.asked == 1
    assert arms.standing("shop")[0]["failures"] == 0


def test_one_that_answers_is_the_arm_that_is_told(client: TestClient, way: Failing, arms: Arms) -> None:
    _ask(client)
    way.error = None
    assert _ask(client).json()["arm"] == "new"
    info = client.get("/model/info").json()["tried"]
    assert [(each["candidate"], each["state"], each["failures"]) for each in info] == [("new", "asked", 1)]


def shown(arms: Arms, trials: list[LiveTrial]) -> dict[str, float]:
    return {s.name: s.value for family in arms.failing.collect(trials) for s in family.samples}


def test_after_failures_in_a_row_it_is_asked_no_more_and_everybody_can_see_it(
    work: Workspace, arms: Arms, caplog: pytest.LogCaptureFixture
) -> None:
    asked = SimpleNamespace(
        pipeline="shop", champion=model(work), given=[{**ROW, "order_no": 7}], headers={"x-mlsys-key": "7"}
    )
    trial = arms.tried("shop")[0].trial
    with caplog.at_level(logging.WARNING):
        for _ in range(MOST_IN_A_ROW - 1):
            arms.note("shop", "new", ForeignError("broken"))
        arms.note("shop", "new", None)
        for _ in range(MOST_IN_A_ROW - 1):
            arms.note("shop", "new", ForeignError("broken"))
        arms.note("shop", "new", ValueError("other"))
    assert arms.failing.of(trial).stopped
    assert arms.choose(asked)[0] == "champion"  # type: ignore[arg-type]
    lines = [record.msg.name for record in caplog.records if hasattr(record.msg, "name")]
    assert lines == ["trial_failed", "trial_failed", "trial_stopped"], "once a kind"
    (standing,) = arms.standing("shop")
    assert (standing["state"], standing["reason"]) == ("stopped", "ValueError: other")
    assert shown(arms, arms.trials) == {"mlsys_server_trial_failures_total": 9.0, "mlsys_server_trial_stopped": 1.0}
    assert shown(arms, []) == {"mlsys_server_trial_failures_total": 9.0}, "the alarm ends with the trial"
    again = trial.model_copy(update={"at": _AT + timedelta(hours=1)})
    assert not arms.failing.of(again).stopped, "who begins the trial anew lets it try again"
    assert arms.failing.of(again).total == 9
    assert shown(arms, [again])["mlsys_server_trial_stopped"] == 0.0


def test_a_shadow_that_raises_what_nobody_knows_is_stopped_and_the_thread_goes_on(
    work: Workspace, way: Failing
) -> None:
    arms = _with(work, way, TRIAL.model_copy(update={"role": "shadow", "share": 0}))
    said: list[Answered] = []
    shadows = Shadows(arms, said.append)
    for number in range(MOST_IN_A_ROW + 3):
        shadows.tell(answered(model(work), request=f"r{number}"))
        shadows.score()
    assert (way.asked, shadows.unscored, said) == (MOST_IN_A_ROW, MOST_IN_A_ROW, [])
    assert not arms.shadows("shop")


def test_a_trial_that_is_not_known_has_no_failures() -> None:
    failing = FailingArms()
    failing.answered(TRIAL)
    assert (failing.of(TRIAL).total, failing.of(TRIAL).stopped) == (0, False)
    require_answers(np.array([[0.1, 0.9]]), 1)
