"""A candidate in a fresh process: loaded by the real loader, asked about golden rows, and measured once."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.small_world import world

from mlsys.dataset import assignment
from mlsys.evaluation import fresh_process, served
from mlsys.gates.latency import Latency
from mlsys.gates.servability import Servability
from mlsys.records import Candidate, Prepared
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.training import model_file, training


class OnlyHere:
    """A model whose class no other process can import."""

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full((len(rows), 2), 0.5)


OnlyHere.__module__ = "nowhere_else"
Run = tuple[Spec, Prepared, Candidate]


@pytest.fixture
def run(store: Store, monkeypatch: pytest.MonkeyPatch) -> Run:
    made = world(store)
    made.stand_in(monkeypatch)
    monkeypatch.setattr(served, "read_rows", made.read)
    prepared = made.prepared(assignment.split(made.spec, made.snapshot, made.checks, store=store))
    return made.spec, prepared, training.train(made.spec, prepared, name="logistic", store=store)


@pytest.mark.slow
def test_golden_rows_are_answered_as_they_were_judged_and_measured_once(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = served.served(*run, store=store, timed=False)
    assert (found["difference"], found["unnamed"]) == (0.0, [])
    assert {"scikit-learn", "numpy"} <= set(found["packages"])
    assert found["n"] == min(served.N_GOLDEN, run[1].split.holdout.n_rows)
    assert found["fast"] == "arrays + LogisticRegression.predict_proba"
    verdict = Servability().verdict(found)
    assert verdict.state == "pass"
    assert "one by one. Served on arrays, it is bit-equal to the plain way on " in verdict.sentence
    monkeypatch.setattr(served, "_measured", None)
    assert served.served(*run, store=store, timed=False) == found


@pytest.mark.slow
def test_what_a_fresh_process_can_not_use_fails(run: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    module = types.ModuleType("nowhere_else")
    module.OnlyHere = OnlyHere  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nowhere_else", module)
    digest, _ = model_file.save(OnlyHere(), store)
    found = served.served(*run[:2], run[2].model_copy(update={"model": digest}), store=store, timed=False)
    assert "nowhere_else" in found["refused"]
    assert Servability().verdict(found).reason == Latency().verdict(found).reason == "not_servable"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ends", "key", "says"),
    [
        (subprocess.TimeoutExpired("python", 1), "lacking", "within 300 s"),
        (subprocess.CompletedProcess([], -9, b"", b""), "lacking", "SIGKILL"),
        (subprocess.CompletedProcess([], 1, b"", b"Traceback\nMemoryError: too much.\n"), "refused", "too much"),
    ],
    ids=["timeout", "killed", "ended"],
)
def test_a_process_that_finds_nothing_says_why(
    ends: Any, key: str, says: str, *, run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(*_: Any, **__: Any) -> Any:
        if isinstance(ends, Exception):
            raise ends
        return ends

    monkeypatch.setattr(served.subprocess, "run", fake)
    found = served.served(*run, store=store, timed=False)
    assert says in found[key]
    monkeypatch.setattr(served.subprocess, "run", None)
    with pytest.raises(TypeError):  # such an end is not remembered
        served.served(*run, store=store, timed=False)


def test_times_are_those_of_single_rows_and_of_a_batch() -> None:
    asked: list[int] = []

    def ask(rows: pd.DataFrame) -> np.ndarray:
        asked.append(len(rows))
        return np.zeros(len(rows))

    found = fresh_process._timed(ask, pd.DataFrame({"age": [1.0, 2.0, 3.0]}))
    assert set(asked) == {1, fresh_process.BATCH}
    assert found["n_calls"] == 100
    assert 0 <= found["own_ms"]["p50"] <= found["own_ms"]["p99"]
    assert Latency(p99_ms=10_000).verdict(found).state == "pass"


def test_waiting_for_a_processor_is_no_time_of_the_calls_own(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = iter([1.0, 6.0])
    monkeypatch.setattr(fresh_process, "_waited", lambda: next(waited))
    clock = iter([10.0, 10.0 + 5.5])
    monkeypatch.setattr(fresh_process.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(fresh_process.time, "process_time", iter([0.0, 0.25]).__next__)
    took, own = fresh_process._call(lambda rows: np.zeros(len(rows)), pd.DataFrame())
    assert (took, own) == (5500.0, 500.0)


def test_where_nobody_counts_waiting_the_processor_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "")
    assert fresh_process._waited() is None
