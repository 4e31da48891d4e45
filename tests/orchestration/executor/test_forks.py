from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("train_in_forks.py")
TIMES = 200


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, int, str]]:
    """Kind, threads asked for, threads seen, and digest of the predictions, of each training in a forked child."""
    results = tmp_path_factory.mktemp("forks") / "results"
    command = [sys.executable, str(SCRIPT), str(results), str(TIMES)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]  # it says which one hung
    return [tuple(json.loads(line)) for line in results.read_text().splitlines()]


@pytest.mark.long
def test_no_training_in_a_forked_child_hangs_or_dies(fits: list[tuple[str, int, int, str]]) -> None:
    kinds = Counter(kind for kind, *_ in fits)
    assert kinds == {"xgboost": TIMES, "random_forest": 6, "hist_gradient_boosting": 6}


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="threads of a process are counted in /proc")
def test_every_training_has_the_threads_that_it_asked_for(fits: list[tuple[str, int, int, str]]) -> None:
    assert {(asked, seen) for _, asked, seen, _ in fits} == {(1, 1), (2, 2)}


@pytest.mark.long
def test_every_training_of_a_kind_gives_the_same_predictions(fits: list[tuple[str, int, int, str]]) -> None:
    assert len({(kind, digest) for kind, *_, digest in fits}) == 3
