"""`mlsys list` and `why`: how all pipelines stand, and what became of the last night of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import no_pipeline, say, show_table

if TYPE_CHECKING:
    from mlsys.upkeep.standing import Standing


@click.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show all pipelines, those that need a person first."""
    from mlsys.upkeep.standing import standings
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        found = standings(work)
    if as_json:
        say_json([_facts(one) for one in found])
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
    """Say in three sentences what became of the last night of NAME, what it means, and what to do."""
    from mlsys.upkeep.standing import standing
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        found = standing(work, name)
    if as_json:
        say_json(_facts(found))
        return
    say(found.happened)
    say(found.meaning)
    say(found.todo or "There is nothing to do.")


def _facts(found: Standing) -> dict[str, Any]:
    return {
        "pipeline": found.pipeline,
        "state": found.state,
        "happened": found.happened,
        "meaning": found.meaning,
        "todo": found.todo,
        "request_id": found.request.request_id if found.request else None,
        "run_id": found.request.run_id if found.request else None,
        "outcome": found.decision.outcome if found.decision else None,
    }
