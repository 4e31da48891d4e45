"""What a decision says of challenger and champion."""

from __future__ import annotations

import pytest
from given.shop import day, edit_spec

from mlsys import pipeline
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        (["min_rows"], "takes the place of {}, with which no gate compares it"),
        ([{"kind": "better_than_champion", "margin": 0.9, "require": "not_worse"}], "holds its own against {}"),
    ],
)
def test_who_was_not_shown_to_be_better_beats_nobody(work: Workspace, gates: list[object], said: str) -> None:
    champion = work.ledger.champion("shop")
    assert champion is not None
    edit_spec(work.settings.pipelines, gates=gates)
    finished = pipeline.run(work, RunRequest("shop", day=day(12)))
    assert finished.version is not None
    decision = finished.version.decision
    assert decision.outcome == "promote"
    assert decision.sentence.endswith(said.format(champion.candidate_id))
