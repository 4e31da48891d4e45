"""`mlsys list` and `why`: how all pipelines stand, and what became of the last night of one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import no_pipeline, say, show_table

if TYPE_CHECKING:
    from mlsys.upkeep.standing import Standing
    from mlsys.upkeep.task_logs import LoggedError


@click.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show all pipelines, those that need a person first."""
    from mlsys.upkeep.standing import standings
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        found = standings(work)
        home = work.home
    if as_json:
        say_json([_facts(one, home) for one in found])
        return
    if not found:
        say(no_pipeline(work.settings))
        return
    counts = {one.state: sum(other.state == one.state for other in found) for one in found}
    say(", ".join(f"{number} {state}" for state, number in counts.items()))
    say()
    show_table(("pipeline", "state", "what happened"), [(one.pipeline, one.state, one.happened) for one in found])
    wanted = [one for one in found if one.todo and one.state != "never ran"]
    if wanted:
        say(f"\nMore: mlsys why {wanted[0].pipeline}")


@click.command()
@click.argument("name")
@json_option
def why(name: str, as_json: bool) -> None:
    """Say in three sentences what became of the last night of NAME, what it means, and what to do.

    After a failure also the last error in its log, and the commands that come next.
    """
    from mlsys.monitoring.gains import gain_of
    from mlsys.upkeep.standing import standing
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        found = standing(work, name)
        home, serving = work.home, work.ledger.champion(name)
    gain = gain_of(home, name, serving.candidate_id) if serving else None
    if as_json:
        say_json({**_facts(found, home), "gain": gain})
        return
    say(found.happened)
    say(found.meaning)
    say(found.todo or "There is nothing to do.")
    if gain is not None and serving is not None:
        say(f"\nThe promotion of version {serving.version}. {gain.sentence}")
    logged = _logged(found, home)
    if logged is not None:
        say(f"\nLog:  {logged.path}\n      {logged.at} {logged.line}".rstrip())
    for number, command in enumerate(_next(found)):
        say(f"{'Then: ' if number else chr(10) + 'Next: '}{command}")


def _logged(found: Standing, home: Path) -> LoggedError | None:
    """Return the last error in the log of a run that failed, or None."""
    from mlsys.upkeep.task_logs import last_error

    return last_error(home, found.request.request_id) if found.request and found.state == "failed" else None


def _next(found: Standing) -> list[str]:
    """Return the commands that come next, in their order: to look, and to try again when it is mended."""
    commands = re.findall(r"`(mlsys [^`]+)`", found.todo)[:1]
    request = found.request
    if found.state == "failed" and request is not None and request.day and commands:
        commands.append(f"mlsys run {found.pipeline} --day {request.day}")
    return commands


def _facts(found: Standing, home: Path) -> dict[str, Any]:
    return {
        "pipeline": found.pipeline,
        "state": found.state,
        "happened": found.happened,
        "meaning": found.meaning,
        "todo": found.todo,
        "log": _logged(found, home),
        "next": _next(found),
        "request_id": found.request.request_id if found.request else None,
        "run_id": found.request.run_id if found.request else None,
        "outcome": found.decision.outcome if found.decision else None,
    }
