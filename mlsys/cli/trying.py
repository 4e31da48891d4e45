"""`mlsys try`: another model beside the champion, in the shadow or for a share of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.instants import instant_ahead
from mlsys.cli.terminal import say
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from mlsys.ledger.rows import Role
    from mlsys.workspace import Workspace


@click.command("try")
@click.argument("name")
@click.argument("candidate", required=False)
@click.option(
    "--as",
    "role",
    type=click.Choice(["shadow", "ab"]),
    help="`shadow` scores every request and answers none; `ab` answers a share of the keys. Default: shadow.",
)
@click.option("--share", type=click.IntRange(1, 99), help="Of the keys, in per cent, that `ab` answers.")
@click.option("--for", "length", metavar="TIME", help="When it ends by itself: 14d, or ISO 8601. Default: 14d.")
@click.option("--end", "ends", is_flag=True, help="End the trial of CANDIDATE.")
@click.option("--reason", help="Why; kept in the ledger for ever.")
@json_option
def try_(
    name: str,
    candidate: str | None,
    role: Role | None,
    share: int | None,
    length: str | None,
    ends: bool,
    reason: str | None,
    as_json: bool,
) -> None:
    """Try CANDIDATE beside the champion of NAME, or say what is tried and what the labels say of it.

    CANDIDATE is a candidate, a version that served, or a run, whose challenger is meant. Every server follows within
    seconds.
    """
    from mlsys.live import begun
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        if candidate is None:
            _require_bare(role, share, length, ends=ends)
            _show(work, name, as_json=as_json)
            return
        if reason is None:
            raise UsageError("Say why: it stays in the ledger for ever", where="--reason")
        if ends:
            _require_bare(role, share, length, ends=False)
            done = begun.end(work, name, candidate, reason=reason)
        else:
            until = instant_ahead(length or "14d", where="--for")
            done = begun.begin(
                work, name, candidate, role=role or "shadow", share=share or 0, until=until, reason=reason
            )
    if as_json:
        say_json(done)
    elif ends:
        say(f"{name}: the trial of {done.candidate_id} is over.")
    else:
        say(f"{name}: {done.sentence}. What labels say of it: mlsys try {name}")


def _require_bare(role: Role | None, share: int | None, length: str | None, *, ends: bool) -> None:
    """Refuse options that say how to try a model where none is begun to be tried."""
    given = {"--as": role, "--share": share, "--for": length, "--end": ends or None}
    for option, value in given.items():
        if value is not None:
            raise UsageError("It says how a model is tried, and none is begun here", where=option, got=value)


def _show(work: Workspace, name: str, *, as_json: bool) -> None:
    from mlsys.live.judging import evidence

    found = evidence(work, name)
    if as_json:
        say_json(found)
        return
    if not found:
        say(f"Nothing is tried beside the champion of {name}. To begin: mlsys try {name} CANDIDATE --reason '...'")
    for each in found:
        say(f"{each.sentence} Until {each.until:%Y-%m-%d %H:%M} UTC.")
