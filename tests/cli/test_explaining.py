"""`mlsys explain` on the shop."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_a_rejected_run_is_explained_with_what_would_have_flipped_it(mlsys, seen) -> None:
    asked = json.loads(mlsys("history", "shop", "--json").out)["requests"]
    run_id = next(one["run_id"] for one in asked if one["decision"]["outcome"] == "reject")
    found = mlsys("explain", run_id).out
    assert found.startswith("Reject: ")
    assert "Would pass with " in found
    assert f"mlsys report {run_id}" in found
    assert json.loads(mlsys("explain", run_id, "--json").out)["decision"]["run_id"] == run_id


def test_an_unknown_run_is_refused(mlsys, seen) -> None:
    assert mlsys("explain", "shop-2020").code == 2
