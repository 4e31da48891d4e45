"""The card's part on predicted numbers, from the details that an evaluation stores."""

from __future__ import annotations

import numpy as np

from mlsys.metrics.predicted import Predicted
from mlsys.records import Evaluation
from mlsys.report.errors import errors
from mlsys.report.models import columns

RANDOM = np.random.default_rng(3)
TRUTH = RANDOM.lognormal(12, 0.4, 500)
MODELS = {"new": Predicted(TRUTH, TRUTH * RANDOM.lognormal(0, 0.1, 500)), "old": Predicted(TRUTH, TRUTH * 0.8)}


def details() -> dict:
    pictures = {name: rows.pictures() for name, rows in MODELS.items()}
    roles = {"new": "candidate", "old": "champion"}
    known = [Evaluation(model_id=name, name=name, role=role, holdout=()).dump() for name, role in roles.items()]
    return {"evaluations": known} | {
        name: {model: of[name] for model, of in pictures.items()} for name in ("points", "errors", "tenths")
    }


def test_challenger_and_champion_are_drawn_on_the_same_axes_and_told_apart():
    found = errors(details(), columns(details(), "new"))
    assert found is not None
    assert [model.name for model in found.models] == ["new", "old"]
    assert "for: new, old (champion)" in found.against_truth
    assert 'class="cloud m-challenger"' in found.against_truth
    assert 'class="line m-champion"' in found.spread


def test_tenths_hold_all_rows_and_say_where_a_model_is_too_low():
    found = errors(details(), columns(details(), "new"))
    assert found is not None
    assert sum(tenth.n for tenth in found.tenths) == 500
    assert all(low <= high for low, high in ((tenth.low, tenth.high) for tenth in found.tenths))
    too_low = [mean / tenth.low for tenth in found.tenths for mean, _ in tenth.errors[1:]]
    assert max(too_low) < -0.15
    assert found.tenths[-1].errors[1][1] > found.tenths[0].errors[1][1]


def test_details_of_classes_have_no_such_part():
    assert errors({"evaluations": [], "curves": {}}, ()) is None


def test_large_numbers_on_an_axis_are_short():
    found = errors(details(), columns(details(), "new"))
    assert found is not None
    ticks = [label for label in found.against_truth.split("</text>") if ">" in label]
    assert any(tick.endswith("k") for tick in ticks)
    assert "000</text>" not in found.against_truth
