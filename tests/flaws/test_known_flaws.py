"""Where a flaw ends and an honest column begins: known answers at both sides of the line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlsys.flaws.duplicates import Duplicates
from mlsys.flaws.flipped_labels import FlippedLabels
from mlsys.flaws.leaking_column import LeakingColumn
from mlsys.flaws.ordered_codes import OrderedCodes
from mlsys.flaws.rows import Truths
from mlsys.flaws.telling_gap import TellingGap
from mlsys.testing.flaws import of, rows
from mlsys.testing.planted import PLANTED, Honest

N_ROWS = 3000
RANDOM = np.random.default_rng(11)
Y = (RANDOM.random(N_ROWS) < 0.3).astype(np.int64)
NOISE = RANDOM.normal(size=N_ROWS)


@pytest.mark.parametrize(("apart", "severities"), [(2.6, []), (3.6, ["warning"]), (5.5, ["critical"])])
def test_a_strong_column_is_no_leak_and_a_nearly_perfect_one_only_a_warning(
    apart: float, severities: list[str]
) -> None:
    made = of(pd.DataFrame({"marker": apart * Y + NOISE, "x": RANDOM.normal(size=N_ROWS)}), Y)
    assert [finding.severity for finding in LeakingColumn().look(made)] == severities


def test_few_rows_of_a_class_make_no_leak_certain() -> None:
    y = np.zeros(N_ROWS, dtype=np.int64)
    y[::100] = 1
    (found,) = LeakingColumn().look(of(pd.DataFrame({"flag": y * 1.0}), y))
    assert found.severity == "warning"


def test_a_class_that_one_column_tells_of_several_is_no_leak() -> None:
    y = RANDOM.integers(0, 3, N_ROWS)
    columns = pd.DataFrame({"first": (y == 0) + 0.01 * NOISE, "code": y + 0.01 * NOISE})
    found = list(LeakingColumn().look(of(columns, y, classes=("a", "b", "c"))))
    assert [finding.column for finding in found] == ["code"]


@pytest.mark.parametrize(
    ("in_class", "in_rest", "severities"),
    [(0.3, 0.15, []), (0.66, 0.10, ["warning"]), (0.0, 0.5, ["warning"]), (0.1, 1.0, ["critical"])],
)
def test_a_gap_tells_by_how_often_each_class_has_it(in_class: float, in_rest: float, severities: list[str]) -> None:
    gone = RANDOM.random(N_ROWS) < np.where(Y == 1, in_class, in_rest)
    found = TellingGap().look(of(pd.DataFrame({"ratio": np.where(gone, np.nan, NOISE)}), Y))
    assert [finding.severity for finding in found] == severities


@pytest.mark.parametrize("kind", ["hour", "month", "week"])
def test_numbers_that_vary_smoothly_or_in_steps_are_no_names(kind: str) -> None:
    codes = RANDOM.integers(*{"hour": (0, 24), "month": (1, 13), "week": (0, 7)}[kind], N_ROWS).astype(float)
    effect = {
        "hour": np.sin(codes / 24 * 4 * np.pi),
        "month": np.cos(codes / 12 * 2 * np.pi),
        "week": (codes >= 5) * 2.0,
    }[kind]
    made = of(pd.DataFrame({kind: codes}), effect + NOISE, types={kind: "integer"})
    assert not list(OrderedCodes().look(made))


def test_duplicates_are_said_with_the_score_of_the_other_rows() -> None:
    columns = rows(N_ROWS).sample
    scores = np.where(np.arange(N_ROWS) % 3 == 0, Y, 0.5 + 0.1 * NOISE.clip(-3, 3) / 3)
    honest = Honest(columns.frame, Y, ("no", "yes"), scores=scores)
    (found,) = Duplicates().look(PLANTED["duplicates on the holdout"][1](honest, np.random.default_rng(3)))
    assert found.severity == "warning"
    assert "210 of 700 holdout rows (30 %)" in found.sentence
    assert "ROC AUC is " in found.sentence
    assert "without" in found.sentence


def test_states_of_few_values_whose_labels_differ_are_no_duplicates() -> None:
    state = RANDOM.integers(0, 400, N_ROWS)  # one state in eight columns that depend on each other
    columns = pd.DataFrame({f"c{place}": (state * (place + 3) % 17).astype(float) for place in range(8)})
    assert not list(Duplicates().look(of(columns, Y)))


def test_restated_labels_warn_and_swapped_ones_stop() -> None:
    made = rows(1000)
    other = np.where(np.arange(1000) % 4 == 0, 1 - made.truths.y, made.truths.y)
    (restated,) = FlippedLabels().look(replace(made, before=Truths(made.truths.key, other, made.classes)))
    (swapped,) = FlippedLabels().look(replace(made, before=Truths(made.truths.key, 1 - made.truths.y, made.classes)))
    assert (restated.severity, swapped.severity) == ("warning", "critical")
    assert "'no' is now 'yes'" in swapped.sentence


def test_classes_are_compared_by_name_not_by_code() -> None:
    made = rows(1000)
    renamed = Truths(made.truths.key, 1 - made.truths.y, made.classes[::-1])
    assert not list(FlippedLabels().look(replace(made, before=renamed)))


def test_late_labels_are_no_change() -> None:
    made = rows(1000)
    waiting = np.where(np.arange(1000) > 900, -1, made.truths.y)
    assert not list(FlippedLabels().look(replace(made, before=Truths(made.truths.key, waiting, made.classes))))
