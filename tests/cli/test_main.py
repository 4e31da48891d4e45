"""The entry point: cheap help, exit codes, and one clear sentence for every error."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from mlsys import errors
from mlsys.cli.main import MEANINGS, commands, guarded

HEAVY = {
    "numpy", "pandas", "pyarrow", "sklearn", "scipy", "xgboost", "mlflow", "great_expectations", "sqlalchemy",
    "airflow", "pydantic", "yaml", "rich",
}  # fmt: skip


def leaving(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['mlsys', '--help']\n"
        "from mlsys.cli.main import invoke\n"
        "code = invoke(['--help'])\n"
        f"print('LOADED', sorted({HEAVY!r} & set(sys.modules)), code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "LOADED [] 0"
    assert "Exit codes: 0 done or skipped" in done.stdout


@pytest.mark.slow
def test_the_process_leaves_with_the_exit_code_and_looks_for_garbage_seldom() -> None:
    code = (
        "import gc, os, sys; sys.argv = ['mlsys', 'runn']\n"
        "from mlsys.cli.main import main\n"
        "leave, os._exit = os._exit, lambda code: (print(gc.get_threshold()[0], flush=True), leave(code))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "mlsys: exit code 2 (wrong usage or spec)"
    assert int(done.stdout) >= 10_000


def test_all_commands_are_there() -> None:
    names = "up down status check preview run list why history champion report replay promote rollback reconcile doctor"
    more = (
        "acknowledge apply audit backfill clean diff evaluate explain hold init keys monitor plan pulse "
        "rehydrate restate samples schema serve try"
    )
    assert sorted(commands.commands) == sorted([*names.split(), *more.split()])


@pytest.mark.parametrize(
    "words",
    [
        "history shop --last 99999999999999999999",
        "history shop --last 0",
        "replay --all --last -5",
        "clean --runs 99999999",
    ],
)
def test_counts_that_no_database_or_calendar_takes_are_wrong_usage(mlsys, words) -> None:
    answer = mlsys(*words.split())
    assert answer.code == 2
    assert "is not in the range" in answer.err


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_explains_itself(mlsys, name) -> None:
    answer = mlsys(name, "--help")
    assert answer.code == 0
    assert answer.out.startswith("Usage: mlsys")
    assert commands.commands[name].help


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("wrong"), 2),
        (errors.SpecError("wrong"), 2),
        (errors.DataError("refused"), 3),
        (errors.TransientError("locked"), 4),
        (errors.RunError("failed"), 4),
        (errors.IntegrityError("damaged"), 4),
        (errors.LostRaceError("lost"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_last_line_names_the_exit_code(capsys, error, code) -> None:
    assert guarded(leaving(error), []) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == f"mlsys: exit code {code} ({MEANINGS[code]})"


def test_an_error_says_place_rule_and_remedy(capsys) -> None:
    guarded(leaving(errors.DataError("No rows", where="orders.csv:3", remedy="Mend the file")), [])
    assert capsys.readouterr().err.splitlines()[0] == "mlsys: orders.csv:3: No rows. Mend the file."


def test_a_mistake_in_mlsys_is_shown_whole(capsys) -> None:
    assert guarded(leaving(ZeroDivisionError("oops")), []) == 4
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "ZeroDivisionError: oops" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["runn", "shop"], "No such command 'runn'"),
        (["run"], "Missing argument 'NAME'"),
        (["run", "shop", "--mode", "wild"], "'wild' is not one of"),
        (["rollback", "shop"], "Missing option '--reason'"),
        (["promote", "shop", "some-run"], "Missing option '--reason'"),
        (["samples", "make", "--days", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_is_exit_code_2(mlsys, arguments, expected) -> None:
    answer = mlsys(*arguments)
    assert answer.code == 2
    assert expected in answer.err
    assert answer.last_line == "mlsys: exit code 2 (wrong usage or spec)"


def test_a_wrong_setting_is_named_by_its_variable(mlsys, fresh, monkeypatch) -> None:
    monkeypatch.setenv("MLSYS_WORKERS", "many")
    answer = mlsys("run", "shop")
    assert answer.code == 2
    assert "MLSYS_WORKERS: " in answer.err
    assert "'many'" in answer.err
