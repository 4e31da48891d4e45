"""The target of a table: which column, what kind of learning task, and which class is the positive one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log

from mlsys.drafting.choices import supported
from mlsys.drafting.declaring import Column
from mlsys.drafting.questions import Answerer, OpenQuestion, in_a_row
from mlsys.drafting.yaml_text import writable
from mlsys.errors import DataError, UsageError, near_match
from mlsys.schema import ColumnSpec
from mlsys.sources.reading.values import logical_values
from mlsys.targets.labels import labels_of
from mlsys.targets.multiclass import MOST_CLASSES
from mlsys.wording import counted

LEAST_LABELS = 30
_LEAST_OF_CLASS = 3
_SURE = re.compile(r"(the_?)?(target|label|labels|class|outcome|y|response|ground_truth)", re.IGNORECASE)
_LIKELY = re.compile(
    r"(is|has|was|will)?[_ .]?(churn|churned|convert|converted|conversion|default|defaulted|fraud|fraudulent|"
    r"survived|returned|purchased?|bought|subscribed|clicked|click|diagnosis|spam|exited|attrition|approved|cancelled|"
    r"canceled|late|phishing|malicious|malignant|left|won|target_?\w*|\w+_(target|label|class|outcome))",
    re.IGNORECASE,
)
_POSITIVE = {
    *("yes", "true", "1", "y", "t", "positive", "pos", "oui", "ja", "si", "sí", "sì", "sim", "tak", "да", "是", "vrai"),
    *("churned", "churn", "fraud", "fraudulent", "spam", "default", "phishing", "malicious", "malignant", "returned"),
    *("converted", "won", "subscribed", "bad", "sick", "disease", "failed", "failure", "late", "on", "died", "wahr"),
}
_BOOLEAN = ColumnSpec(type="boolean")
_ROWS_OF_CLASS = 5  # fewer on average name rows, not kinds
_MOST_CLASSES = 20  # whole numbers beyond are amounts
_OF_CLASSES = re.compile(r"(\w+_)?(class|label|category|kind|type)(_(id|code|no))?", re.IGNORECASE)


@dataclass(frozen=True)
class TargetFound:
    """What is predicted.

    Attributes:
        positive: the positive class as the spec names it; empty where the task has none.
        counts: rows of each class by its name; empty of a number.
        notes: for comments: why this column, why this class.
    """

    column: Column
    task: str
    positive: str
    counts: Mapping[str, int]
    why: str
    positive_why: str

    @property
    def n_labelled(self) -> int:
        """Rows with a label."""
        return self.column.profile.n_known

    @property
    def positive_share(self) -> float:
        """Share of the positive class among the labelled rows; 0.5 where there is none."""
        return self.counts[self.positive] / self.n_labelled if self.positive else 0.5

    @property
    def surprise(self) -> float:
        """Log loss of a model that gives every row the share of each of several classes; 0 of another task."""
        if self.positive:
            return 0.0
        return sum(-n / self.n_labelled * log(n / self.n_labelled) for n in self.counts.values())


@dataclass(frozen=True)
class TargetWish:
    """What a person has said of the target."""

    column: str | None = None
    task: str | None = None
    positive: str | None = None


def target_of(columns: Mapping[str, Column], wish: TargetWish, origin: str, ask: Answerer) -> TargetFound:
    """Return the target of a table.

    Raises:
        UsageError: it can't be told and nobody answers; the wish names what is not there, or a task without support.
        DataError: too few rows or classes.
    """
    name, why = (wish.column, "") if wish.column else _guessed(columns, origin, ask)
    if name not in columns:
        raise UsageError(f"There is no column '{name}'. {near_match(name, columns)}", where="--target")
    column = _in_own_words(columns[name])
    where = f"{origin}, column {name}"
    _require_labels(column, where)
    task = wish.task or _task_of(column, ask)
    if not supported(task):
        _refuse_task(column, task, where)
    if wish.positive and task != "binary":
        raise UsageError(f"A task of kind {task} has no positive class", where="--positive", got=wish.positive)
    if task == "regression":
        if not column.numeric:
            raise DataError(
                "The target is no number", where=where, got=column.profile.examples[0], remedy="Name another --target"
            )
        return TargetFound(column, task, "", {}, why, "")
    counts = _classes(column)
    for class_ in counts:
        if not writable(class_):
            raise DataError(
                "A class has a NUL, which no spec can hold", where=where, got=class_, remedy="Clean the column"
            )
    _require_classes(counts, task, column, where)
    if task == "multiclass":
        return TargetFound(column, task, "", counts, why, "")
    positive, positive_why = _positive(counts, wish.positive, min(counts, key=lambda each: (counts[each], each)))
    return TargetFound(column, task, positive, counts, why, positive_why)


def _require_classes(counts: Mapping[str, int], task: str, column: Column, where: str) -> None:
    """Refuse too many classes, and classes of two of which one has hardly a row."""
    most = min(MOST_CLASSES, column.profile.n_known // _ROWS_OF_CLASS) if task == "multiclass" else 2
    if not 2 <= len(counts) <= most:
        _refuse_task(column, task, where)
    rarest = min(counts, key=lambda each: (counts[each], each))
    if len(counts) == 2 and counts[rarest] < _LEAST_OF_CLASS:
        rule = f"Only {counted(counts[rarest], 'row')} of {column.profile.n_known:,} have the class '{rarest}'"
        raise DataError(rule, where=where, remedy="Take in more rows of that class")


def _require_labels(column: Column, where: str) -> None:
    profile = column.profile
    if not profile.n_known:
        raise DataError("The target is missing in every row", where=where, remedy="Name another --target")
    if profile.n_distinct == 1:
        rule = "The target has the same value in every row"
        raise DataError(rule, where=where, got=profile.examples[0], remedy="Name another --target")
    if profile.n_known < LEAST_LABELS:
        rule = f"A model needs rows to learn from and to be judged on: {profile.n_known:,} have a label"
        raise DataError(rule, where=where, remedy=f"Give at least {LEAST_LABELS}; a decision needs a thousand or so")


def _guessed(columns: Mapping[str, Column], origin: str, ask: Answerer) -> tuple[str, str]:
    """Return the column that is the target by its name, or the only one of two values, and why."""
    possible = [name for name, column in columns.items() if column.type != "timestamp" and column.n_distinct > 1]
    for pattern in (_SURE, _LIKELY):
        named = [name for name in possible if pattern.fullmatch(name) and not _is_a_place(name, columns)]
        if len(named) == 1:
            return named[0], "by its name"
        if named:
            return _asked(named, possible, origin, ask), ""
    of_two = [name for name in possible if columns[name].n_distinct == 2]
    if len(of_two) == 1 and of_two[0] == list(columns)[-1]:
        return of_two[0], "the last column, and the only one of two values"
    return _asked(of_two, possible, origin, ask), ""


def _is_a_place(name: str, columns: Mapping[str, Column]) -> bool:
    """Return whether a column called y is one of three coordinates."""
    return name.lower() == "y" and bool({"z", "Z"} & set(columns))


def _asked(likely: Sequence[str], possible: Sequence[str], origin: str, ask: Answerer) -> str:
    if not possible:
        raise DataError("No column can be a target: none has two values", where=origin, remedy="Give another table")
    why = "What is to be predicted can't be told"
    if likely:
        why += f": {in_a_row(likely)} could be it"
    choices = tuple(dict.fromkeys([*likely, *possible]))
    return ask(OpenQuestion(origin, "Which column is to be predicted?", why, choices, "--target"))


def _task_of(column: Column, ask: Answerer) -> str:
    n_distinct = column.n_distinct
    if n_distinct == 2:
        return "binary"
    if column.type == "number" or (column.numeric and n_distinct > _MOST_CLASSES):
        return "regression"
    if column.numeric and _OF_CLASSES.fullmatch(column.name):
        return "multiclass"
    if column.numeric:
        why = f"Column '{column.name}' has {n_distinct} whole numbers: classes, or amounts"
        question = OpenQuestion(f"column {column.name}", "Which of both?", why, ("multiclass", "regression"), "--task")
        return ask(question)
    return "multiclass"


def _refuse_task(column: Column, task: str, where: str) -> None:
    n_classes, remedy = column.n_distinct, "Derive a column with fewer classes, or name another --target"
    if task == "multiclass":
        kind = "numbers" if column.numeric else "texts"
        rule = f"The target has {n_classes:,} different {kind} in {counted(column.profile.n_known, 'row')}"
    elif task == "binary":
        shown = in_a_row(sorted(column.profile.values or ())[:6])
        rule, remedy = f"The target has {n_classes:,} classes ({shown}), and not two", "Say `--task multiclass`"
    else:
        rule = f"The target has {n_classes:,} different numbers, and no model of task {task} is supported"
    raise UsageError(rule, where=where, remedy=remedy)


def _in_own_words(column: Column) -> Column:
    """Return a column of words for true and false as one of these words: the classes are to be called so."""
    if column.type != "boolean" or not column.profile.is_text:
        return column
    usual = {name: getattr(_BOOLEAN, name) for name in ("true_values", "false_values")}
    return replace(column, spec=column.spec.model_copy(update={"type": "category", **usual}))


def _classes(column: Column) -> dict[str, int]:
    """Return the rows of each class, by the names that a run gives them."""
    import pyarrow as pa

    counted_texts: Mapping[str, int] = column.profile.values or {}
    typed, _ = logical_values(pa.array(list(counted_texts), pa.string()), column.spec, column.name)
    labels, counts = labels_of(pa.chunked_array([typed])), dict[str, int]()
    for code, n in zip(labels.codes.tolist(), counted_texts.values(), strict=True):
        if code >= 0:
            counts[labels.names[code]] = counts.get(labels.names[code], 0) + n
    return counts


def _positive(counts: Mapping[str, int], wished: str | None, rarest: str) -> tuple[str, str]:
    if wished is not None:
        found = next((name for name in counts if wished in (name, name.lower())), None)
        if found is None:
            raise UsageError(f"No row has the class '{wished}'. {near_match(wished, counts)}", where="--positive")
        return found, ""
    named = [name for name in counts if name.lower() in _POSITIVE]
    if len(named) == 1:
        return named[0], ""
    return rarest, "the rarer class; write the other one if that is what you look for"
