"""docs/existing-airflow.md, block by block, in an Airflow whose home is new and whose configuration nobody touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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

    home: Path
    environment: dict[str, str]
    configuration: str
    printed: dict[str, str]

    def listed(self, command: str) -> list[dict[str, str]]:
        """Return what a command of Airflow lists; warnings may stand before it."""
        lines = sh(f"{command} --output json", self.environment).splitlines()
        found: list[dict[str, str]] = json.loads(next(line for line in lines if line.startswith("[{")))
        return found


def sh(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(["sh", "-ec", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, f"{code}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    folder = tmp_path_factory.mktemp("team")
    home = folder / "home"
    make_shop(home, home / "pipelines", days=12)
    edit_spec(home / "pipelines", registries=["files"])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLSYS_"))}
    environment = {
        **kept,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "MLSYS_HOME": str(home),
        "MLSYS_PIPELINES": str(home / "pipelines"),
        "MLSYS_DATABASE": "sqlite",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    sh("airflow db migrate", environment)
    configuration = (folder / "airflow" / "airflow.cfg").read_text(encoding="utf-8")
    steps = [block.code for block in blocks(PAGE) if block.language == "sh"]
    assert len(steps) == 4
    meant = {code: code.replace("NAME", "shop").replace("DAY", str(day(11))) for code in steps}
    printed = {code: sh(command, environment) for code, command in meant.items()}
    return Team(home, environment, configuration, printed)


def test_its_configuration_is_untouched(team: Team) -> None:
    path = Path(team.environment["AIRFLOW_HOME"], "airflow.cfg")
    assert path.read_text(encoding="utf-8") == team.configuration


def test_one_file_makes_the_dags_that_the_folder_here_makes(team: Team) -> None:
    # Where Airflow has seen a DAG before, it lists it under the file that it saw it in.
    ours = (f"{team.environment['AIRFLOW_HOME']}/dags/", f"{ROOT}/dags/")
    own, here = (
        {dag["dag_id"] for dag in team.listed(f"{folder} airflow dags list --local") if dag["fileloc"].startswith(ours)}
        for folder in ("", f"AIRFLOW__CORE__DAGS_FOLDER={ROOT}/dags")
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
