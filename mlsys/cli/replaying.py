"""`mlsys replay`: runs done again from what they left, and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say
from mlsys.errors import MlsysError, RunError, UsageError

if TYPE_CHECKING:
    from mlsys.replay import Replayed


@click.command()
@click.argument("runs", nargs=-1, metavar="RUN...")
@click.option("--all", "everything", is_flag=True, help="The newest runs of all pipelines.")
@click.option(
    "--last",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="With --all: how many runs of each pipeline.",
)
@json_option
def replay(runs: tuple[str, ...], everything: bool, last: int, as_json: bool) -> None:
    """Do each RUN again from its snapshot and spec, and say what differs.

    A run is identical (byte for byte), within tolerance, or diverged, with the reason. Nothing is promoted and no
    source is read. The exit code is 4 when a run diverged or can't be done again.
    """
    from mlsys.replay import newest
    from mlsys.replay import replay as done_again
    from mlsys.workspace import open_workspace

    if bool(runs) == everything:
        raise UsageError("Name the runs to replay, or ask for --all", remedy="`mlsys history NAME` shows their names")
    found: list[Replayed] = []
    failed: dict[str, str] = {}
    with open_workspace() as work:
        for run_id in newest(work, list(work.ledger.pipelines()), last=last) if everything else runs:
            try:
                found.append(done_again(work, run_id))
            except UsageError:
                raise
            except MlsysError as error:
                failed[run_id] = str(error)
            if not as_json:
                say(_line(run_id, found, failed))
    if as_json:
        say_json([*({**vars(one), "sentence": one.sentence} for one in found), *_failures(failed)])
    elif not found and not failed:
        say("No run has ended yet: there is nothing to replay.")
    n_diverged = sum(one.agreement == "diverged" for one in found)
    if n_diverged or failed:
        raise RunError(f"{n_diverged} diverged, {len(failed)} can't be done again, of {len(found) + len(failed)}")


def _line(run_id: str, found: list[Replayed], failed: dict[str, str]) -> str:
    if run_id in failed:
        return f"{run_id}: {failed[run_id]}"
    one = found[-1]
    details = [f"\n    {model.name}: {model.why}" for model in one.models if model.why]
    return f"{run_id} is {one.sentence}" + "".join(details)


def _failures(failed: dict[str, str]) -> list[dict[str, str]]:
    return [{"run_id": run_id, "agreement": "impossible", "sentence": text} for run_id, text in failed.items()]
