"""`mlsys explain`: one decision in plain words."""

from __future__ import annotations

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say

_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!"}


@click.command()
@click.argument("name", metavar="RUN|DECISION")
@json_option
def explain(name: str, as_json: bool) -> None:
    """Say in plain words what was decided about a run, by how much, and what would have flipped it.

    Takes a run's id, for its newest decision, or a decision's key, of which 8 characters will do. What became of the
    last night of a pipeline says `mlsys why`.
    """
    from mlsys.live.known_evidence import evidence_of
    from mlsys.promotion import counterfactuals
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        found = counterfactuals.explain(work, name)
        pipeline = work.ledger.plan(found.decision.run_id).pipeline
        live = evidence_of(work.home, pipeline, found.decision.challenger) if found.decision.challenger else None
    if as_json:
        say_json({**vars(found), "live": live})
        return
    say(f"{found.what[:1].upper()}{found.what[1:]}.")
    say(f"{found.because.rstrip('.')}.")
    say(found.flipped)
    say()
    for gate in found.gates:
        say(f"  {_MARKS[gate.state]} {gate.sentence}")
        if gate.flip:
            say(f"    {gate.flip}")
    for line in found.since:
        say(f"\n{line}.")
    if live is not None:
        say(f"\nLive: {live.sentence}")
    if found.advice:
        say(f"\n{found.advice.rstrip('.')}.")
    say(f"\nDecision {found.decision.decision_key[:12]}. Its card: mlsys report {found.decision.run_id}")
