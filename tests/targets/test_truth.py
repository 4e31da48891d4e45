from __future__ import annotations

import numpy as np
import pyarrow as pa

from mlsys.targets.binary import BinaryTarget
from mlsys.targets.regression import RegressionTarget

CLASSES = BinaryTarget(column="label", positive="yes")
NUMBERS = RegressionTarget(column="price")
ANSWERS = pa.chunked_array([["yes", "no", None, "maybe", "yes"]])
PRICES = pa.chunked_array([pa.array([10.0, None, float("inf"), 1e39, -2.5])])


def test_rows_without_a_label_are_named_by_their_reason():
    assert {why: mask.tolist() for why, mask in CLASSES.truth(ANSWERS).unusable.items()} == {
        "no label": [False, False, True, False, False]
    }
    truth = NUMBERS.truth(PRICES)
    assert truth.unusable["no label"].tolist() == [False, True, False, False, False]
    assert truth.unusable["label not finite"].tolist() == [False, False, True, True, False]
    assert truth.known.tolist() == [True, False, False, False, True]
    assert np.isnan(truth.y).tolist() == [False, True, True, True, False]


def test_classes_are_counted_by_name_and_numbers_are_not():
    everything = np.ones(5, bool)
    assert CLASSES.truth(ANSWERS).counts(everything) == {"maybe": 1, "no": 1, "yes": 2}
    assert NUMBERS.truth(PRICES).counts(everything) == {}


def test_labels_of_other_classes_and_other_rows_are_masked():
    rows = np.array([True, True, True, True, False])
    assert CLASSES.truth(ANSWERS).among(["yes", "no"], rows).tolist() == [1, 0, -1, -1, -1]
    masked = NUMBERS.truth(PRICES).among((), rows)
    assert masked[0] == 10
    assert np.isnan(masked[1:]).all()


def test_what_is_masked_is_not_labelled():
    for target, column in ((CLASSES, ANSWERS), (NUMBERS, PRICES)):
        truth = target.truth(column)
        assert target.labelled(truth.y).tolist() == truth.known.tolist()
        assert not target.labelled(truth.among((), np.zeros(5, bool))).any()
