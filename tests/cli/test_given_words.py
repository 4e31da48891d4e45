"""Nothing, given where something is meant."""

import pytest

from mlsys.cli.given_words import require_words
from mlsys.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["hold", "shop", "--until", ""], "--until"),
        (["run", "shop", "--day", " "], "--day"),
        (["keys", "add", "app", "--until="], "--until"),
        (["serve", "--host", ""], "--host"),
        (["run", ""], "the command line"),
    ],
)
def test_an_empty_argument_is_refused_by_the_name_of_its_option(arguments, option) -> None:
    with pytest.raises(UsageError) as refused:
        require_words(arguments)
    assert str(refused.value).startswith(f"{option}: Something was given that is empty")


def test_words_are_taken(mlsys) -> None:
    require_words(["run", "shop", "--set", "label.delay=", "--reason=x", "--json"])
    assert mlsys("champion", "shop", "--at", "").code == 2
