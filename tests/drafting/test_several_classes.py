"""Tables whose label is one of several classes: how they are drafted, and which are refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.odd_tables import each, plain, write_csv

from mlsys.errors import DataError, UsageError


def of_kinds(names: list[str], n: int = 400) -> dict[str, list[object]]:
    columns = plain(n)
    columns["kind"] = each(columns, lambda i: names[i * 7 % len(names)])
    del columns["bought"]
    return columns


@pytest.mark.slow
def test_several_classes_are_drafted_and_the_rarest_is_said(drafted, tmp_path: Path) -> None:
    columns = of_kinds(["red", "green", "NO", "yes"])
    columns["kind"][7] = "blue"
    made = drafted(write_csv(tmp_path / "t.csv", columns), target="kind")
    assert (made.spec.target.task, made.spec.metrics.primary) == ("multiclass", "log_loss")
    assert "1 'blue'" in made.text
    new = next(rule for rule in made.spec.checks.rules if rule.kind == "in_set" and rule.column == "kind")
    assert new.severity == "warning"
    assert "blue" in new.values


@pytest.mark.slow
def test_of_thirty_classes_a_comment_names_the_largest_and_the_rarest(drafted, tmp_path: Path) -> None:
    columns = of_kinds([f"kind {i}" for i in range(30)], 900)
    columns["kind"] = each(columns, lambda i: f"kind {min(i % 37, 29)}")
    made = drafted(write_csv(tmp_path / "t.csv", columns), target="kind")
    assert made.spec.target.task == "multiclass"
    assert "and 22 more classes, the rarest" in " ".join(made.text.replace("#", "").split())


@pytest.mark.slow
def test_whole_numbers_of_a_column_that_is_called_class_are_classes(drafted, tmp_path: Path) -> None:
    columns = of_kinds(["1", "2", "3"])
    columns["quality_class"] = columns.pop("kind")
    made = drafted(write_csv(tmp_path / "t.csv", columns), target="quality_class")
    assert made.spec.target.task == "multiclass"
    rule = next(rule for rule in made.spec.checks.rules if getattr(rule, "column", "") == "quality_class")
    assert rule.values == (1, 2, 3)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"task": "binary"}, r"3 classes \(green, red or yellow\), and not two.*--task multiclass"),
        ({"positive": "red"}, "A task of kind multiclass has no positive class"),
        ({"task": "regression"}, "no number"),
    ],
)
def test_wishes_that_do_not_fit_several_classes_are_refused(drafted, tmp_path: Path, said, message: str) -> None:
    with pytest.raises((UsageError, DataError), match=message):
        drafted(write_csv(tmp_path / "t.csv", of_kinds(["red", "green", "yellow"])), target="kind", **said)


@pytest.mark.parametrize("n_texts", [5000, 150])
def test_texts_of_which_hardly_one_occurs_twice_are_no_classes(drafted, tmp_path: Path, n_texts: int) -> None:
    columns = of_kinds([f"text {i}" for i in range(n_texts)], 400)
    columns["kind"] = each(columns, lambda i: f"text {i % n_texts}")
    with pytest.raises(UsageError, match=r"different texts in 400 rows"):
        drafted(write_csv(tmp_path / "t.csv", columns), target="kind")
