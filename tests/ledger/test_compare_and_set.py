"""Two processes that have both read the champion promote at the same instant: one wins, every time."""

import itertools
import multiprocessing
from datetime import UTC, datetime

import pytest

from mlsys.ledger import ChampionChange, ChampionMovedError, Ledger

ROUNDS = 100


def compete(url: str, name: str, barrier: multiprocessing.Barrier, results: multiprocessing.Queue) -> None:
    ledger = Ledger.open(url)
    won = []
    for _ in range(ROUNDS):
        barrier.wait()
        champion = ledger.champion("p")
        generation = champion.generation if champion else 0
        barrier.wait()  # both have read before either writes
        try:
            ledger.change_champion(
                ChampionChange(
                    pipeline="p",
                    generation=generation + 1,
                    candidate_id=f"{name}-{generation}",
                    version="1.0.0",
                    kind="promote",
                    cutoff=datetime(2026, 3, 1, tzinfo=UTC),
                    run_id="r",
                    previous=champion.candidate_id if champion else None,
                    who=name,
                    reason="race",
                )
            )
            won.append(generation + 1)
        except ChampionMovedError:
            pass
    ledger.close()
    results.put((name, won))


@pytest.mark.slow
def test_of_two_promotions_at_a_barrier_one_wins_each_time(ledger: Ledger, ledger_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2, timeout=60), context.Queue()
    racers = [context.Process(target=compete, args=(ledger_url, name, barrier, results)) for name in "ab"]
    for racer in racers:
        racer.start()
    won = dict(results.get(timeout=120) for _ in racers)
    for racer in racers:
        racer.join(30)
    changes = ledger.champion_changes("p")
    assert sorted(won["a"] + won["b"]) == list(range(1, ROUNDS + 1))
    assert [c.generation for c in changes] == list(range(1, ROUNDS + 1))
    assert all(later.previous == earlier.candidate_id for earlier, later in itertools.pairwise(changes))
