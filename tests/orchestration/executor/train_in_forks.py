"""Not a test: run as a process of its own, it trains in forked children, as the tasks of the executor do.

    python train_in_forks.py RESULTS 200              200 times XGBoost, and the forests a few times
    python train_in_forks.py RESULTS 2 --spoiled      the parent trains before it forks: what must never happen

The parent only imports, workers are forked from it, and each training is forked from a worker. Writes one JSON line
per training into RESULTS: kind, number of threads asked for, number seen at work, digest of the predictions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import threading
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

from mlsys.orchestration.executor import local, preload

HANG_SECONDS = 30.0
PAUSE = 0.01


@dataclass(frozen=True)
class Fit:
    """A workload as the executor sees it; its key says what to train, with how many threads, and where to write."""

    key: tuple[str, int, int, str]
    display_name: str = "fit"
    running_state: ClassVar[None] = None
    success_state: ClassVar[str] = "success"
    failure_state: ClassVar[str] = "failed"


def run(workload: Fit, **_: object) -> None:
    """Fork, train in the child, and fail when that hangs or dies."""
    kind, threads, _number, results = workload.key
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pyarrow's allocator starts its thread again
        pid = os.fork()
    if pid == 0:
        try:
            line = json.dumps([kind, threads, *fit(kind, threads)])
            handle = os.open(results, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, f"{line}\n".encode())
            os._exit(0)
        finally:  # an error must not unwind into the worker's loop: there would be two of it at one pipe
            traceback.print_exc()
            os._exit(1)
    deadline = time.monotonic() + HANG_SECONDS
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise TimeoutError(f"{kind} with {threads} threads hung")
        time.sleep(PAUSE)
    if ended[1]:
        raise RuntimeError(f"{kind} with {threads} threads ended with {ended[1]}")


def fit(kind: str, threads: int) -> tuple[int, str]:
    """Train as mlsys does; return the number of threads seen at it and a digest of the predictions."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from mlsys.models import MODELS
    from mlsys.models.base import FitTask

    rng = np.random.default_rng(11)
    x = rng.normal(size=(400, 6))
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
    task = FitTask(seed=3, threads=threads, inner=np.zeros(len(y), dtype=bool))
    size = "max_iter" if kind == "hist_gradient_boosting" else "n_estimators"
    model = MODELS.parse({"kind": kind, size: 100 if kind == "random_forest" else 8}).estimator(task)
    with threadpool_limits(limits=threads):
        others = n_threads() - 1  # the limit starts those of BLAS
        seen = at_work(kind, model)
        model.fit(x, y)
        seen.append(n_threads())  # OpenMP keeps its threads
        if kind == "random_forest":
            model.set_params(n_jobs=1)  # threads add the trees' votes up in any order
        predictions = np.ascontiguousarray(model.predict_proba(x))
    n_seen = len(set(seen[:-1])) if kind == "random_forest" else max(seen) - others
    return n_seen, hashlib.sha256(predictions.tobytes()).hexdigest()


def at_work(kind: str, model: Any) -> list[int]:
    """Return a list that fills during the fit: with numbers of threads, for a random forest with threads' names."""
    seen: list[int] = []
    if kind == "xgboost":
        from xgboost.callback import TrainingCallback

        class Count(TrainingCallback):  # type: ignore[misc]
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                seen.append(n_threads())
                return False

        model.set_params(callbacks=[Count()])
    elif kind == "random_forest":
        from sklearn.tree import DecisionTreeClassifier

        original = DecisionTreeClassifier._fit

        def counted(self: Any, *arguments: Any, **keywords: Any) -> Any:
            seen.append(threading.get_native_id())
            return original(self, *arguments, **keywords)

        DecisionTreeClassifier._fit = counted
    return seen


def n_threads() -> int:
    """Return the number of this process's threads that may compute."""
    return sum(name != "jemalloc_bg_thd" for name in preload.thread_names())


def main() -> None:
    """Train `times` times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("times", type=int)
    parser.add_argument("--spoiled", action="store_true")
    arguments = parser.parse_args()
    local.wait_for_execution_api = lambda *_, **__: None
    local.installation = lambda: "edits of the source meanwhile do not matter here"
    if arguments.spoiled:
        local.preload = _preload_and_train
    forks = local.PreloadingLocalExecutor(parallelism=2)
    forks.run_workload = run
    forks.start()
    kinds = ["xgboost"] * arguments.times
    if not arguments.spoiled:
        kinds += ["random_forest", "hist_gradient_boosting"] * 6
    work = [Fit((kind, 1 + number // 2 % 2, number, arguments.results)) for number, kind in enumerate(kinds)]
    forks._process_workloads(work)
    ended: dict[object, tuple[str, str | None]] = {}
    while len(ended) < len(work):
        forks.sync()
        ended |= forks.get_event_buffer()
        time.sleep(PAUSE)
    forks.end()
    if causes := sorted({cause for state, cause in ended.values() if state == "failed" and cause}):
        raise SystemExit("; ".join(causes))


def _preload_and_train() -> None:
    preload.preload()
    fit("xgboost", 2)


if __name__ == "__main__":
    main()
