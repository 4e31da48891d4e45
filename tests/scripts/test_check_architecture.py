"""The drawn architecture can't differ from the imports."""

from __future__ import annotations

import architecture
import check_architecture
import pytest


@pytest.fixture
def drawn(project, plant):
    plant("mlsys/errors.py", '"""Every error."""\n')
    plant("mlsys/store.py", '"""Files."""\nfrom mlsys.errors import E\n')
    plant("mlsys/report/__init__.py", '"""Cards."""\n')
    plant("mlsys/report/card.py", "def f():\n    from mlsys.store import Store\n    from mlsys.errors import E\n")
    found = architecture.rooms(project)
    plant(architecture.SVG, architecture.picture(found))
    plant(architecture.PAGE, architecture.page_with(f"# A\n\n{architecture.BEGIN}{architecture.END}\nend\n", found))
    return project


def test_a_room_lies_above_what_it_imports_and_says_what_it_is(drawn):
    found = architecture.rooms(drawn)
    height = architecture.floors(found)
    assert (height["errors"], height["store"], height["report"]) == (0, 1, 2)
    assert "| 2 | report | Cards | 2 | 100 |" in (drawn / architecture.PAGE).read_text()


def test_only_arrows_that_no_longer_way_says_are_drawn(drawn):
    found = architecture.rooms(drawn)
    assert found["report"].imports == {"store", "errors"}
    assert architecture._direct(found, found["report"]) == {"store"}


def test_a_true_picture_is_no_finding_and_a_new_import_is_one(drawn, plant):
    assert check_architecture.check(drawn) == []
    plant("mlsys/report/card.py", "from mlsys.clock import now")
    plant("mlsys/clock.py", '"""Time."""\n')
    texts = [finding.text(drawn) for finding in check_architecture.check(drawn)]
    assert any(architecture.SVG in text and "make architecture" in text for text in texts)
    assert any(architecture.PAGE in text for text in texts)


def test_a_missing_picture_is_a_finding(drawn):
    (drawn / architecture.SVG).unlink()
    assert any(architecture.SVG in finding.text(drawn) for finding in check_architecture.check(drawn))
