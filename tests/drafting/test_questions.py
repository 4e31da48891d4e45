"""A question that nobody answers names the option that does."""

from __future__ import annotations

import pytest

from mlsys.drafting.questions import OpenQuestion, in_a_row, refuse
from mlsys.errors import UsageError


def test_the_option_and_the_choices_are_named() -> None:
    question = OpenQuestion("orders.csv", "Which one?", "It can't be told", ("a", "b", "c"), "--target")
    with pytest.raises(UsageError, match=r"orders\.csv: It can't be told\. Say it with --target: a, b or c\."):
        refuse(question)


def test_of_many_names_the_first_are_shown() -> None:
    assert in_a_row([str(n) for n in range(40)]).endswith("11, ...")
    assert (in_a_row([]), in_a_row(["a"])) == ("", "a")
