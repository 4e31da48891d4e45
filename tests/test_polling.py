"""Asking until something is so: no longer than needed, and never for ever."""

from __future__ import annotations

import time

import pytest

from mlsys.polling import ask_until


def test_it_returns_the_first_answer_that_is_wanted() -> None:
    answers = iter([1, 2, 3, 4])
    assert ask_until(lambda found: found > 2, lambda: next(answers), seconds=10, pause=0.001) == 3
    assert next(answers) == 4


def test_it_gives_up_with_the_last_answer() -> None:
    begun = time.monotonic()
    assert ask_until(lambda found: found > 2, lambda: 1, seconds=0.05, pause=0.01) == 1
    assert time.monotonic() - begun >= 0.05 - 0.01


def test_it_asks_once_even_without_time() -> None:
    assert ask_until(bool, lambda: "yes", seconds=0, pause=1) == "yes"


def test_what_the_question_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        ask_until(bool, lambda: 1 // 0, seconds=10, pause=0.001)
