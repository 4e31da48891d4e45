"""The real lock holds; each way to break it is found."""

from __future__ import annotations

from pathlib import Path

import check_lock
import pytest

PROJECT = """
[project]
name = "mlsys"
dependencies = ["numpy>=2"]

[project.optional-dependencies]
dev = ["uv"]
test = []
boosting = []
environments = []
excel = []
mongodb = []
explanations = []
imbalance = []
celery = ["celery<5.7"]
kubernetes = []
"""
NUMPY = "numpy==2.1 \\\n    --hash=sha256:aa\n"
CELERY = "celery==5.6 \\\n    --hash=sha256:cc\n"
UV = "uv==1.0 \\\n    --hash=sha256:bb\n"


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "requirements.txt").write_text(f"# a comment\n{NUMPY}    # via mlsys\n")
    (tmp_path / "requirements-deploy.txt").write_text(NUMPY + CELERY)
    (tmp_path / "requirements-dev.txt").write_text(NUMPY + CELERY + UV)
    (tmp_path / "requirements-bootstrap.txt").write_text(UV)
    return tmp_path


def findings(root: Path) -> list[str]:
    return [finding.text(root) for finding in check_lock.check(root)]


def test_the_lock_of_this_project_holds(pytestconfig):
    assert findings(pytestconfig.rootpath) == []


def test_a_whole_lock_has_no_findings(locked):
    assert findings(locked) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "requirements.txt",
            "--index-url https://example.org/simple\n" + NUMPY,
            "requirements.txt:1: an index address",
        ),
        ("requirements.txt", "-i pypi\n" + NUMPY, "requirements.txt:1: an index address or option"),
        ("requirements.txt", "numpy==2.1\n", "requirements.txt:1: numpy has no hash"),
        ("requirements.txt", "numpy>=2\n", "requirements.txt:1: `numpy>=2` is no pin"),
        ("requirements.txt", "", "requirements.txt:1: numpy of pyproject.toml is not pinned"),
        ("requirements.txt", NUMPY.replace("2.1", "1.9"), "numpy 1.9 breaks pyproject.toml's `numpy>=2`"),
        ("requirements.txt", NUMPY.replace("2.1", "2.2"), "numpy 2.2 is not what requirements-dev.txt pins"),
        ("requirements-deploy.txt", NUMPY, "requirements-deploy.txt:1: celery of pyproject.toml is not pinned"),
        (
            "requirements-deploy.txt",
            NUMPY.replace("2.1", "2.2") + CELERY,
            "numpy 2.1 is not what requirements-deploy.txt pins",
        ),
        ("requirements-dev.txt", NUMPY + UV, "requirements-dev.txt:1: celery of pyproject.toml is not pinned"),
        ("requirements-dev.txt", NUMPY, "requirements-dev.txt:1: uv of pyproject.toml is not pinned"),
        ("requirements-bootstrap.txt", UV.replace("1.0", "1.1"), "uv 1.1 is not what requirements-dev.txt pins"),
    ],
)
def test_a_broken_lock_is_found(locked, name, text, expected):
    (locked / name).write_text(text)
    assert any(expected in line for line in findings(locked))
