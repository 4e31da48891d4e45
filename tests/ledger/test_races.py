"""Processes that promote, roll back, hold and release at random: no lost update, and a whole chain."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from mlsys import clock
from mlsys.errors import UsageError
from mlsys.ledger import ChampionChange, ChampionMovedError, HeldError, Hold, Ledger, chain, engine, tables

CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)


def wanted(ledger: Ledger, name: str, number: int, rng: random.Random) -> ChampionChange:
    """Return a change that rests on what is read now."""
    now = ledger.champion("p")
    kind = rng.choice(["promote", "promote", "manual", "rollback", "expiry"])
    return ChampionChange(
        pipeline="p",
        generation=(now.generation if now else 0) + 1,
        candidate_id=f"{name}-{number}",
        version="1.0.0",
        kind=kind,
        cutoff=CUTOFF + timedelta(days=rng.randrange(3)),
        run_id="r",
        previous=now.candidate_id if now else None,
        who=name,
        reason="race",
    )


def racer(url: str, name: str, seconds: float, results: Any) -> None:
    """Do at random what may be done to a champion, and say what was taken."""
    ledger, rng, taken = Ledger.open(url), random.Random(name), []
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() > end and number > 20:
            break
        try:
            if rng.random() < 0.15:
                ledger.put_hold(Hold(pipeline="p", held=rng.random() < 0.5, who=name, reason="race"))
                continue
            if rng.random() < 0.05:
                ledger.verify("p")  # as whoever looks after the registries reads beside the writers
                continue
            change = wanted(ledger, name, number, rng)
            time.sleep(rng.random() * 0.005)
            ledger.change_champion(change)
            taken.append(change.candidate_id)
        except (ChampionMovedError, HeldError, UsageError):
            continue
    ledger.close()
    results.put(taken)


def race(ledger: Ledger, url: str, *, seconds: float, processes: int = 8) -> list[str]:
    """Let processes race; return what they were told was taken."""
    ledger.champion("p")
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    racers = [context.Process(target=racer, args=(url, f"racer{n}", seconds, results)) for n in range(processes)]
    for one in racers:
        one.start()
    taken = [name for _ in racers for name in results.get(timeout=seconds + 240)]
    for one in racers:
        one.join(30)
    return taken


def problems(ledger: Ledger, taken: list[str]) -> list[str]:
    """Return what a history of champions must never show."""
    changes, found = ledger.champion_changes("p"), []
    if sorted(taken) != sorted(change.candidate_id for change in changes):
        found.append("an update was lost, or written twice")
    for earlier, later in itertools.pairwise(changes):
        if later.generation != earlier.generation + 1 or later.previous != earlier.candidate_id:
            found.append(f"generation {later.generation} rests on something else than {earlier.candidate_id}")
        if later.kind == "promote" and later.cutoff < earlier.cutoff:
            found.append(f"older data over newer in generation {later.generation}")
    ledger.verify("p")
    rows = [entry for entry in ledger.entries("p") if entry.table in ("requests", "champion_changes")]
    held = False
    for entry in rows:
        if entry.table == "requests":
            held = entry.columns["reason"] == "held"
        elif held and entry.columns["kind"] == "promote":
            found.append(f"row {entry.seq} was promoted under a hold")
    return found


def test_rows_that_come_while_the_chain_is_read_do_not_break_it(ledger: Ledger, ledger_url: str) -> None:
    other, written = Ledger.open(ledger_url), itertools.count(1)

    def promote(number: int) -> None:
        change = wanted(other, "b", number, random.Random(1))
        other.change_champion(change.model_copy(update={"kind": "manual"}))

    promote(0)

    def write_meanwhile(*_: object) -> None:  # before each table but the first is read
        if (number := next(written)) > 1:
            other.put_hold(Hold(pipeline="p", held=True, who="b", reason="meanwhile"))
            promote(number)

    event.listen(ledger.engine, "before_execute", write_meanwhile)
    assert ledger.verify("p") == 1
    assert next(written) > 3
    event.remove(ledger.engine, "before_execute", write_meanwhile)
    assert ledger.verify("p") > 3
    other.close()


@pytest.mark.slow
def test_four_processes_for_a_moment(ledger: Ledger, ledger_url: str) -> None:
    taken = race(ledger, ledger_url, seconds=0.5, processes=4)
    assert taken
    assert problems(ledger, taken) == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_eight_processes_for_a_minute(ledger: Ledger, ledger_url: str) -> None:
    taken = race(ledger, ledger_url, seconds=60)
    assert len(taken) > 100
    assert problems(ledger, taken) == []


def plain_update(ledger: Ledger, change: ChampionChange) -> None:
    """The mutant: whoever comes last wins, whatever they had read."""
    with engine.writing(ledger.engine, "p") as connection:
        newest = connection.execute(sa.select(sa.func.max(tables.champion_changes.c.generation))).scalar() or 0
        late = change.model_copy(update={"generation": newest + 1})
        named = {"generation": late.generation, "candidate_id": late.candidate_id}
        named |= {"version": late.version, "kind": late.kind}
        chain.append(connection, tables.champion_changes, "p", named, late.dump())


def test_a_plain_update_would_be_caught(tmp_path) -> None:
    ledger, rng = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}"), random.Random(1)
    ledger.change_champion(wanted(ledger, "a", 0, rng).model_copy(update={"kind": "manual"}))
    read = [wanted(ledger, name, 1, rng).model_copy(update={"kind": "manual"}) for name in "bc"]
    for change in read:
        plain_update(ledger, change)
    assert "generation 3 rests on something else than b-1" in problems(ledger, ["a-0", "b-1", "c-1"])
    ledger.put_hold(Hold(pipeline="p", who="ann", reason="audit", until=clock.now() + timedelta(days=1)))
    plain_update(ledger, wanted(ledger, "d", 2, rng).model_copy(update={"kind": "promote", "cutoff": CUTOFF}))
    assert any("under a hold" in said for said in problems(ledger, ["a-0", "b-1", "c-1", "d-2"]))
    ledger.close()
