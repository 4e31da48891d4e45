"""What a fresh process finds when it loads a release and answers: run as `python -m mlsys.evaluation.fresh_process`.

It reads `task.json`, `golden.parquet` and `others.parquet` in the folder that it is given and writes `found.json`.
Times, where the task asks for them, are medians over rounds, so that one disturbed round decides nothing.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import MlsysError
from mlsys.garbage import collect_seldom

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.serving import Champion

TASK, GOLDEN, OTHERS, FOUND = "task.json", "golden.parquet", "others.parquet", "found.json"
BATCH = 1000
_ROUNDS, _CALLS, _FEWEST, _SECONDS = 5, 100, 20, 1.0  # calls of a round, or as many as fit into the seconds


def main(folder: Path) -> None:
    """Load the release in a folder, answer its golden rows, and write down what was found."""
    collect_seldom()
    begun = time.perf_counter()
    task = json.loads((folder / TASK).read_text(encoding="utf-8"))
    try:
        found = _found(folder, task, begun)
    except (MlsysError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
        said = str(error) if isinstance(error, MlsysError) else f"{type(error).__name__}: {error}"
        found = {"refused": " ".join(said.split())[:300].rstrip(".")}
    (folder / FOUND).write_text(json.dumps(found), encoding="utf-8")


def _found(folder: Path, task: dict[str, Any], begun: float) -> dict[str, Any]:
    import numpy as np
    import pyarrow.parquet as pq

    from mlsys.registries.files import MODEL, REQUIREMENTS
    from mlsys.registries.requirements import packages_of
    from mlsys.serving import champion_in
    from mlsys.serving.fast import fast_path

    champion = champion_in(folder, task["pipeline"])
    rows = pq.read_table(folder / GOLDEN).to_pandas()
    ask = _asker(champion, task["method"])
    together = ask(rows)
    seconds = time.perf_counter() - begun
    alone = np.concatenate([ask(rows.iloc[[i]]) for i in range(min(len(rows), 20))])
    path, compared = fast_path(champion, pq.read_table(folder / OTHERS).to_pandas())
    needed = packages_of((folder / MODEL).read_bytes())
    listed = {_normal(re.split("[=<>]", line)[0]) for line in (folder / REQUIREMENTS).read_text().split()}
    return {
        "n": len(rows),
        "seconds": seconds,
        "answers": together.ravel().tolist(),
        "alone": float(np.abs(alone - together[: len(alone)]).max()),
        "fast": None if path is None else path.name,
        "compared": compared,
        "packages": needed,
        "unnamed": [name for name in needed if _normal(name) not in listed],
        **(_timed(ask, rows) if task["timed"] else {}),
    }


def _asker(champion: Champion, method: str) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return what answers raw rows, as a loaded champion does: prepared, then asked."""
    import numpy as np

    asked = getattr(champion.model, method)
    return lambda rows: np.asarray(asked(champion.prepare(rows)), dtype="float64")


def _normal(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def _timed(ask: Callable[[pd.DataFrame], np.ndarray], rows: pd.DataFrame) -> dict[str, Any]:
    """Return medians of rounds in milliseconds, on the clock and of its own, and how many single rows a round asked."""
    import numpy as np
    import pandas as pd

    batch = pd.concat([rows] * (BATCH // len(rows) + 1), ignore_index=True).iloc[:BATCH]
    ask(batch)
    singles, batches = [], []
    for _ in range(_ROUNDS):
        until = time.perf_counter() + _SECONDS
        calls: list[tuple[float, float]] = []
        while len(calls) < _CALLS and (len(calls) < _FEWEST or time.perf_counter() < until):
            calls.append(_call(ask, rows.iloc[[len(calls) % len(rows)]]))
        singles.append(np.array(calls))
        batches.append(_call(ask, batch))
    found: dict[str, Any] = {"n_calls": min(len(calls) for calls in singles)}
    for i, name in enumerate(("clock_ms", "own_ms")):
        p50, p99 = np.median([np.quantile(calls[:, i], [0.5, 0.99]) for calls in singles], axis=0)
        of_batch = np.median([each[i] for each in batches])
        found[name] = {"p50": float(p50), "p99": float(p99), "batch": float(of_batch)}
    return found


def _call(ask: Callable[[pd.DataFrame], np.ndarray], rows: pd.DataFrame) -> tuple[float, float]:
    """Return how many milliseconds one call took, and how many of them were its own.

    Not its own is the time in which it could have run and others had the processor. Linux counts it; elsewhere a call's
    own time is that of the processor.
    """
    waited, clock, processor = _waited(), time.perf_counter(), time.process_time()
    ask(rows)
    took, worked = time.perf_counter() - clock, time.process_time() - processor
    own = worked if waited is None else took - ((_waited() or waited) - waited)
    return 1000 * took, 1000 * max(own, worked)


def _waited() -> float | None:
    """Return how many seconds this thread has waited for a processor since it began; None where nobody counts it."""
    try:
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
