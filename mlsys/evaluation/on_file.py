"""A version measured on a file: the same reading, features, labels, metrics and intervals as in a retraining.

Nothing is written into the ledger or the store.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlsys.dataset.dataset import feature_frame
from mlsys.errors import DataError, IntegrityError, UsageError, near_match
from mlsys.evaluation.champion import ChampionModel, model_of
from mlsys.evaluation.comparison import ComparisonRules, Contender, assess
from mlsys.evaluation.evaluation import metrics_of
from mlsys.evaluation.ties import Ties
from mlsys.ledger import ChampionChange
from mlsys.metrics.predictions import Predictions
from mlsys.records import MetricValue
from mlsys.schema import ColumnSpec
from mlsys.sources.base import ReadRequest, Rejected
from mlsys.sources.excel import ExcelSource
from mlsys.sources.files import FilesSource
from mlsys.sources.reading.file_drops import FileDrops
from mlsys.spec import Spec
from mlsys.spec.outputs import require_no_drop
from mlsys.targets.base import Target
from mlsys.training import model_file
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    from mlsys.targets.truth import Truth

_WORKBOOKS = (".xlsx", ".xlsm")
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class FileEvaluation:
    """What a version says of the rows of a file.

    Attributes:
        n_rows: rows that could be read; `rejected` are the others, the first with their reasons.
        unlabelled: rows without a usable label, by the reason; all rows where the file has no label column.
        classes: labelled rows of each class; empty of numbers.
        values: every metric with its interval on the labelled rows; empty where there are none.
        quantiles: of the scores of all rows; empty of answers that are no single number.
        table: key columns where the file has them, and what the model says of each row.
    """

    pipeline: str
    version: str
    candidate: str
    last_day: str
    path: str
    n_rows: int
    n_labelled: int
    rejected: tuple[Rejected, ...]
    unlabelled: Mapping[str, int]
    classes: Mapping[str, int]
    primary: str
    values: tuple[MetricValue, ...]
    quantiles: Mapping[str, float]
    table: pa.Table = field(repr=False)

    def facts(self) -> dict[str, Any]:
        """Return everything but the scores of single rows, JSON-pure."""
        said = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "table"}
        return {**said, "values": [value.dump() for value in self.values], "n_rejected": len(self.rejected)}


def measure(work: Workspace, pipeline: str, path: Path, *, version: str | None = None) -> FileEvaluation:
    """Let a version that served (default: the champion) score the rows of a CSV, Parquet or Excel file.

    Raises:
        UsageError: no such version, or no champion.
        DataError: the file lacks columns, holds what their types can't be made of, or has no readable row.
        IntegrityError: the model's file is gone or was changed.
    """
    from threadpoolctl import threadpool_limits

    change = _served(work, pipeline, version)
    plan = work.ledger.plan(change.run_id)
    spec, champion = work.spec_of(plan), model_of(work, change)
    if champion.candidate.model is None:
        raise IntegrityError("The ledger names no model file of this version", got=change.candidate_id)
    table, rejected = _read(spec, champion, path)
    target: Target = spec.target.about(champion.candidate.classes)
    with threadpool_limits(limits=1):  # makes sums independent of the machine
        pipeline_of_model = model_file.load(champion.candidate.model, work.store)
        answers = target.answers(pipeline_of_model, feature_frame(table, champion.columns))
        truth = _truth(target, table)
        known = np.zeros(table.num_rows, dtype=bool) if truth is None else truth.known
        values: tuple[MetricValue, ...] = ()
        if truth is not None:
            judged = target.predictions.of(truth.y[known], answers[known], threshold=champion.threshold)
            values = _values(spec, champion, judged, _ties(spec, table, known), seed=plan.seed)
    return FileEvaluation(
        pipeline=pipeline,
        version=change.version,
        candidate=change.candidate_id,
        last_day=str(change.last_day),
        path=str(path),
        n_rows=table.num_rows,
        n_labelled=int(known.sum()),
        rejected=tuple(rejected),
        unlabelled=_unlabelled(truth, table.num_rows),
        classes={} if truth is None else dict(truth.counts(known)),
        primary=spec.metrics.primary,
        values=values,
        quantiles=_quantiles(answers),
        table=_scores(spec, target, table, answers),
    )


def require_no_input(work: Workspace, pipeline: str, data: Path, out: Path, *, version: str | None = None) -> None:
    """Refuse to write scores over the file that is scored, or where runs would read them as a drop.

    Raises:
        UsageError: says which of the two.
    """
    if out.exists() and data.exists() and out.samefile(data):
        raise UsageError(
            "The scores would take the place of the rows", where="--out", got=out, remedy="Write elsewhere"
        )
    spec = work.spec_of(work.ledger.plan(_served(work, pipeline, version).run_id))
    require_no_drop(spec, out, where="--out")


def _served(work: Workspace, pipeline: str, version: str | None) -> ChampionChange:
    served = {change.version: change for change in work.ledger.champion_changes(pipeline)}
    if not served:
        raise UsageError(f"{pipeline} has no champion yet", remedy=f"Make one with `mlsys run {pipeline}`")
    if version is None:
        return list(work.ledger.champion_changes(pipeline, last=1))[-1]
    if version not in served:
        rule = f"No version of that name ever served {pipeline}. {near_match(version, served)}"
        raise UsageError(rule, where="--version", got=version, remedy=f"See `mlsys history {pipeline}`")
    return served[version]


def _read(spec: Spec, champion: ChampionModel, path: Path) -> tuple[pa.Table, list[Rejected]]:
    """Return the rows of a file in their declared types, and those that can't be read."""
    if not path.is_file():
        raise UsageError("There is no such file", where="--data", got=str(path))
    source = _source(spec, path)
    known = {**spec.columns, **champion.columns}
    optional = [*spec.target.made_of.names, *spec.key, *([spec.split.group_column] if spec.split.group_column else [])]
    there = set(source.opened(path, known).names(known))
    missing = [name for name in champion.columns if name not in there]
    if missing:
        raise DataError(
            f"The file lacks {len(missing)} of the {len(champion.columns)} columns that the model reads: "
            f"{', '.join(missing[:10])}{', ...' if len(missing) > 10 else ''}",
            where=str(path),
            got=sorted(there),
            remedy="Name the columns as the spec does; joined columns have to stand in the file, too",
        )
    wanted: dict[str, ColumnSpec] = {**champion.columns, **{n: known[n] for n in optional if n in there and n in known}}
    tables, rejected = [], list[Rejected]()
    for drop in source.read(ReadRequest(wanted)):
        tables.append(drop.table)
        rejected += drop.rejected
    table = pa.concat_tables(tables) if tables else None
    if table is None or not table.num_rows:
        first = f"; the first of {len(rejected)}: {rejected[0].where}: {rejected[0].reason}" if rejected else ""
        raise DataError(f"The file has no row that can be read{first}", where=str(path))
    return table, rejected


def _source(spec: Spec, path: Path) -> FileDrops:
    """Return the source that reads a file as the spec's own source reads files, where it reads such ones."""
    kind = ExcelSource if path.suffix.lower() in _WORKBOOKS else FilesSource
    one = {"path": glob.escape(str(path.absolute())), "day_pattern": None, "event_time": None}
    if isinstance(spec.source, kind):
        return spec.source.model_copy(update=one)
    zone = getattr(spec.source, "timezone", None)
    separator = {} if kind is ExcelSource else {"separator": "auto"}
    return kind.model_validate({**one, **separator, "timezone": zone})  # type: ignore[no-any-return]


def _truth(target: Target, table: pa.Table) -> Truth | None:
    """Return the labels of the rows, or None where the file lacks what they are made of, or no row has one."""
    if not set(target.made_of.names) <= set(table.column_names):
        return None
    truth = target.truth(target.made_of.of(table))
    return truth if truth.known.any() else None


def _values(
    spec: Spec, champion: ChampionModel, judged: Predictions, ties: Ties, *, seed: int
) -> tuple[MetricValue, ...]:
    """Return every metric of the labelled rows."""
    one = Contender(champion.candidate.candidate_id, champion.candidate.name, "champion", holdout=judged)
    rules = ComparisonRules(
        primary=spec.metrics.primary,
        n_replicates=spec.metrics.replicates,
        seed=seed,
        level=spec.metrics.level,
        ties=ties,
    )
    return assess([], one, metrics=metrics_of(spec), rules=rules).evaluations[0].holdout


def _ties(spec: Spec, table: pa.Table, known: np.ndarray) -> Ties:
    """Return what labelled rows have in common: the groups that a split would keep together."""
    group = spec.split.group_column
    if group is None or group not in table.column_names:
        return Ties()
    numbers = table[group].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return Ties(groups={group: np.unique(numbers[known], return_inverse=True)[1]}, kept=group)


def _unlabelled(truth: Truth | None, n_rows: int) -> dict[str, int]:
    if truth is None:
        return {"no label": n_rows}
    return {reason: int(mask.sum()) for reason, mask in truth.unusable.items() if mask.any()}


def _quantiles(answers: np.ndarray) -> dict[str, float]:
    if answers.ndim != 1:
        return {}
    return {
        f"{share:.0%}": float(value) for share, value in zip(_QUANTILES, np.quantile(answers, _QUANTILES), strict=True)
    }


def _scores(spec: Spec, target: Target, table: pa.Table, answers: np.ndarray) -> pa.Table:
    keys: Sequence[str] = [name for name in spec.key if name in table.column_names]
    columns = {**{name: table[name] for name in keys}, **target.filed(answers)}
    return pa.table(columns)
