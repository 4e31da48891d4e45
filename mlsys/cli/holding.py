"""`mlsys hold`: the gates promote nothing for a while, because somebody says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.instants import instant_ahead
from mlsys.cli.terminal import say
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from mlsys.ledger import Hold


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; kept in the ledger for ever.")
@click.option(
    "--until", metavar="TIME", help="When it ends by itself: ISO 8601, UTC unless it has an offset; or 36h, 3d."
)
@click.option("--release", "ends", is_flag=True, help="End the hold that is in force.")
@json_option
def hold(name: str, reason: str, until: str | None, ends: bool, as_json: bool) -> None:
    """Let the gates promote nothing in NAME until you release it: runs go on, train and report.

    What you promote or roll back by hand is not held.
    """
    from mlsys.promotion import by_hand
    from mlsys.workspace import open_workspace

    if ends and until:
        raise UsageError("A release is at once", where="--until", got=until)
    end = instant_ahead(until, where="--until") if until else None
    with open_workspace() as work:
        work.settings.spec_path(name)
        if ends:
            done = by_hand.release(work, name, reason=reason)
        else:
            done = by_hand.hold(work, name, reason=reason, until=end)
        kept = [d for d in work.ledger.judgements(name, last=1, historical=False) if d.decision.reason == "held"]
    if as_json:
        say_json(done)
        return
    say(f"{name}: {done.sentence.rstrip('.')}.")
    say(_next(name, done, kept[-1].decision.run_id if kept else None))


def _next(name: str, done: Hold, kept_back: str | None) -> str:
    if done.held:
        return f"Runs go on, and promote nothing. To end it: mlsys hold {name} --release --reason '...'"
    if kept_back is None:
        return "The next run may promote again."
    return f"The hold kept {kept_back} back; the next run judges anew, or judge it again now: mlsys run {name}"
