"""docs/plug-ins.md is a package: its files are written, built, installed and used; broken ones cost one sentence."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given.doc_pages import blocks

from mlsys import keys
from mlsys.cli.main import invoke
from mlsys.errors import SpecError
from mlsys.settings import load_settings
from mlsys.spec import load_spec, resolve
from mlsys.upkeep.plug_ins import plug_ins

pytestmark = pytest.mark.slow

SPEC = "include/pipelines/visits.yaml"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package, with the files of the page."""
    folder = tmp_path_factory.mktemp("acme")
    for block in blocks("plug-ins.md"):
        if block.file is not None:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the package's wheel is installed, without a network and without what it depends on."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    offline = ["--no-deps", "--no-index"]
    for step in (
        [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", wheels, package],
        [*pip, "install", *offline, "--no-compile", "--target", site, "--find-links", wheels, "acme-mlsys"],
    ):
        done = subprocess.run(step, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    return site


@pytest.fixture
def home(
    package: Path, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logging_as_before: None
) -> Iterator[Path]:
    """A home with visits of sixty days, in a process that finds the package."""
    draw, lines = random.Random(3), []
    for number in range(2000):
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=43 * number)
        pages, minutes = draw.randint(1, 20), round(draw.uniform(0, 30), 1)
        bought = "yes" if draw.random() < 0.02 * pages + 0.01 * minutes else "no"
        lines.append(
            {"visit": f"V-{number}", "at": at.isoformat(), "pages": pages, "minutes": minutes, "bought": bought}
        )
    (tmp_path / "visits.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for name, value in (("HOME", tmp_path), ("DATABASE", "sqlite"), ("PIPELINES", (package / SPEC).parent)):
        monkeypatch.setenv(f"MLSYS_{name}", str(value))
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setenv("PYTHONPATH", str(installed))  # of fresh processes
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_mlsys"]:
        del sys.modules[name]


def test_a_pipeline_of_its_components_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["check", "visits"]) == 0
    assert invoke(["run", "visits"]) == 0
    said = capsys.readouterr().out
    assert "PROMOTE" in said
    assert "cost_per_row" in said
    champion = home / "registry" / "visits" / "best_model.joblib"
    assert champion.exists()
    assert "acme-mlsys==1.0" in (champion.resolve().parent / "requirements.txt").read_text(encoding="utf-8")


def test_a_bad_row_and_a_broken_rule_are_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "visits.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"V-', '"W-'), encoding="utf-8")
    assert invoke(["check", "visits"]) == 3
    assert "visit starts with V-" in capsys.readouterr().out
    path.write_text(text[:-20], encoding="utf-8")
    assert invoke(["check", "visits"]) == 3
    assert "The file can't be read" in capsys.readouterr().out


def test_its_source_is_part_of_the_key_of_a_run(home: Path, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load_spec(package / SPEC)
    assert set(keys.foreign_code(spec)) == {"acme_mlsys"}
    resolved = resolve(package / SPEC)
    from given.records_samples import snapshot

    before = keys.training_key(resolved, snapshot())
    monkeypatch.setattr(keys, "foreign_code", lambda _: {"acme_mlsys": "another"})
    assert keys.training_key(resolved, snapshot()) != before


def test_the_doctor_names_what_other_packages_bring(home: Path) -> None:
    (found,) = plug_ins()
    assert found.ok
    assert found.sentence == (
        "other packages bring: source json_lines, check starts_with, model neighbors, metric cost_per_row"
    )


def test_broken_packages_cost_a_sentence_each_and_not_the_others(
    home: Path, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "broken"
    others = {
        "lost": ("mlsys.models", "lost = lost_package:Model", "import not_there"),
        "other": ("mlsys.models", "other = other_package:Model", "class Model: ..."),
        "taken": ("mlsys.models", "logistic = taken_package:Model", "class Model: ..."),
        "twice": ("mlsys.checks", "starts_with = twice_package:Check", "class Check: ..."),
    }
    for name, (group, entry, code) in others.items():
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
        (site / f"{name}_package.py").write_text(code + "\n")
    monkeypatch.syspath_prepend(site)
    *broken, rest = plug_ins()
    assert rest.sentence == "other packages bring: source json_lines, model neighbors, metric cost_per_row"
    said = "\n".join(sorted(each.sentence for each in broken))
    assert "'starts_with' of another package" in said
    assert "is there 2 times. Uninstall all but one of these packages." in said
    assert "The model 'logistic' of another package (taken_package:Model) has the name of a built-in one" in said
    assert "The model 'lost' of another package (lost_package:Model) can't be loaded: ModuleNotFoundError" in said
    assert "is no Model: subclass mlsys.models.base.Model." in said
    spec = (package / SPEC).read_text(encoding="utf-8")
    (tmp_path / "lost.yaml").write_text(spec.replace("visits\n", "lost\n", 1).replace("  - prior", "  - lost"))
    with pytest.raises(SpecError, match=r"The model 'lost' of another package .* can't be loaded"):
        load_spec(tmp_path / "lost.yaml")
    assert invoke(["schema"]) == 0
    schema = capsys.readouterr().out
    assert "cost_per_row" in schema or "neighbors" in schema
    assert '"lost"' not in schema
    assert load_settings().pipelines.name == "pipelines"


@pytest.mark.long
def test_its_own_tests_pass(package: Path, installed: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
