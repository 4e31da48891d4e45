"""What every flaw must keep; subclass `FlawContract` with the fixtures `flaw` and `flawed`.

`rows` builds what a flaw looks at: thirty days of honest rows of two classes, or of numbers, with columns of several
types, of which some say something of the label. `changed` replaces columns, labels and days of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlsys.flaws.base import Flaw
from mlsys.flaws.digests import Digests
from mlsys.flaws.rows import Answers, Inspected, LabelledRows, Truths
from mlsys.metrics import METRICS
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.records.inspection import FlawFound
from mlsys.schema import LogicalType
from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION

LAST_DAY = date(2026, 3, 31)
N_DAYS = 30
_HELD_OUT, _VALIDATED = 7, 5  # days
CLASSES = ("no", "yes")
_Array = np.ndarray[Any, np.dtype[Any]]


def frame(n_rows: int, *, seed: int = 3) -> tuple[pd.DataFrame, _Array]:
    """Return columns of several types, a twentieth of whose values is missing, and what they say of a label."""
    random = np.random.default_rng(seed)
    size, age = random.lognormal(3, 1, n_rows), random.normal(40, 12, n_rows)
    visits = random.poisson(3, n_rows).astype(np.float64)
    kind = random.choice(np.array(["web", "app", "store"], dtype=object), n_rows, p=[0.5, 0.3, 0.2])
    country = random.choice(np.array(["US", "DE", "FR", "IE", "JP"], dtype=object), n_rows)
    signal = 0.8 * np.log(size) + 0.03 * age - 0.3 * visits + np.where(kind == "web", 0.9, 0.0)
    made = pd.DataFrame({"size": size, "age": age, "visits": visits, "kind": kind, "country": country})
    for name in made.columns:
        made.loc[random.random(n_rows) < 0.05, name] = np.nan if made[name].dtype.kind == "f" else None
    return made.astype({"kind": object, "country": object}), signal - 2.4


def rows(n_rows: int = 3000, *, numbers: bool = False, seed: int = 3, **changes: Any) -> Inspected:
    """Return honest rows of thirty days; `changes` are as in `of`."""
    made, signal = frame(n_rows, seed=seed)
    random = np.random.default_rng(seed + 1)
    noisy = signal + random.normal(0, 1, n_rows)
    y = noisy if numbers else (noisy > 0).astype(np.int64)
    scores = signal if numbers else 1 / (1 + np.exp(-signal))
    return of(made, y, scores=scores, seed=seed, **changes)


def of(
    columns: pd.DataFrame,
    y: _Array,
    *,
    classes: Sequence[str] | None = None,
    types: Mapping[str, LogicalType] | None = None,
    scores: _Array | None = None,
    timed: bool = True,
    seed: int = 3,
    **changes: Any,
) -> Inspected:
    """Return `(n_rows,)` rows, in the order of their days, as an inspection would have them, all in the sample.

    Args:
        columns: features: float64, or objects.
        y: class codes, or numbers.
        classes: names of the codes; `no` and `yes` by default, none of numbers.
        types: of columns; others are `number` or `category` by their values.
        scores: `(n_rows,)` of the challenger.
        timed: the last seven days are the holdout, and five before it the validation rows; else both are by chance.
        seed: of the sides, where they are by chance.
        changes: fields of the rows to replace.
    """
    n_rows = len(y)
    back = (np.arange(n_rows)[::-1] * N_DAYS // max(n_rows, 1)).astype("timedelta64[D]")
    day = np.datetime64(LAST_DAY, "D") - back
    drawn = back.astype(np.int64) if timed else np.random.default_rng(seed).integers(0, N_DAYS, n_rows)
    side = np.where(drawn < _HELD_OUT, HOLDOUT, np.where(drawn < _HELD_OUT + _VALIDATED, VALIDATION, TRAINING))
    names = () if y.dtype.kind == "f" else tuple(CLASSES if classes is None else classes)
    key, side = np.arange(n_rows).astype(np.uint64) + 1, side.astype(np.int8)
    known = types or {}
    sample = LabelledRows(columns.reset_index(drop=True), y, side, day, key)
    made = Inspected(
        types={name: known.get(str(name), _type(columns[name])) for name in map(str, columns.columns)},
        texts=frozenset(),
        classes=names,
        timed=timed,
        sample=sample,
        unlabelled=sample.where(np.zeros(n_rows, dtype=bool)),
        digests=Digests(pa.table({name: _arrow(columns[name]) for name in columns.columns}), side),
        truths=Truths(key, y, names),
        holdout_day=day[side == HOLDOUT],
        challenger=None if scores is None else answers(y, scores, side),
    )
    return replace(made, **changes)


def answers(y: _Array, scores: _Array, side: _Array) -> Answers:
    """Return what a model says, given its scores: probabilities of the class coded 1, or numbers."""
    kind, metric = (Predicted, METRICS.parse("rmse")) if y.dtype.kind == "f" else (Scored, METRICS.parse("roc_auc"))
    parts = [
        kind.of(
            y[side == each].astype(np.float64 if y.dtype.kind == "f" else np.int8), scores[side == each], threshold=0.5
        )
        for each in (VALIDATION, HOLDOUT)
    ]
    return Answers(parts[0], parts[1], lambda held: metric.value(held).value, metric.title)


def _type(column: pd.Series) -> LogicalType:
    return "number" if column.dtype.kind == "f" else "category"


def _arrow(column: pd.Series) -> pa.Array:
    return pa.array(column, from_pandas=True)


class FlawContract:
    """The contract; `flawed` are rows that have the flaw, of two classes, of numbers, large and small."""

    def test_honest_rows_are_quiet(self, flaw: Flaw) -> None:
        """Nothing is said of rows without a flaw, whatever their number."""
        for seed, n_rows in ((3, 3000), (4, 300), (5, 3000)):
            for numbers in (False, True):
                assert not list(flaw.look(rows(n_rows, numbers=numbers, seed=seed)))

    def test_flawed_rows_are_found(self, flaw: Flaw, flawed: Sequence[Inspected]) -> None:
        """It finds the flaw, and says so in whole sentences."""
        assert flawed
        for item in flawed:
            found = list(flaw.look(item))
            assert found
            for finding in found:
                assert FlawFound.load(finding.dump()) == finding
                assert finding.flaw == flaw.kind
                assert finding.state == "found"
                assert finding.sentence.endswith((".", "?"))
                assert finding.column is None or finding.column in item.types

    def test_too_few_rows_say_nothing(self, flaw: Flaw) -> None:
        """Of no row, and of a handful, nothing can be told, and nothing is raised."""
        for n_rows in (0, 1, 7):
            assert not list(flaw.look(rows(n_rows)))
            assert not list(flaw.look(rows(n_rows, numbers=True)))

    def test_odd_columns_raise_nothing(self, flaw: Flaw) -> None:
        """Columns without a value, of one value, and labels of one class are looked at as well as any."""
        made, _ = frame(400)
        odd = made.assign(nothing=np.nan, nobody=pd.Series([None] * 400, dtype=object), same=1.0)
        for y in (np.zeros(400, dtype=np.int64), np.arange(400) % 2, np.zeros(400), np.arange(400.0)):
            list(flaw.look(of(odd, y)))

    def test_the_same_rows_give_the_same(self, flaw: Flaw, flawed: Sequence[Inspected]) -> None:
        """A flaw has no memory."""
        for item in flawed:
            assert list(flaw.look(item)) == list(flaw.look(item))

    def test_what_is_ignored_or_a_warning_stops_nothing(self, flaw: Flaw, flawed: Sequence[Inspected]) -> None:
        """The spec's severity holds for what is found."""
        warning = flaw.model_copy(update={"severity": "warning"})
        for item in flawed:
            assert {finding.severity for finding in warning.look(item)} == {"warning"}
