"""Sample makers are scripts of one folder, found by name."""

from __future__ import annotations

import pytest

from mlsys.cli.sample_makers import load_maker, make_sample, sample_names
from mlsys.errors import UsageError
from mlsys.settings import Settings

MAKER = """
TRUTH = 0.25

def make(target, days):
    (target / "drop.txt").write_text(str(days))
    return f"{days} days"
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
    assert make_sample(settings, "coins", days=3, target=tmp_path / "deep" / "down") == "3 days"
    assert (tmp_path / "deep" / "down" / "drop.txt").read_text() == "3"


def test_a_maker_knows_its_truth(settings) -> None:
    assert load_maker(settings, "coins").TRUTH == 0.25


@pytest.mark.parametrize("name", ["coin", "../makers/coins", "_shared"])
def test_an_unknown_maker_changes_nothing(settings, tmp_path, name) -> None:
    with pytest.raises(UsageError, match="There is no sample"):
        make_sample(settings, name, days=3, target=tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_the_makers_of_the_project_are_there() -> None:
    assert sample_names(Settings()) == ["leads", "phishing"]
