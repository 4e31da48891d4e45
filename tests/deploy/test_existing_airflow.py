"""docs/existing-airflow.md, block by block, in an Airflow whose home is new and whose configuration nobody touched.

Its environment is a second one: it has the packages of the lock, and mlsys as the page installs it, from a wheel.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from given.doc_pages import blocks
from given.shop import day, edit_spec, enter, make_shop

from mlsys.workspace import open_workspace

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PAGE = "existing-airflow.md"


@dataclass(frozen=True)
class Team:
    """A team's Airflow after it did what the page says, and what each command printed."""

    checkout: Path
    home: Path
    environment: dict[str, str]
    configuration: str
    printed: dict[str, str]

    def sh(self, code: str, *, code_of_exit: int = 0) -> str:
        """Run a command in the folder of mlsys; return what it prints to standard output."""
        done = subprocess.run(
            ["sh", "-ec", code], cwd=self.checkout, env=self.environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == code_of_exit, f"{code}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def listed(self, command: str) -> list[dict[str, str]]:
        """Return what a command of Airflow lists; warnings may stand before it."""
        lines = self.sh(f"{command} --output json").splitlines()
        found: list[dict[str, str]] = json.loads(next(line for line in lines if line.startswith("[{")))
        return found


def make_environment(folder: Path) -> Path:
    """Make a second environment with the packages of the one that tests run in, less mlsys; return its programs.

    A path in a .pth file is not searched for further such files: the editable mlsys there is not found through it.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    for name in ("airflow", "pip"):
        _, rest = (Path(sys.executable).parent / name).read_text(encoding="utf-8").split("\n", 1)
        (folder / "bin" / name).write_text(f"#!{python}\n{rest}", encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    return folder / "bin"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    folder = tmp_path_factory.mktemp("team")
    home, checkout = folder / "home", folder / "mlsys"
    make_shop(home, home / "pipelines", days=12)
    edit_spec(home / "pipelines", registries=["files"])
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "bench", "var"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLSYS_", "PYTHON"))}
    environment = {
        **kept,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "MLSYS_HOME": str(home),
        "MLSYS_PIPELINES": str(home / "pipelines"),
        "MLSYS_DATABASE": "sqlite",
        "PATH": f"{make_environment(folder / 'venv')}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",  # all is there, also what builds mlsys
        "PIP_NO_BUILD_ISOLATION": "0",  # in pip's words: without
    }
    new = Team(checkout, home, environment, "", {})
    install, *steps = [block.code for block in blocks(PAGE) if block.language == "sh"]
    assert len(steps) == 4
    printed = {install: new.sh(install)}
    shutil.rmtree(checkout / "mlsys")  # only what was installed can be imported from here on
    new.sh("airflow db migrate")
    configuration = (folder / "airflow" / "airflow.cfg").read_text(encoding="utf-8")
    meant = {code: code.replace("NAME", "shop").replace("DAY", str(day(11))) for code in steps}
    printed |= {code: new.sh(command) for code, command in meant.items()}
    return Team(checkout, home, environment, configuration, printed)


def test_it_is_the_installed_package_that_runs(team: Team) -> None:
    place = team.sh("python -P -c 'import mlsys; print(mlsys.__file__)'")
    assert place.startswith(str(team.checkout.parent / "venv"))


def test_the_lock_lacks_what_the_page_says_and_nothing_else(team: Team) -> None:
    missing = team.sh("pip check", code_of_exit=1 if sys.platform == "linux" else 0).splitlines()
    assert all("requires nvidia-nccl-cu1" in line for line in missing)
    page = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    assert "`nvidia-nccl-cu12`" in page


def test_its_configuration_is_untouched(team: Team) -> None:
    path = Path(team.environment["AIRFLOW_HOME"], "airflow.cfg")
    assert path.read_text(encoding="utf-8") == team.configuration


def test_one_file_makes_the_dags_that_the_folder_here_makes(team: Team) -> None:
    # Where Airflow has seen a DAG before, it lists it under the file that it saw it in.
    ours = (f"{team.environment['AIRFLOW_HOME']}/dags/", f"{team.checkout}/dags/")
    own, here = (
        {dag["dag_id"] for dag in team.listed(f"{folder} airflow dags list --local") if dag["fileloc"].startswith(ours)}
        for folder in ("", f"AIRFLOW__CORE__DAGS_FOLDER={team.checkout}/dags")
    )
    assert own == here
    assert {"retrain_shop", "score_shop", "monitor_shop", "rollback", "simulate", "housekeeping"} <= own


def test_nothing_fails_to_be_imported(team: Team) -> None:
    (printed,) = [text for code, text in team.printed.items() if "list-import-errors" in code]
    assert "No data found" in printed


def test_both_plugins_are_loaded(team: Team) -> None:
    found = {plugin["name"]: plugin["source"] for plugin in team.listed("airflow plugins")}
    assert found["mlsys"].endswith("mlsys_plugin.py")
    assert "mlsys.orchestration.airflow_plugin" in found["mlsys_scheduling"]


def test_the_pool_is_there(team: Team) -> None:
    pools = {pool["pool"]: int(pool["slots"]) for pool in team.listed("airflow pools list")}
    assert pools["training"] == 2


def test_a_run_goes_to_its_decision(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(team.home, monkeypatch)
    with open_workspace() as work:
        (decision,) = work.ledger.decisions("shop")
        champion = work.ledger.champion("shop")
    assert decision.outcome == "promote"
    assert champion is not None
    assert champion.candidate_id == decision.challenger
    (history,) = [text for code, text in team.printed.items() if "mlsys history" in code]
    assert "1.0.0" in history
