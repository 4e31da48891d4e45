"""`mlsys list` and `why`."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow


def test_why_is_three_sentences(mlsys, seen) -> None:
    answer = mlsys("why", "shop")
    assert answer.code == 0
    happened, meaning, todo = answer.out.splitlines()
    assert "promote" in happened
    assert meaning.startswith("1.0.1 serves")
    assert todo == "There is nothing to do."


def test_facts_are_json_too(mlsys, seen) -> None:
    (one,) = json.loads(mlsys("list", "--json").out)
    assert one == json.loads(mlsys("why", "shop", "--json").out)
    assert (one["pipeline"], one["state"], one["outcome"]) == ("shop", "fine", "promote")


def test_the_list_counts_and_names_what_needs_a_person(mlsys, changed) -> None:
    (changed / "shop.db").unlink()
    assert mlsys("run", "shop").code == 3
    answer = mlsys("list")
    assert answer.code == 0
    assert answer.out.startswith("1 failed\n")
    assert "mlsys why shop" in answer.out
    assert "mlsys report" in mlsys("why", "shop").out


def test_a_home_without_pipelines_says_so(mlsys, changed) -> None:
    (changed / "pipelines" / "shop.yaml").unlink()
    assert "No pipeline yet: " in mlsys("list").out
    assert mlsys("why", "shop").code == 2
