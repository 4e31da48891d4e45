"""`mlsys preview` and `run`: before a retraining, and the retraining itself without Airflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import Steps, say, show_decision, show_facts, show_metrics
from mlsys.wording import counted

if TYPE_CHECKING:
    from mlsys.pipeline import Finished
    from mlsys.planning.plan import RunRequest

_ORIGINS = ("run parameter", "environment", "file", "default")  # what somebody changed for this run first

day_option = click.option(
    "--day", metavar="YYYY-MM-DD", help="Last UTC day of data to include (default: newest complete)."
)
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A spec key for this run alone."
)


@click.command()
@click.argument("name")
@day_option
@set_option
@click.option("--all", "everything", is_flag=True, help="Show the values that are defaults, too.")
@json_option
def preview(name: str, day: str | None, overrides: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Show what a run would read, train and could promote, and where each value comes from. Writes nothing."""
    from mlsys.planning.preview import outlook
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        seen = outlook(work, name, day=day, overrides=overrides)
    if as_json:
        say_json(seen)
        return
    for line in seen.sentences:
        say(line)
    for origin in _ORIGINS:
        values = [(f"  {value.key}", _short(value.value)) for value in seen.values if value.origin == origin]
        if values and origin == "default" and not everything:
            say(f"\nand {counted(len(values), 'default')}: mlsys preview {name} --all")
        elif values:
            say(f"\n{origin}:")
            show_facts(values)


@click.command()
@click.argument("name")
@day_option
@set_option
@click.option(
    "--mode",
    type=click.Choice(["live", "dry", "train", "simulate"]),
    default="live",
    help="live: promote when the gates say so; dry: decide only; train: for the record, never promoted; "
    "simulate: for the walk-forward report alone.",
)
@click.option(
    "--candidate", "candidates", multiple=True, metavar="NAME", help="Train this candidate of the spec alone (repeat)."
)
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Go on although a change of the spec loses stored days that the source no longer has.",
)
@click.option("--approval", is_flag=True, help="Let a person have the last word: what passes waits for `promote`.")
@click.option("--reason", help="Why this run is asked for; kept in the ledger.")
@json_option
def run(name: str, as_json: bool, approval: bool, **asked: Any) -> int:
    """Retrain NAME here, without Airflow: the same steps, the same decision."""
    from mlsys.planning.plan import RunRequest

    request = RunRequest(name, approval=True if approval else None, **asked)
    ended = _run(request, quiet=as_json)
    finished = ended.finished
    if as_json:
        say_json(_summary(ended))
    elif finished.version is None or finished.evaluations is None:
        say(f"skipped ({finished.start.reason}): {finished.start.sentence.rstrip('.')}.")
    else:
        show_metrics(finished.evaluations, ended.details)
        show_decision(finished.version.decision)
        say(f"\n{finished.version.sentence}.\nReport card: {ended.card}")
    return 4 if finished.version and finished.version.decision.outcome == "error" else 0


@dataclass(frozen=True)
class _Ended:
    """A run, its evaluation's details, the path of its card, and the id of the candidate that serves after it."""

    finished: Finished
    details: dict[str, Any]
    card: str
    champion: str | None


def _run(request: RunRequest, *, quiet: bool) -> _Ended:
    import sys

    from mlsys import pipeline
    from mlsys.cli.logs import set_up
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    settings = load_settings()
    live = sys.stderr.isatty() and settings.log_format == "text"
    set_up(settings.log_format, "WARNING" if live else settings.log_level)
    steps = None if quiet else Steps()
    with open_workspace(settings) as work:
        try:
            finished = pipeline.run(work, request, listener=steps, ahead=True)
        finally:
            if steps:
                steps.stop()
        champion = work.ledger.champion(request.pipeline)
        return _Ended(
            finished,
            details=work.store.read_json(finished.evaluations.details) if finished.evaluations else {},
            card=str(work.home / finished.report.path) if finished.report else "",
            champion=champion.candidate_id if champion else None,
        )


def _summary(ended: _Ended) -> dict[str, Any]:
    finished = ended.finished
    start, version = finished.start, finished.version
    return {
        "status": "done" if start.go else "skipped",
        "run_id": start.run_id,
        "reason": start.reason,
        "sentence": version.decision.sentence if version else start.sentence,
        "snapshot": start.snapshot.dump() if start.snapshot else None,
        "decision": version.decision.dump() if version else None,
        "champion": ended.champion,
        "version": version.version if version else None,
        "metrics": {
            model: value.model_dump(mode="json")
            for model, value in (finished.evaluations.summary if finished.evaluations else {}).items()
        },
        "report": finished.report.path if finished.report else None,
        "steps": finished.seconds,
    }


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
