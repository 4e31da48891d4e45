"""The champion for whoever uses it: loaded from the file registry, without a database and without the ledger.

What a source did to raw columns before a model was fitted is done to the rows of a caller, too: the declared types,
the spellings of missing values, the marks of numbers. So a column means the same in training and afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import DataError, IntegrityError, UsageError, near_match
from mlsys.schema import ColumnSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from mlsys.settings import Settings
    from mlsys.spec import Spec

_MEND = "Let `mlsys reconcile {}` write it again from the store"


@dataclass(frozen=True)
class Champion:
    """The model that served when it was loaded, and what it wants to be given.

    Attributes:
        version: semantic version, as `mlsys history` shows it.
        candidate_id: what the ledger and MLflow call it.
        cutoff: end of the data that it knows, exclusive, UTC.
        task: the learning task: `binary`, `regression` or `policy`.
        target: the column that it predicts.
        positive: the class whose probability it gives, by its name as text; None of a model that predicts numbers.
        threshold: `metrics.threshold` of the spec; a probability that reaches it counts as positive. None of numbers.
        actions: names of the actions that a policy chooses from; empty of other models.
        features: the columns that it reads, with their declared types, in the model's order.
        model: the fitted estimator of scikit-learn; it takes what `prepare` returns.
        folder: where it lies, with its metrics, spec and requirements.
    """

    pipeline: str
    version: str
    candidate_id: str
    cutoff: datetime
    task: str
    target: str
    positive: str | None
    threshold: float | None
    features: Mapping[str, ColumnSpec]
    model: Any
    folder: Path
    actions: tuple[str, ...] = ()

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows, 2)` float64 probabilities; the second column is that of the positive class.

        Raises:
            UsageError: the champion predicts numbers, which have no probability.
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np

        if self.threshold is None:
            raise UsageError(
                f"This champion predicts {'actions' if self.actions else 'numbers'}, not probabilities",
                where=f"{self.pipeline} {self.version}",
                remedy="Use `predict`",
            )
        frame = self.prepare(rows)
        if frame.empty:  # scikit-learn refuses to predict nothing
            return np.empty((0, 2))
        return np.asarray(self.model.predict_proba(frame), dtype="float64")

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` predictions: of classes int8, 1 where the probability of the positive one reaches the
        threshold, else 0; of numbers float64, in the target's unit; of actions their names as objects.

        Raises:
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np

        if self.threshold is not None:
            y_pred: np.ndarray = (self.predict_proba(rows)[:, 1] >= self.threshold).astype("int8")
            return y_pred
        if self.actions:
            chosen = self.values(rows)["action"].to_numpy(dtype=object)
            return np.asarray(chosen)
        frame = self.prepare(rows)
        return np.empty(0) if frame.empty else np.asarray(self.model.predict(frame), dtype="float64")

    def values(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the action a policy chooses in each row, its alternatives, and what each action is worth.

        Columns are `action`, `alternatives` (a tuple of the other actions' names, the best one first), and one of
        each action's value, with the index of the rows. Values rank the actions of a row, and are no forecast.

        Raises:
            UsageError: the champion chooses no actions.
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np
        import pandas as pd

        if not self.actions:
            raise UsageError("This champion chooses no actions", where=self.pipeline, remedy="Use `predict`")
        frame = self.prepare(rows)
        shape = (len(frame), len(self.actions))
        worth = np.empty(shape) if frame.empty else np.asarray(self.model.predict(frame), dtype="float64")
        best_first = np.array(self.actions, dtype=object)[np.argsort(-worth, axis=1, kind="stable")]
        found = pd.DataFrame({"action": best_first[:, 0]}, index=rows.index)
        found["alternatives"] = pd.Series([tuple(names[1:]) for names in best_first], index=rows.index, dtype=object)
        return found.join(pd.DataFrame(worth, columns=list(self.actions), index=rows.index))

    def prepare(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the features as the model takes them, in the order and with the index of the rows.

        Numbers become float64, NaN where missing; texts become objects, None where missing. Columns that are no
        features are left alone.

        Raises:
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import pyarrow as pa

        from mlsys.dataset.dataset import feature_frame

        missing = [name for name in self.features if name not in rows.columns]
        if missing:
            raise DataError(
                f"The rows lack {len(missing)} of the champion's {len(self.features)} features: "
                f"{', '.join(missing[:10])}{', ...' if len(missing) > 10 else ''}",
                where=f"{self.pipeline} {self.version}",
                got=[str(name) for name in rows.columns],
                remedy="Select these columns, too, under the names that the spec has",
            )
        table = pa.table({name: self._values(rows[name], column) for name, column in self.features.items()})
        return feature_frame(table, self.features).set_index(rows.index)

    def _values(self, values: pd.Series, column: ColumnSpec) -> pa.Array:
        from mlsys.sources.reading.number_marks import what_to_do
        from mlsys.sources.reading.values import logical_values

        where = f"column '{values.name}'"
        read, bad = logical_values(_raw(values, column), column, where)
        if bad is not None:
            places = bad.to_pylist()
            first = places.index(True)
            hint = what_to_do(values.iloc[first], column)
            raise DataError(
                f"{sum(places)} of {len(places)} values are no {column.type}, the first in row {first}",
                where=where,
                got=values.iloc[first],
                remedy="Correct them, or leave these rows out" + (f"; {hint}" if hint else ""),
            )
        return read


def load_champion(pipeline: str, *, home: str | Path | None = None) -> Champion:
    """Return the model that serves now, from the file registry, after comparing its bytes with those promoted.

    Args:
        pipeline: name of the spec.
        home: the MLSYS_HOME to look in; default that of the environment, which is `var` where it is not set.

    Raises:
        UsageError: no such pipeline, or no champion of it in the file registry.
        IntegrityError: the file is gone, or not the one that was promoted; nothing was unpickled.
        RunError: the installed packages can't read the model.
    """
    from mlsys.registries.files import MODEL, release_record, serving_folder
    from mlsys.settings import load_settings
    from mlsys.training.model_file import unpickled

    settings = load_settings()
    if home is not None:
        settings = settings.model_copy(update={"home": Path(home)})
    folder = serving_folder(pipeline, settings.root)
    if folder is None:
        raise _nobody(pipeline, settings)
    data, record = _read(folder / MODEL, pipeline), release_record(folder)
    if hashlib.sha256(data).hexdigest() != record.get("sha256"):
        raise IntegrityError(
            "The champion's file is not the one that was promoted; it was not opened",
            where=str(folder / MODEL),
            remedy=_MEND.format(pipeline),
        )
    spec = _spec_beside(folder)
    return Champion(
        pipeline=pipeline,
        version=str(record.get("version")),
        candidate_id=str(record.get("candidate_id")),
        cutoff=datetime.fromisoformat(str(record.get("cutoff"))),
        task=spec.target.task,
        target=spec.target.column,
        positive=getattr(spec.target, "positive", None),
        threshold=spec.metrics.threshold if spec.target.estimator == "classifier" else None,
        features=spec.feature_columns(),
        model=unpickled(data, where=str(folder / MODEL)),
        folder=folder,
        actions=getattr(spec.target, "actions", ()),
    )


def _nobody(pipeline: str, settings: Settings) -> UsageError:
    """Return why there is no champion to load."""
    registry = settings.root / "registry"
    known = {path.stem for path in settings.pipelines.glob("*.yaml")} | {path.name for path in registry.glob("*/")}
    if pipeline not in known:
        return UsageError(
            f"There is no pipeline '{pipeline}'" + (f". {near_match(pipeline, known)}" if known else ""),
            where=str(settings.root),
            remedy="MLSYS_HOME, or `home=`, says in which home to look",
        )
    return UsageError(
        f"{pipeline} has no champion in the file registry",
        where=str(registry / pipeline),
        remedy=f"Make one with `mlsys run {pipeline}`. If `mlsys champion {pipeline}` names one, its spec leaves "
        "`files` out of `registries`: load it from MLflow, or add `files` and run `mlsys reconcile`",
    )


def _read(path: Path, pipeline: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"The champion's file can't be read: {error.strerror}", where=str(path), remedy=_MEND.format(pipeline)
        ) from error


def _spec_beside(folder: Path) -> Spec:
    """Return the spec that the model was fitted by."""
    import yaml

    from mlsys.registries.files import SPEC
    from mlsys.spec import parse_dump

    try:
        return parse_dump(yaml.safe_load((folder / SPEC).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise IntegrityError(
            "The spec beside the champion's file can't be read",
            where=str(folder / SPEC),
            remedy="Move the folder away and run `mlsys reconcile`",
        ) from error


def _raw(values: pd.Series, column: ColumnSpec) -> pa.Array:
    """Return a column as Arrow has it; one of mixed Python objects as a database driver's rows are read."""
    import pyarrow as pa

    from mlsys.sources.reading.rows import record_batch

    try:
        found = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        texts = values.astype(object).where(values.notna(), None)
        return record_batch([(value,) for value in texts], {str(values.name): column}).column(0)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
