"""Samples of the rows that an explanation asks about."""

from __future__ import annotations

import numpy as np
from given.asked_samples import asked


def test_a_smaller_sample_is_part_of_a_larger_one_and_both_are_the_same_again() -> None:
    given = asked(500)
    few, many = given.sample(50), given.sample(400)
    assert set(few) < set(many)
    assert (given.sample(50) == few).all()
    assert len(given.sample(10_000)) == 500


def test_some_rows_keep_their_answers() -> None:
    given = asked(100)
    part = given.of(np.array([7, 3]))
    assert (part.answers(part.rows) == part.predictions.answers).all()
    assert part.predictions.answers.tolist() == given.predictions.answers[[7, 3]].tolist()
