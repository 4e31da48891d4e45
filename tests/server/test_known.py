"""What a model has seen in training, and rows that are like none of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlsys.registries.files import GOLDEN
from mlsys.schema import ColumnSpec
from mlsys.server.known import TrainedOn

FEATURES = {
    "n": ColumnSpec(type="integer"),
    "flag": ColumnSpec(type="boolean"),
    "kind": ColumnSpec(type="category"),
    "words": ColumnSpec(type="text"),
}
ROWS = {"n": [3.0, None], "flag": [1.0, 0.0], "kind": ["a", None], "words": ["x", "y"]}
SEEN = {
    "n": {"missing": 0, "lowest": 1.0, "highest": 5.0, "points": [1.0, 2.0, 5.0]},
    "flag": {"missing": 0, "values": [True, False]},
    "kind": {"missing": 1, "values": ["b", "a"]},
    "words": {"missing": 0},
}


@pytest.fixture
def known(tmp_path: Path) -> TrainedOn:
    (tmp_path / GOLDEN).write_text(json.dumps({"rows": ROWS, "seen": SEEN}))
    return TrainedOn.beside(tmp_path, FEATURES)


def test_examples_are_as_a_request_gives_them(known: TrainedOn) -> None:
    assert known.examples == (
        {"n": 3, "flag": True, "kind": "a", "words": "x"},
        {"n": None, "flag": False, "kind": None, "words": "y"},
    )
    assert json.dumps(known.examples[0]["n"]) == "3"


def test_a_release_that_kept_nothing_knows_nothing(tmp_path: Path) -> None:
    assert TrainedOn.beside(tmp_path, FEATURES) == TrainedOn()
    (tmp_path / GOLDEN).write_text("{")
    assert TrainedOn.beside(tmp_path, FEATURES) == TrainedOn()
    (tmp_path / GOLDEN).write_text(json.dumps({"rows": ROWS}))
    older = TrainedOn.beside(tmp_path, FEATURES)
    assert len(older.examples) == 2
    assert older.watch().noticed([{"n": 99, "flag": True, "kind": "never", "words": ""}]) == {}


def test_values_of_a_column_are_those_of_training_and_of_the_examples(known: TrainedOn) -> None:
    assert known.values_of("n") == [1.0, 2.0, 3, 5.0]
    assert known.values_of("kind") == ["b", "a"]
    assert known.values_of("words") == ["x", "y"]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({}, None),
        ({"n": None}, "missing"),
        ({"n": 6}, "out_of_range"),
        ({"n": 0.5}, "out_of_range"),
        ({"n": "6"}, None),  # a text is read by its declaration, which may have marks
        ({"flag": "no"}, None),
        ({"kind": "c"}, "unseen"),
        ({"kind": " a "}, None),
        ({"words": "never"}, None),
    ],
)
def test_what_is_unlike_training_is_counted(known: TrainedOn, changed: dict[str, object], what: str | None) -> None:
    row = {"n": 3, "flag": True, "kind": "a", "words": "x", **changed}
    expected = {} if what is None else {what: {next(iter(changed)): 2}}
    assert known.watch().noticed([row, row]) == expected
