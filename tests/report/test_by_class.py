"""The card's part on several classes, from the details that an evaluation stores."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.metrics.classified import Classified
from mlsys.records import Evaluation
from mlsys.report.by_class import MOST_DRAWN, OTHERS, ByClass, by_class
from mlsys.report.models import columns


def rows(n_classes: int, *, wrong: float, seed: int = 3) -> Classified:
    """Return rows of classes of which the first is the largest; mistakes fall on the class after the true one."""
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, n_classes + 1)
    y_true = random.choice(n_classes, 4000, p=shares / shares.sum()).astype("int16")
    said = np.where(random.random(4000) < wrong, (y_true + 1) % n_classes, y_true)
    return Classified(y_true, np.eye(n_classes)[said])


def shown(names: list[str], *, declared: tuple[str, ...] = (), **more: object) -> ByClass:
    models = {"new": rows(len(names), wrong=0.1), "old": rows(len(names), wrong=0.4)}
    roles = {"new": "candidate", "old": "champion"}
    known = [Evaluation(model_id=name, name=name, role=role, holdout=()).dump() for name, role in roles.items()]
    drawn = {name: each.pictures()["said_of"] for name, each in models.items()}
    details = {"evaluations": known, "said_of": drawn, "classes": names, "unknown": {}, **more}
    found = by_class(details, columns(details, "new"), declared)
    assert found is not None
    return found


def test_challenger_and_champion_have_a_matrix_each_and_a_line_for_each_class():
    found = shown(["a", "b", "c"])
    assert [model.name for model in found.models] == ["new", "old"]
    assert "Confusion matrix of old (champion)" in found.matrices[1]
    assert [row.name for row in found.rows] == ["a", "b", "c"]
    new, old = found.rows[1].told
    assert new.recall == pytest.approx(0.9, abs=0.03)
    assert old.recall == pytest.approx(0.6, abs=0.03)
    assert new.taken_for is not None
    assert new.taken_for[0] == "c"
    assert new.taken_for[1] + round(new.recall * found.rows[1].n) == found.rows[1].n


def test_squares_say_shares_of_the_true_class_in_whole_percents():
    matrix = shown(["a", "b"]).matrices[0]
    assert ">90</text>" in matrix
    assert ">10</text>" in matrix
    assert "<title>a said to be b: " in matrix


def test_classes_stand_as_declared_numbers_by_size_and_others_by_name():
    assert [row.name for row in shown(["10", "2", "9"]).rows] == ["2", "9", "10"]
    assert [row.name for row in shown(["high", "low", "mid"], declared=("low", "mid", "high")).rows] == [
        "low", "mid", "high",
    ]  # fmt: skip
    assert shown(["b", "c", "a"]).rows[0].name == "a"


@pytest.mark.slow
def test_of_a_hundred_classes_the_largest_are_drawn_and_the_others_as_one():
    names = [f"class {i:03}" for i in range(100)]
    found = shown(names)
    assert found.n_folded == 100 - MOST_DRAWN
    assert found.wide
    assert len(found.rows) == 100
    assert OTHERS in found.matrices[0]
    assert f"{names[0]}<" in found.matrices[0]
    assert f"{names[99]}<" not in found.matrices[0]
    assert len(found.matrices[0]) < 300_000


def test_a_class_without_rows_or_never_said_has_no_shares():
    said = {"new": [[5, 1, 0], [0, 0, 0], [2, 0, 0]]}
    found = shown(["a", "b", "c"], said_of=said)
    none, never = found.rows[1].told[0], found.rows[2].told[0]
    assert (none.recall, none.taken_for) == (None, None)
    assert (never.precision, never.recall, never.taken_for) == (None, 0.0, ("a", 2))


def test_names_are_text_and_no_markup():
    matrix = shown(["<b>", "a & b"]).matrices[0]
    assert "<b>" not in matrix
    assert "a &amp; b" in matrix


def test_details_of_other_tasks_have_no_such_part():
    assert by_class({"evaluations": [], "curves": {}}, (), ()) is None
