"""The rows that a run of before had, and the sides of them that its models were fitted on."""

from __future__ import annotations

from collections.abc import Mapping

from mlsys.records import RefitOn, Snapshot, Split
from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION
from mlsys.workspace import Workspace

# By what a model was fitted on again, None where it was not.
SIDES_FITTED: Mapping[RefitOn | None, tuple[int, ...]] = {
    None: (TRAINING,),
    "train+validation": (TRAINING, VALIDATION),
    "all": (TRAINING, VALIDATION, HOLDOUT),
}


def snapshot_and_split(work: Workspace, run_id: str) -> tuple[Snapshot, Split] | None:
    """Return a run's snapshot and how it was divided; None where it left no record of them.

    Raises:
        IntegrityError: that record is gone or was changed.
    """
    rows = work.ledger.run(run_id)
    snapshot = next((row.snapshot for row in rows if row.snapshot is not None), None)
    digest = next((row.parts["split"] for row in reversed(rows) if "split" in row.parts), None)
    if snapshot is None or digest is None:
        return None
    return snapshot, Split.load(work.store.read_json(digest))
