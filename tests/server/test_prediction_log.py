"""What is kept of answers: in their declared types, by day; nothing of it can hurt an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from given.answers import ROW, answered, model

from mlsys.errors import RunError
from mlsys.live import kept_rows
from mlsys.live.rules import LiveRules, rules_of
from mlsys.schema import CHAMPION, KEY, ColumnSpec
from mlsys.server.prediction_log import KeptAnswers
from mlsys.workspace import Workspace

RULES = LiveRules(key={"order_no": ColumnSpec(type="integer")})
DAY = datetime(2026, 5, 20, tzinfo=UTC).date()


def test_rows_are_read_back_as_they_were_answered(work: Workspace) -> None:
    served = model(work)
    kept = KeptAnswers(work.home, {"shop": RULES}.get)
    with kept.keeping(every=600):
        kept.tell(answered(served, given=[{**ROW, "order_no": 7}, {**ROW, "basket_value": None}]))
        kept.tell(answered(served, 3, request="r2", arm="other", silent=True))
    rows = kept_rows.live_rows(work.home, "shop", [DAY])
    assert rows is not None
    found = {(row["_request"], row["_row"]): row for row in rows.to_pylist()}
    first = found["r1", 0]
    assert (first["basket_value"], first["n_items"], first["channel"], first["gift"]) == (40.0, 2, "app", True)
    assert (first["y_score"], first["_arm"], first["_shadow"]) == (0.1, "champion", False)
    assert first[CHAMPION] == served.champion.candidate_id
    assert first[KEY] is not None
    assert (found["r1", 1]["basket_value"], found["r1", 1][KEY]) == (None, None)
    assert found["r2", 2]["_shadow"]
    assert found["r2", 2]["channel"] is None, "the features of a shadow's rows stand with their request"
    assert (kept.kept, kept.dropped) == (5, 0)


def test_keys_are_those_of_the_snapshot(work: Workspace) -> None:
    from given.answers import champion_of

    from mlsys.snapshot.rows import read_rows

    champion = champion_of(work)
    snapshot = next(row.snapshot for row in work.ledger.run(champion.run_id) if row.snapshot)
    stored = read_rows(snapshot.manifest, work.store, ["order_no", KEY]).slice(0, 1).to_pylist()[0]
    kept = KeptAnswers(work.home, {"shop": rules_of(work, champion)}.get)
    with kept.keeping(every=600):
        kept.tell(answered(model(work), given=[{**ROW, "order_no": stored["order_no"]}]))
    rows = kept_rows.live_rows(work.home, "shop", columns=[KEY])
    assert rows is not None
    assert rows[KEY].to_pylist() == [stored[KEY]]


def test_columns_that_must_not_be_kept_are_not(work: Workspace) -> None:
    rules = LiveRules(key=RULES.key, left_out=frozenset({"channel", "gift"}))
    kept = KeptAnswers(work.home, {"shop": rules}.get)
    with kept.keeping(every=600):
        kept.tell(answered(model(work), 2))
    rows = kept_rows.live_rows(work.home, "shop")
    assert rows is not None
    assert {"basket_value", "n_items"} <= set(rows.column_names)
    assert not {"channel", "gift"} & set(rows.column_names)


def test_nothing_is_kept_where_the_spec_says_so(work: Workspace) -> None:
    kept = KeptAnswers(work.home, {"shop": LiveRules(key={}, kept=False)}.get)
    with kept.keeping(every=600):
        kept.tell(answered(model(work), 2))
    assert kept_rows.live_rows(work.home, "shop") is None
    assert (kept.kept, kept.dropped) == (0, 0)


def test_what_finds_no_room_is_dropped_and_counted(work: Workspace) -> None:
    served, kept = model(work), KeptAnswers(work.home, {"shop": RULES}.get, most=5)
    for number in range(4):
        kept.tell(answered(served, 2, request=f"r{number}"))
    assert kept.dropped == 4
    kept.write()
    kept.tell(answered(served, 9, request="large"))
    kept.write()
    assert (kept.kept, kept.dropped) == (13, 4), "a request larger than all the room is kept when nothing waits"


def test_a_full_disk_costs_no_answer_and_what_waits_is_written_later(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, kept = model(work), KeptAnswers(work.home, {"shop": RULES}.get, most=5)

    def full(*_: object) -> None:
        raise RunError("The disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(kept_rows, "write_rows", full)
        kept.tell(answered(served, 4))
        kept.write()
        assert kept.failing
        kept.tell(answered(served, 4, request="r2"))
        kept.write()
    assert (kept.kept, kept.dropped) == (0, 4)
    kept.write()
    assert not kept.failing
    assert (kept.kept, kept.dropped) == (4, 4)


def test_an_answer_that_can_not_be_kept_does_not_stand_in_the_way_of_others(work: Workspace) -> None:
    served, kept = model(work), KeptAnswers(work.home, {"shop": RULES}.get)
    kept.tell(answered(served, given=[{**ROW, "basket_value": "a lot"}], request="odd", arm="odd"))
    kept.tell(answered(served, 2))
    kept.write()
    assert (kept.kept, kept.dropped) == (2, 1)


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from given.answers import answered, model
from mlsys.live.rules import LiveRules
from mlsys.server.prediction_log import KeptAnswers
from mlsys.workspace import open_workspace
with open_workspace() as work:
    served, kept = model(work), KeptAnswers(work.home, {{"shop": LiveRules(key={{}})}}.get)
    kept.tell(answered(served, 3))
    kept.write()
    kept.tell(answered(served, 2, request="r2"))
    if {after_file}:
        kept._counter.write = lambda: None  # killed between the file and the count of it
        kept.write()
        kept.tell(answered(served, 1, request="r3"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("after_file", "lost"), [(False, 2), (True, 0)])
def test_what_a_killed_server_took_with_it_is_counted_at_the_next_start(
    work: Workspace, after_file: bool, lost: int
) -> None:
    script = _KILLED.format(tests=str(Path(__file__).parents[1]), after_file=after_file)
    done = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), check=False)
    assert done.returncode == -9
    rows = kept_rows.live_rows(work.home, "shop")
    assert rows is not None
    assert rows.num_rows == (5 if after_file else 3), "every file there is, is whole"
    assert KeptAnswers(work.home, {}.get).lost == lost
    assert KeptAnswers(work.home, {}.get).lost == lost, "counted once"
