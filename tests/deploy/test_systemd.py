"""The systemd unit is one that systemd accepts, and its commands are commands of mlsys."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlsys.cli.main import commands
from mlsys.orchestration.stack.credentials import passwords_file

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "include" / "deploy" / "mlsys.service"
DOCS = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys of a unit are in mixed case
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return dict(parser["Service"])


@pytest.mark.parametrize(("key", "wanted"), [("ExecStart", "up"), ("ExecReload", "up"), ("ExecStop", "down")])
def test_each_command_exists_where_the_unit_says(service: dict[str, str], key: str, wanted: str) -> None:
    program, name = service[key].split()
    assert name == wanted
    assert name in commands.commands
    assert program == f"{service['WorkingDirectory']}/.venv/bin/mlsys"
    assert (Path(sys.executable).parent / "mlsys").is_file()


def test_it_stays_active_when_up_has_ended(service: dict[str, str]) -> None:
    assert (service["Type"], service["RemainAfterExit"]) == ("oneshot", "yes")


def test_the_password_that_up_prints_stays_out_of_the_journal(service: dict[str, str]) -> None:
    assert service["StandardOutput"] == "null"
    assert service["StandardError"] == "journal"
    home = Path("/var/lib/mlsys")
    assert f"`{passwords_file(home).relative_to(home)}`" in DOCS


def test_the_home_is_its_own_and_the_page_says_where(service: dict[str, str]) -> None:
    home = service["Environment"].removeprefix("MLSYS_HOME=")
    assert home == f"/var/lib/{service['StateDirectory']}"
    assert service["StateDirectoryMode"] == "0700"
    assert f"MLSYS_HOME={home}" in DOCS
    assert service["EnvironmentFile"].removeprefix("-") in DOCS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_accepts_it(tmp_path: Path) -> None:
    installed = tmp_path / "mlsys.service"
    here = {"/opt/mlsys/.venv/bin": str(Path(sys.executable).parent), "/opt/mlsys": str(ROOT)}
    text = UNIT.read_text(encoding="utf-8")
    installed.write_text(re.sub("|".join(here), lambda found: here[found[0]], text), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(installed)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_watchdog_s_timer_starts_a_command_that_there_is() -> None:
    def sections(name: str) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(UNIT.with_name(name).read_text(encoding="utf-8"))
        return parser

    service, timer = (sections(f"mlsys-pulse.{kind}") for kind in ("service", "timer"))
    program, name, *options = service["Service"]["ExecStart"].split()
    assert program == "/opt/mlsys/.venv/bin/mlsys"
    known = {option for parameter in commands.commands[name].params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} == {"--quiet", "--textfile"} <= known
    assert service["Service"]["Type"] == "oneshot"  # else a trouble would be no failed unit
    assert timer["Timer"]["OnUnitActiveSec"] == "5min"
