"""The entry point: commands, exit codes, and one clear sentence for every error."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from typing import NoReturn

import click

from mlsys import __version__
from mlsys.cli.api_keys import keys
from mlsys.cli.auditing import audit
from mlsys.cli.backfilling import backfill
from mlsys.cli.champions import champion, history, promote, report, rollback
from mlsys.cli.drafts import init
from mlsys.cli.evaluating import evaluate
from mlsys.cli.explaining import explain
from mlsys.cli.given_words import require_words
from mlsys.cli.holding import hold
from mlsys.cli.operating import clean, doctor, down, reconcile, status, up
from mlsys.cli.planning import apply, diff, plan, restate
from mlsys.cli.pulse import acknowledge, pulse
from mlsys.cli.rehydrating import rehydrate
from mlsys.cli.replaying import replay
from mlsys.cli.retraining import preview, run
from mlsys.cli.samples import samples
from mlsys.cli.serving import serve
from mlsys.cli.specs import check, schema
from mlsys.cli.standing import list_, why
from mlsys.cli.streams import open_closed_streams, steady_streams
from mlsys.cli.trying import try_
from mlsys.cli.watching import monitor
from mlsys.errors import MlsysError
from mlsys.garbage import collect_seldom
from mlsys.shortages import in_words

MEANINGS = {
    0: "done",
    2: "wrong usage or spec",
    3: "data refused",
    4: "the run failed, decided `error`, or something is missing",
    5: "other runs promoted first",
    6: "a changed spec would do worse",
    130: "interrupted",
}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done or skipped, 2 wrong usage or spec, 3 data refused, 4 the run failed, decided `error`, "
    "or something is missing, 5 lost three races, 6 a changed spec would do worse.",
)
@click.version_option(__version__, prog_name="mlsys")
def commands() -> None:
    """Retraining that can be trusted with a production model."""


_ALL = [up, down, status, doctor, pulse, acknowledge, reconcile, clean, samples]
_ALL += [init, check, schema, plan, apply, restate, preview, run, backfill]
_ALL += [list_, why, explain, diff, history, champion, report, monitor, replay, evaluate, audit]
_ALL += [promote, rollback, hold, rehydrate, serve, keys, try_]
for _command in _ALL:
    commands.add_command(_command)


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    leave(commands)


def leave(command: click.Command, *, done: str | None = None) -> NoReturn:
    """Run one command as this process, and leave with its exit code, whatever becomes of what it prints.

    `done` is said where all went well.
    """
    open_closed_streams()
    collect_seldom()
    # What a system sends to end a program ends it in order, as Ctrl-C does: children and the database go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = guarded(command, sys.argv[1:])
    with steady_streams():
        if done and code == 0:
            click.echo(done)
        logging.shutdown()
    # Tearing down the modules of pandas, xgboost and mlflow takes over a second, and everything is closed by now.
    os._exit(code)


def invoke(arguments: list[str]) -> int:
    """Run a command line and return its exit code; errors are printed, never raised."""
    return guarded(commands, arguments)


def guarded(command: click.Command, arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are printed, never raised, and printing can't fail."""
    with steady_streams():
        return _guarded(command, arguments)


def _guarded(command: click.Command, arguments: list[str]) -> int:
    for name, value in (("MLFLOW_DISABLE_TELEMETRY", "true"), ("GX_ANALYTICS_ENABLED", "false")):
        os.environ.setdefault(name, value)
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")  # else it writes its INFO past our log's form and level
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread per candidate; candidates run side by side
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        require_words(arguments)
        with in_words():
            result = command.main(args=arguments, prog_name="mlsys", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except MlsysError as error:
        click.echo(f"mlsys: {error}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        code = 130
    except Exception:  # noqa: BLE001 - the last door: whatever comes here is a mistake in mlsys, shown whole
        traceback.print_exc()
        code = 4
    if code:
        click.echo(f"mlsys: exit code {code} ({MEANINGS.get(code, 'failed')})", err=True)
    return code
