"""Golden predictions: a few rows and what the model said of them in the moment it became champion.

They show whether a changed environment still gives the same answers, also where the old environment is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlsys import keys
from mlsys.dataset import dataset
from mlsys.dataset.dataset import NUMERIC
from mlsys.dataset.of_run import SIDES_FITTED, snapshot_and_split
from mlsys.errors import IntegrityError, MlsysError
from mlsys.events import get_logger
from mlsys.records import Candidate, Plan, Snapshot, Split
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT
from mlsys.store import Store
from mlsys.training import model_file
from mlsys.training.seen import seen

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.workspace import Workspace

log = get_logger(__name__)

ROWS = 64  # holdout rows, spread over all of them in their order


def keep(spec: Spec, snapshot: Snapshot, split: Split, candidate: Candidate, store: Store) -> str | None:
    """Store golden predictions of a candidate and return their SHA-256; None where it can't be asked, which is logged.

    The same candidate on the same rows gives the same bytes.
    """
    import numpy as np

    try:
        data = dataset.load(spec, snapshot, split, store=store, sides=(HOLDOUT,))
        chosen = np.unique(np.linspace(0, max(len(data.rows) - 1, 0), min(ROWS, len(data.rows))).astype(int))
        rows = data.rows.iloc[chosen].reset_index(drop=True)
        answers = data.target.answers(model_file.load(str(candidate.model), store), rows)
    except MlsysError as error:
        log.warning("no_golden_predictions", candidate=candidate.candidate_id, reason=str(error))
        return None
    return store.put_json(
        {
            "model": candidate.model,
            "classes": list(split.classes),
            "columns": {name: column.type for name, column in spec.feature_columns().items()},
            "rows": {name: _plain(rows[name]) for name in rows.columns},
            "answers": answers.tolist(),
            "versions": keys.versions(),
            "seen": _seen(spec, snapshot, split, candidate, store),
        }
    )


def keep_of_run(work: Workspace, plan: Plan, candidate: Candidate) -> str | None:
    """Store golden predictions of a candidate that never served; None also where its run's rows are gone."""
    try:
        found = snapshot_and_split(work, plan.run_id)
    except IntegrityError:
        return None
    return None if found is None else keep(work.spec_of(plan), *found, candidate, work.store)


def _seen(spec: Spec, snapshot: Snapshot, split: Split, candidate: Candidate, store: Store) -> dict[str, Any]:
    """Return what the columns of the rows hold that a candidate was fitted on."""
    on = SIDES_FITTED[candidate.refit.on if candidate.refit else None]
    return seen(dataset.load(spec, snapshot, split, store=store, sides=on).rows, spec.feature_columns())


def rows_of(golden: dict[str, Any]) -> pd.DataFrame:
    """Return the golden rows as a model takes them: numbers as float64, texts as objects, str or None."""
    import pandas as pd

    columns = {
        name: pd.Series(golden["rows"][name], dtype="float64" if kind in NUMERIC else object)
        for name, kind in golden["columns"].items()
    }
    return pd.DataFrame(columns, columns=list(columns))


def answered(spec: Spec, golden: dict[str, Any], model: str, store: Store) -> np.ndarray:
    """Return what a stored model says of the golden rows, here and now.

    Raises:
        RunError: the installed packages can't read it, or it gives no answers of the learning task.
    """
    return spec.target.about(golden["classes"]).answers(model_file.load(model, store), rows_of(golden))  # type: ignore[no-any-return]


def apart(golden: dict[str, Any], answers: np.ndarray) -> tuple[float, float]:
    """Return the largest and the mean difference to the golden answers, as shares of their spread.

    Where all golden answers are equal, differences stand as they are.
    """
    import numpy as np

    then = np.asarray(golden["answers"], dtype="float64")
    if then.shape != answers.shape:
        return float("inf"), float("inf")
    if not then.size:
        return 0.0, 0.0
    spread = float(then.max() - then.min()) or 1.0
    found = np.abs(answers - then) / spread
    return float(found.max()), float(found.mean())


def _plain(values: pd.Series) -> list[Any]:
    return [None if value != value or value is None else value for value in values.tolist()]
