"""Everything too large is found, and every misshapen extension folder."""

from __future__ import annotations

from pathlib import Path

import check_sizes
import pytest

LONG_BODY = "def f():\n" + "    x = 1\n" * 41
MANY_ABSTRACT = "class Base:\n" + "".join(f"    @abstractmethod\n    def f{i}(self): ...\n" for i in range(4))


def findings(root: Path) -> list[str]:
    return [finding.text(root) for finding in check_sizes.check(root)]


def test_a_small_project_has_no_findings(project):
    assert findings(project) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mlsys/store.py", "x = 1\n" * 401, "mlsys/store.py:401: 401 lines, more than 400"),
        ("mlsys/store.py", LONG_BODY, "mlsys/store.py:1: f has 41 lines, more than 40"),
        ("mlsys/store.py", "def f(a, b, c, d, e, g): ...\n", "f takes 6 positional parameters, more than 5"),
        ("dags/retrain.py", "x = 1\n" * 26, "dags/retrain.py:26: 26 lines, more than 25"),
        ("mlsys/gates/base.py", "x = 1\n" * 61, "a contract of 61 code lines, more than 60"),
        ("mlsys/gates/base.py", MANY_ABSTRACT, "Base has 4 abstract methods, more than 3"),
        ("mlsys/gates/__init__.py", "x = 1\n" * 41, "mlsys/gates/__init__.py:41: 41 lines, more than 40"),
        ("mlsys/gates/__init__.py", "def f(): ...\n", "mlsys/gates/__init__.py:1: code beside the table"),
        ("mlsys/gates/forgotten.py", "x = 1\n", "mlsys/gates/forgotten.py:1: forgotten is in no table"),
        ("mlsys/gates/notes.md", "x", "mlsys/gates/notes.md:1: neither table, contract nor component"),
    ],
)
def test_what_is_too_large_or_misplaced_is_found(project, plant, name, text, expected):
    plant(name, text)
    assert any(expected in line for line in findings(project))


def test_a_folder_without_contract_is_found(project):
    (project / "mlsys" / "gates" / "base.py").unlink()
    assert any("mlsys/gates:1: no base.py" in line for line in findings(project))


def test_a_long_record_is_no_long_function(project, plant):
    plant("mlsys/store.py", "def f():\n    return [\n" + "        1,\n" * 60 + "    ]\n")
    assert findings(project) == []


def test_docstrings_self_and_keyword_only_parameters_are_not_counted(project, plant):
    body = '    """Text.\n' + "\n" * 50 + '    """\n' + "    x = 1\n" * 40
    plant("mlsys/store.py", "def f():\n" + body)
    plant("mlsys/clock.py", "class A:\n    def f(self, a, b, c, d, e, *, g, h): ...\n")
    assert findings(project) == []


def test_code_lines_leave_out_comments_blanks_and_docstrings(plant):
    path = plant(
        "mlsys/store.py", '"""One.\n\nTwo."""\n\n# three\nx = 1  # four\n\n\ndef f():\n    """Five."""\n    return 6\n'
    )
    assert check_sizes.code_lines(path) == 3
