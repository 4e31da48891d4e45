"""What is asked of the ledger every night and at every look costs the same, however long the past is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from given.shop import day

from mlsys import pipeline
from mlsys.cli.champions import champion, history
from mlsys.ledger import ChampionChange, Ledger
from mlsys.ledger import ledger as ledger_module
from mlsys.orchestration.page import overview
from mlsys.planning import arrivals
from mlsys.planning.plan import RunRequest
from mlsys.promotion.projection import project
from mlsys.records import Decision, EvaluationSet
from mlsys.upkeep import standing
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

USES: dict[str, Callable[[Workspace], object]] = {
    "the start of a run": lambda work: pipeline.take_snapshot(work, RunRequest("shop", day=day(11))),
    "projecting": lambda work: project(work, "shop"),
    "the Models page": lambda work: [overview.glance(work, name) for name in overview.pipelines(work)],
    "a look for drops": lambda work: arrivals.survey(work, "shop"),
    "mlsys champion": lambda work: CliRunner().invoke(champion, ["shop"], catch_exceptions=False),
    "mlsys history": lambda work: CliRunner().invoke(history, ["shop", "--last", "3"], catch_exceptions=False),
    "who served then": lambda work: work.ledger.champion_at("shop", work.ledger.champion_changes("shop", last=1)[0].at),
}


def lengthen(ledger: Ledger, n: int) -> None:
    """Add decisions and champions to the past of the shop; its model of today serves on."""
    serving = ledger.champion("shop")
    assert serving is not None
    for i in range(n):
        generation = serving.generation + 2 * i
        key = f"{generation:064d}"
        evaluations = EvaluationSet(
            primary="roc_auc", best=None, champion=None, champion_state="none", n_validation=1, n_holdout=1,
            holdout_classes={}, summary={}, details="0" * 64,
        )  # fmt: skip
        decision = Decision(
            decision_key=key, run_id=f"shop-{key}", outcome="reject", reason="because", sentence="So.",
            challenger=None, champion=None, gates=(),
        )  # fmt: skip
        ledger.add_decision("shop", evaluations, decision)
        before, after = f"gone-{generation}", serving.candidate_id
        for candidate, more, kind in ((before, 1, "manual"), (after, 2, "rollback")):
            if candidate == after and i < n - 1:
                candidate = f"also-{before}"
            change = serving.dump() | {
                "generation": generation + more, "candidate_id": candidate, "kind": kind, "previous": before,
                "decision_key": serving.decision_key if candidate == after else key,
            }  # fmt: skip
            ledger.change_champion(ChampionChange.load(change))


def rows_read(work: Workspace, use: Callable[[Workspace], object], monkeypatch: pytest.MonkeyPatch) -> int:
    seen: list[int] = []

    def counting(text: str) -> object:
        seen.append(1)
        return json.loads(text)

    with monkeypatch.context() as patched:
        patched.setattr(ledger_module, "from_json", counting)
        use(work)
    return len(seen)


def test_a_long_past_costs_no_more_rows_than_a_short_one(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "AT_A_GLANCE", 4)
    monkeypatch.setattr(standing, "RECENT", 4)
    monkeypatch.setattr(arrivals, "LOOKED_AT", (4, None))
    for module in (overview, standing):
        monkeypatch.setattr(module, "LOOKED_AT", 4)
    pipeline.run(work, RunRequest("shop", day=day(11)))  # the newest day that was read
    assert work.ledger.newest_day("shop") == day(11)
    read = []
    for _ in range(2):
        lengthen(work.ledger, 6)  # so many that every list which is cut is full
        project(work, "shop")
        for _ in range(2):
            for use in USES.values():  # a start adds a request
                use(work)
        read.append({name: rows_read(work, use, monkeypatch) for name, use in USES.items()})
    assert read[0] == read[1]


def test_models_of_a_key_are_found_by_an_index(ledger_url: str) -> None:
    ledger, asked = Ledger.open(ledger_url), []
    sa.event.listen(ledger.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    ledger.candidates("k")
    ((statement, values),) = asked
    if ledger.engine.dialect.name == "sqlite":  # Postgres reads a small table whole, whatever the indexes
        with ledger.engine.connect() as connection:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        assert not [step for step in steps if str(step[-1]).startswith("SCAN")]
    ledger.close()
