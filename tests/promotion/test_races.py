"""People, nights and housekeeping at once on one home: eight processes change champions and registries at random."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from given.shop import newest_run

from mlsys import clock
from mlsys.errors import LostRaceError, MlsysError, UsageError
from mlsys.promotion import by_hand
from mlsys.promotion.projection import drift, project
from mlsys.promotion.reconcile import mend
from mlsys.workspace import open_workspace

SECONDS = 60.0


def racer(name: str, seconds: float, results: Any) -> None:
    """Do at random what people and housekeeping do; say how many changes were made, and what went wrong."""
    rng, made, wrong = random.Random(name), 0, []
    with open_workspace() as work:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            choice = rng.random()
            try:
                if choice < 0.4:
                    expires = clock.now() + timedelta(seconds=rng.random()) if rng.random() < 0.5 else None
                    candidate = rng.choice(["logistic", "prior"])
                    by_hand.promote_by_hand(
                        work, "shop", newest_run(work), candidate=candidate, reason="race", who=name, expires=expires
                    )
                elif choice < 0.6:
                    by_hand.roll_back(work, "shop", version=None, reason="race", who=name)
                elif choice < 0.7:
                    by_hand.hold(work, "shop", reason="race", who=name)
                    continue
                elif choice < 0.8:
                    by_hand.release(work, "shop", reason="race", who=name)
                    continue
                elif choice < 0.9:
                    if by_hand.expire(work, "shop") is None:
                        continue
                else:
                    mend(work, "shop")
                    continue
                made += 1
            except (UsageError, LostRaceError):  # serves already, nothing before it, not held, somebody was faster
                continue
            except MlsysError as error:
                wrong.append(str(error))
    results.put((made, wrong))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_eight_processes_leave_a_whole_chain_and_registries_that_agree(work) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    racers = [context.Process(target=racer, args=(f"racer{n}", SECONDS, results)) for n in range(8)]
    for one in racers:
        one.start()
    said = [results.get(timeout=SECONDS + 240) for _ in racers]
    for one in racers:
        one.join(60)
    # A registry that was changed while it was looked at is said to differ; nothing else may go wrong.
    assert [text for _, wrong in said for text in wrong if ", the ledger " not in text] == []
    changes = work.ledger.champion_changes("shop")
    assert [change.generation for change in changes] == list(range(1, len(changes) + 1))
    assert all(later.previous == earlier.candidate_id for earlier, later in itertools.pairwise(changes))
    by_expiry = sum(change.kind == "expiry" for change in changes)
    assert sum(made for made, _ in said) <= len(changes) - 1 <= sum(made for made, _ in said) + by_expiry
    assert work.ledger.verify("shop") > len(changes)
    project(work, "shop")
    assert drift(work, "shop", read=True) == []
