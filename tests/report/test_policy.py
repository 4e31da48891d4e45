"""The card's part on a policy, from the details that an evaluation stores."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsys.metrics.decided import ANY, LoggedChoices
from mlsys.records import Evaluation
from mlsys.report.models import columns
from mlsys.report.policy import policy

NAMES = ("call", "demo", "mail", "wait")
NEW = LoggedChoices.imagined(1500, wrong=0.1, threshold=0.5, seed=1)
STATE = {"state": ["age < 3"], "visits": 90, "rows": 40, "values": [0.1, 2.0, -1.0, 0.0]}
LEARNING = {"curve": [[100.0, 0.5, 1.0], [200.0, 2.5, 0.1]], "n_states": 7, "n_visited": 5, "states": [STATE]}


def details(new: LoggedChoices = NEW, **insight: Any) -> dict[str, Any]:
    rows = {"new": new, "old": new.answered(np.full(1500, ANY))}
    pictures = {name: of.pictures() for name, of in rows.items()}
    roles = {"new": "candidate", "old": "champion"}
    known = [Evaluation(model_id=name, name=name, role=role, holdout=()).dump() for name, role in roles.items()]
    drawn = {name: {model: of[name] for model, of in pictures.items()} for name in ("actions", "sensitivity")}
    return {"evaluations": known, **drawn, "insight": insight}


def test_what_was_done_stands_beside_what_would_be_done() -> None:
    known = details(learning=LEARNING)
    found = policy(known, columns(known, "new"), NAMES)
    assert found is not None
    assert found.n_rows == 1500
    assert [mix.action for mix in found.actions] == list(NAMES)
    assert sum(mix.taken for mix in found.actions) == 1
    assert all(abs(mix.shares[1] - 0.25) < 1e-6 for mix in found.actions)
    assert sum(mix.agreed for mix in found.actions) == int((NEW.chosen == NEW.logged.action).sum())


def test_learning_is_drawn_and_its_states_are_told() -> None:
    known = details(learning=LEARNING)
    found = policy(known, columns(known, "new"), NAMES)
    assert found is not None
    assert found.curve is not None
    assert "Learning curve" in found.curve
    assert [(state.words, state.best) for state in found.states] == [("age < 3", "demo")]
    assert (found.n_states, found.n_visited) == (7, 5)


def test_the_lift_holds_up_to_some_odds_or_none() -> None:
    known = details()
    good = policy(known, columns(known, "new"), NAMES)
    bad = details(NEW.answered((NEW.logged.situation + 1.0) % 4))
    worse = policy(bad, columns(bad, "new"), NAMES)
    assert good is not None
    assert worse is not None
    assert good.holds_to is not None
    assert good.holds_to >= 1.25
    assert worse.holds_to is None
    assert good.curve is None


def test_other_tasks_have_no_such_part() -> None:
    known = details()
    del known["actions"]
    assert policy(known, columns(known, "new"), ()) is None
