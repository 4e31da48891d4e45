"""A thousand champions one after the other leave memory as it was."""

from __future__ import annotations

import gc

import psutil
import pytest
from given.shop import newest_run

from mlsys.promotion.by_hand import promote_by_hand
from mlsys.registries.files import folder_of
from mlsys.server.served import load_folder
from mlsys.serving import fast
from mlsys.workspace import Workspace

SWAPS, SETTLED = 1000, 300
MOST_GROWTH_BYTES = 10_000_000


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_memory_and_threads_stay_flat(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "N_MADE", 20)  # how thoroughly each is compared has nothing to do with it
    promote_by_hand(work, "shop", newest_run(work), reason="newer")
    folders = [folder_of("shop", change.candidate_id, work.home) for change in work.ledger.champion_changes("shop")]
    process, seen = psutil.Process(), []
    for swap in range(SWAPS):
        folder = folders[swap % 2]
        assert folder is not None
        model = load_folder(folder, "shop")
        model.answers(model.known.examples)
        if swap >= SETTLED and swap % 50 == 0:
            gc.collect()
            seen.append((process.memory_info().rss, process.num_threads()))
    assert max(memory for memory, _ in seen) - seen[0][0] < MOST_GROWTH_BYTES, seen
    assert {threads for _, threads in seen} == {seen[0][1]}
