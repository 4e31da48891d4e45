"""The champion for whoever uses it: loaded from the file registry, without a database and without the ledger.

What a source did to raw columns before a model was fitted is done to the rows of a caller, too: the declared types,
the spellings of missing values, the marks of numbers. So a column means the same in training and afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import DataError, IntegrityError, RunError, UsageError, near_match
from mlsys.schema import ARRIVAL, EVENT_TIME, ColumnSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from mlsys.settings import Settings
    from mlsys.spec import Spec
    from mlsys.spec.joins import AsOfJoin

_MEND = "Let `mlsys reconcile {}` write it again from the store"


@dataclass(frozen=True)
class Champion:
    """The model that served when it was loaded, and what it wants to be given.

    Attributes:
        version: semantic version, as `mlsys history` shows it.
        candidate_id: what the ledger and MLflow call it.
        cutoff: end of the data that it knows, exclusive, UTC.
        task: the learning task: `binary`, `multiclass`, `regression` or `policy`.
        target: the column that it predicts.
        positive: of two classes the one whose probability it gives, by its name as text; else None.
        threshold: a probability that reaches it counts as positive: `metrics.threshold` of the spec, or the one chosen
            for this model by cost. None without a positive class.
        classes: of several classes those that it knows, in the order of their probabilities; else empty.
        actions: names of the actions that a policy chooses from; empty of other models.
        features: the columns that it reads, with their declared types, in the model's order.
        joins: the tables that some of them come from; `joined` takes them from rows of yours.
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
    classes: tuple[str, ...]
    features: Mapping[str, ColumnSpec]
    joins: tuple[AsOfJoin, ...]
    model: Any
    folder: Path
    actions: tuple[str, ...] = ()

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows, n_classes)` float64 probabilities, a column for each of `classes`.

        Of two classes there are two columns; the second one is that of the positive class.

        Raises:
            UsageError: the champion predicts numbers, which have no probability.
            DataError: a feature is not among the columns, or holds what its type can't be made of.
        """
        import numpy as np

        if self.threshold is None and not self.classes:
            raise UsageError(
                f"This champion predicts {'actions' if self.actions else 'numbers'}, not probabilities",
                where=f"{self.pipeline} {self.version}",
                remedy="Use `predict`",
            )
        frame = self.prepare(rows)
        if frame.empty:  # scikit-learn refuses to predict nothing
            return np.empty((0, len(self.classes) or 2))
        return np.asarray(self.model.predict_proba(frame), dtype="float64")

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` predictions: of two classes int8, 1 where the probability of the positive one reaches the
        threshold, else 0; of several the name of the most probable one; of numbers float64, in the target's unit; of
        actions their names as objects.

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
        frame, kind = self.prepare(rows), "str" if self.classes else "float64"
        return np.asarray([] if frame.empty else self.model.predict(frame), dtype=kind)

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
        table = pa.table({name: _typed(rows[name], column) for name, column in self.features.items()})
        return feature_frame(table, self.features).set_index(rows.index)

    def joined(self, rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame], *, at: pd.Series) -> pd.DataFrame:
        """Return rows with the columns that the spec joins, as of each row's time: what training would have seen.

        Args:
            rows: with the key of each join; their other columns stay.
            tables: raw rows of each joined table, by its name in the spec, in any order. They have the table's key, the
                columns that something is taken of, `known`, and the time: a column called as the source's
                `event_time`, or `_event_time` where it has none.
            at: `(n_rows,)` times of the rows, with an offset; pandas' UTC will do.

        Raises:
            UsageError: a table is missing.
            DataError: a column is missing, or holds what its type can't be made of; a time has no offset.
        """
        import pyarrow as pa

        from mlsys.snapshot.as_of import as_of

        found = rows.copy(deep=False)
        times = _typed(at.rename(EVENT_TIME), ColumnSpec(type="timestamp"))
        for join in self.joins:
            if join.name not in tables:
                raise UsageError(
                    f"The champion joins rows of '{join.name}', and `tables` has none by that name",
                    where=f"{self.pipeline} {self.version}",
                    got=list(tables),
                )
            key = _typed(_column(rows, join.key, "rows"), join.columns[join.key])
            mine = pa.table({join.key: key, EVENT_TIME: times})
            for name, values in as_of(join, mine, _raw_table(join, tables[join.name])).items():
                found[name] = values.to_pandas().set_axis(rows.index)
        return found


def _typed(values: pd.Series, column: ColumnSpec) -> pa.Array:
    """Return a raw column in its declared type.

    Raises:
        DataError: a value can't be made of it.
    """
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


def _raw_table(join: AsOfJoin, frame: pd.DataFrame) -> pa.Table:
    """Return raw rows of a joined table as `as_of` wants them."""
    import pyarrow as pa

    from mlsys.sources.base import ReadRequest
    from mlsys.sources.reading.conform import columns_to_read

    time = getattr(join.source, "event_time", None) or EVENT_TIME
    zone = getattr(join.source, "timezone", None)
    columns = columns_to_read(ReadRequest(join.columns, join.known), time, zone)
    wanted = {name for _, name in join.named()} | {time}
    read = {name: _typed(_column(frame, name, join.name), columns[name]) for name in columns if name in wanted}
    of_it = {name: read[name] for name in read if name in join.columns}
    return pa.table({**of_it, EVENT_TIME: read[time], **({ARRIVAL: read[join.known]} if join.known else {})})


def _column(frame: pd.DataFrame, name: str, what: str) -> pd.Series:
    if name not in frame.columns:
        rule = f"{what} have no column '{name}', which the join reads"
        raise DataError(rule, where="joined", got=[str(each) for each in frame.columns])
    return frame[name]


def load_champion(pipeline: str, *, home: str | Path | None = None) -> Champion:
    """Return the model that serves now, from the file registry, after comparing its bytes with those promoted.

    Args:
        pipeline: name of the spec.
        home: the MLSYS_HOME to look in; default that of the environment, which is `var` where it is not set.

    Raises:
        UsageError: no such pipeline, or no champion of it in the file registry.
        IntegrityError: the file is gone, or not the one that was promoted; nothing was unpickled.
        RunError: the installed packages can't read the model, or it answers otherwise than when it was promoted.
    """
    from mlsys.registries.files import serving_folder
    from mlsys.settings import load_settings

    settings = load_settings()
    if home is not None:
        settings = settings.model_copy(update={"home": Path(home)})
    folder = serving_folder(pipeline, settings.root)
    if folder is None:
        raise _nobody(pipeline, settings)
    return champion_in(folder, pipeline)


def champion_in(folder: Path, pipeline: str) -> Champion:
    """Return the model in the folder of a version, after comparing its bytes with those promoted.

    Raises:
        IntegrityError, RunError: as `load_champion`.
    """
    from mlsys.registries.files import MODEL, release_record
    from mlsys.training.model_file import unpickled

    data, record = _read(folder / MODEL, pipeline), release_record(folder)
    if hashlib.sha256(data).hexdigest() != record.get("sha256"):
        raise IntegrityError(
            "The champion's file is not the one that was promoted; it was not opened",
            where=str(folder / MODEL),
            remedy=_MEND.format(pipeline),
        )
    spec, model = _spec_beside(folder), unpickled(data, where=str(folder / MODEL))
    _require_like_promoted(folder, spec, model)
    positive = getattr(spec.target, "positive", None) if spec.target.two_classes else None
    return Champion(
        pipeline=pipeline,
        version=str(record.get("version")),
        candidate_id=str(record.get("candidate_id")),
        cutoff=datetime.fromisoformat(str(record.get("cutoff"))),
        task=spec.target.task,
        target=spec.target.column,
        positive=positive,
        threshold=None if positive is None else _threshold(record, spec),
        classes=spec.target.knows(model),
        features=spec.feature_columns(),
        joins=spec.joins,
        model=model,
        folder=folder,
        actions=getattr(spec.target, "actions", ()),
    )


def _require_like_promoted(folder: Path, spec: Spec, model: Any) -> None:
    """Compare the model's golden predictions where other packages are installed than when it was promoted.

    Raises:
        RunError: they differ by more than their last digits.
    """
    from mlsys import keys
    from mlsys.registries.files import GOLDEN
    from mlsys.training import golden

    try:
        known = json.loads((folder / GOLDEN).read_bytes())
    except (OSError, ValueError):  # of an earlier version, which kept none
        return
    changed = keys.version_changes(known["versions"])
    if not changed:
        return
    largest, _ = golden.apart(known, spec.target.about(known["classes"]).answers(model, golden.rows_of(known)))
    if largest > keys.TOLERANCE:
        raise RunError(
            f"The champion answers otherwise than when it was promoted: by up to {largest:.2g} of the range of its "
            f"answers. Since then: {', '.join(changed)}",
            where=str(folder),
            remedy=f"Fit it anew with these packages: `mlsys rehydrate {spec.pipeline}`; or install the former ones",
        )


def _threshold(record: Mapping[str, Any], spec: Spec) -> float:
    """Return the threshold chosen for the model itself, or that of its spec."""
    own = record.get("candidate", {}).get("threshold")
    return spec.metrics.usual_threshold if own is None else float(own)


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

    if getattr(values.dtype, "tz", None) is not None:  # pandas warns where Arrow takes such times from it
        instants = pa.array(values.dt.tz_convert(None).to_numpy(), from_pandas=True)
        return instants.cast(pa.timestamp("us"), safe=False).cast(pa.timestamp("us", tz="UTC"))
    try:
        found = pa.Array.from_pandas(values)
    except UnicodeEncodeError as error:  # JSON may hold one half of a pair of surrogates
        raise DataError("A text is not valid Unicode", where=f"column '{values.name}'", got=error.object) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        texts = values.astype(object).where(values.notna(), None)
        return record_batch([(value,) for value in texts], {str(values.name): column}).column(0)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
