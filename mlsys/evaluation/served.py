"""How a candidate would serve: its release, loaded by the real loader in a fresh process, with golden rows."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlsys import keys
from mlsys.dataset import dataset
from mlsys.errors import IntegrityError
from mlsys.evaluation.fresh_process import FOUND, GOLDEN, OTHERS, TASK
from mlsys.events import get_logger
from mlsys.gates.measuring import lacking
from mlsys.records import Candidate, Prepared
from mlsys.registries.files import write_release
from mlsys.shortages import ending
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT
from mlsys.store import Store, canonical_json, recall, remember
from mlsys.training import model_file

log = get_logger(__name__)

N_GOLDEN = 200
N_OTHERS = 10_000  # rows on which the fast way to answer is held against the plain one
LONGEST = 300.0  # seconds, then the process is ended
# Sums do not depend on the machine's cores, and neither does what an answer costs.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def served(spec: Spec, prepared: Prepared, candidate: Candidate, *, store: Store, timed: bool) -> Mapping[str, Any]:
    """Return what a fresh process found: answers to golden rows, packages, times; `refused` where it could not.

    The same candidate is measured once: a retry, and whoever judges again, finds what was found.

    Raises:
        IntegrityError: the candidate has no model file.
    """
    if candidate.model is None:
        raise IntegrityError("The candidate has no model file", got=candidate.candidate_id)
    about = [candidate.model, prepared.split.assignment, prepared.snapshot.manifest]
    key = hashlib.sha256(canonical_json([*about, timed, keys.versions(), keys.code_fingerprint()])).hexdigest()
    path = store.cache / "served" / f"{key}.json"
    known = recall(path)
    if known is not None:
        kept: dict[str, Any] = json.loads(known)
        return kept
    found = _measured(spec, prepared, candidate, store, timed)
    if "difference" in found:
        remember(path, canonical_json(found))
    return found


def _measured(spec: Spec, prepared: Prepared, candidate: Candidate, store: Store, timed: bool) -> dict[str, Any]:
    columns = spec.feature_columns()
    golden, others = _golden_and_others(prepared, list(columns), store)
    if not golden.num_rows:
        return lacking("too_few_rows", "The holdout has no row to ask about.")
    data = store.read_bytes(str(candidate.model))
    pipeline = model_file.load(str(candidate.model), store)
    judged = np.asarray(getattr(pipeline, spec.target.method)(dataset.feature_frame(golden, columns)), dtype="float64")
    record = {
        "pipeline": spec.pipeline,
        "version": "0.0.0",
        "candidate_id": candidate.candidate_id,
        "sha256": candidate.model,
        "cutoff": prepared.snapshot.cutoff.isoformat(),
        "candidate": candidate.dump(),
    }
    with store.working() as folder:
        write_release(folder, model=data, record=record, spec=spec.dump(), metrics=None)
        pq.write_table(golden, folder / GOLDEN)
        pq.write_table(others, folder / OTHERS)
        task = {"pipeline": spec.pipeline, "method": spec.target.method, "timed": timed}
        (folder / TASK).write_text(json.dumps(task), encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "mlsys.evaluation.fresh_process", str(folder)],
                capture_output=True,
                timeout=LONGEST,
                check=False,
                env={**os.environ, **_ONE_THREAD},
            )
        except subprocess.TimeoutExpired:
            sentence = f"A fresh process had not loaded the challenger and answered within {LONGEST:g} s."
            return lacking("not_loaded_in_time", sentence)
        if not (folder / FOUND).exists():
            return _ended(done)
        found: dict[str, Any] = json.loads((folder / FOUND).read_text(encoding="utf-8"))
    if "answers" in found:
        found["difference"] = float(np.abs(np.array(found.pop("answers")) - judged.ravel()).max())
    return found


def _golden_and_others(prepared: Prepared, columns: list[str], store: Store) -> tuple[pa.Table, pa.Table]:
    """Return holdout rows as the snapshot has them, and more of all sides; both evenly spread."""
    side = dataset.read_assignment(prepared.split, store)
    table = read_rows(prepared.snapshot.manifest, store, columns)
    holdout = _spread(np.flatnonzero(side == HOLDOUT), N_GOLDEN)
    return table.take(pa.array(holdout)), table.take(pa.array(_spread(np.arange(len(side)), N_OTHERS)))


def _spread(places: np.ndarray, n: int) -> np.ndarray:
    """Return at most `n` of some places, evenly spread over them."""
    if not len(places):
        return places
    found: np.ndarray = places[np.unique(np.linspace(0, len(places) - 1, n).astype(int))]
    return found


def _ended(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    """Return how a process ended that found nothing: a signal is none of the model's doing."""
    last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
    log.warning("fresh_process_ended", code=done.returncode, said=last)
    if done.returncode < 0:
        sentence = f"A fresh process that loaded the challenger was ended: {ending(done.returncode)}."
        return lacking("process_ended", sentence)
    return {"refused": " ".join(last.split())[:300].rstrip(".")}
