"""`mlsys hold` on the shop: said, listed, and released."""

import pytest

pytestmark = pytest.mark.slow


def test_a_hold_is_said_wherever_one_looks_until_it_is_released(mlsys, changed) -> None:
    held = mlsys("hold", "shop", "--reason", "audit week", "--until", "3d")
    assert held.out.startswith("shop: held by ")
    assert "To end it: mlsys hold shop --release" in held.out
    assert "Held by" in mlsys("list").out
    assert "audit week" in mlsys("history", "shop").out
    released = mlsys("hold", "shop", "--release", "--reason", "done")
    assert "The next run may promote again." in released.out
    assert "Held by" not in mlsys("why", "shop").out


def test_what_makes_no_sense_is_refused(mlsys, seen) -> None:
    assert "is not held" in mlsys("hold", "shop", "--release", "--reason", "done").err
    assert "A release is at once" in mlsys("hold", "shop", "--release", "--reason", "x", "--until", "3d").err
    assert mlsys("hold", "shop").code == 2
    assert mlsys("hold", "shop", "--reason", "x", "--until", "2020-01-01").code == 2
