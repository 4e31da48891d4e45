"""`mlsys backfill`: retrainings about past days, and what they teach about how often to retrain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say, show_table
from mlsys.wording import measured

if TYPE_CHECKING:
    from datetime import date

    from mlsys.backfill.backfill import Backfilled, DayOutcome, Status
    from mlsys.backfill.records import WalkForward

_WORDS: dict[Status, str] = {
    "done": "done",
    "unchanged": "unchanged since an earlier run",
    "left": "left as an earlier run ended",
    "no_data": "without data",
    "failed": "failed",
}


@click.command()
@click.argument("name")
@click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help="First UTC day of data.")
@click.option("--to", "last", required=True, metavar="YYYY-MM-DD", help="Last UTC day of data, included.")
@click.option(
    "--mode",
    type=click.Choice(["simulate", "train"]),
    default="simulate",
    show_default=True,
    help="simulate: ends with the walk-forward report; train: registers each day's best model for the record.",
)
@click.option("--parallel", default=2, show_default=True, type=click.IntRange(1, 64), help="Days side by side.")
@click.option("--backwards", is_flag=True, help="The newest day first.")
@click.option(
    "--reprocess",
    type=click.Choice(["none", "failed", "completed"]),
    default="none",
    show_default=True,
    help="Days of an earlier run that are run again: none of them, failed ones, or all.",
)
@json_option
def backfill(name: str, first: str, last: str, as_json: bool, **options: Any) -> int:
    """Retrain NAME about every day of a range that lies in the past. Nothing it does can change the champion."""
    from mlsys.backfill.backfill import backfill as run_days
    from mlsys.cli.logs import set_up
    from mlsys.clock import parse_day
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    settings = load_settings()
    options |= {"first": parse_day(first, where="--from"), "last": parse_day(last, where="--to")}
    progress = None if as_json else Progress()
    set_up(settings.log_format, "WARNING" if progress and progress.live else settings.log_level)
    with open_workspace(settings) as work:
        try:
            found = run_days(work, name, **options, listener=progress)
        finally:
            if progress:
                progress.stop()
        home = work.home
    if as_json:
        say_json(_summary(found))
    else:
        _show(found, str(home))
    return found.exit_code


class Progress:
    """Shows on a terminal how many days are done, and every failed one; nothing otherwise (the log tells then)."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        self.live = console.is_terminal
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        # Without a thread that refreshes it: children are forked while it is shown.
        self._bar = Bar(*columns, console=console, auto_refresh=False) if self.live else None
        self._task: Any = None

    def begin(self, days: Sequence[date]) -> None:
        """These days are going to be run."""
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("days", total=len(days))
            self._bar.refresh()

    def end(self, outcome: DayOutcome) -> None:
        """A day ended."""
        if self._bar:
            if outcome.status == "failed":
                from rich.markup import escape

                self._bar.console.print(f"[yellow]✗[/] {outcome.day} {escape(outcome.sentence)}", highlight=False)
            self._bar.update(self._task, advance=1, refresh=True)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._bar:
            self._bar.stop()


def _show(found: Backfilled, home: str) -> None:
    counted = [f"{n} {_WORDS[status]}" for status, n in found.counts.items()]
    say(f"{found.pipeline}, {found.first} to {found.last}, mode {found.mode}: {', '.join(counted)}.")
    if found.failed:
        show_table(("failed day", "why"), [(outcome.day, outcome.sentence) for outcome in found.failed])
    if found.report:
        say(f"\n{found.report.headline}. {found.report.sentence}\n")
        _show_looks(found.report)
        say(f"Walk-forward report: {home}/{found.report.path}")
    elif found.mode == "simulate":
        say("No day could be simulated, so there is no walk-forward report.")


def _show_looks(report: WalkForward) -> None:
    """Print each strategy's looks; + and - mark what is better and worse than never retraining beyond chance."""
    from mlsys.metrics import METRICS

    compared = [strategy for strategy in report.strategies if strategy.views]
    if not compared:
        return
    where = {"within_days": " within days", "all_rows": " all rows"}
    header = [f"{METRICS.find(view.metric).title}{where.get(view.look, '')}" for view in compared[0].views]
    rows = [
        (s.name, *("–" if v.value is None else f"{measured(v.value)}{' +-'[v.sign]}".rstrip() for v in s.views))
        for s in compared
    ]
    show_table(("retrained", *header), rows)
    say("+ better, - worse than never retraining beyond chance (99 % interval by whole days)")


def _summary(found: Backfilled) -> dict[str, Any]:
    return {
        "pipeline": found.pipeline,
        "first": str(found.first),
        "last": str(found.last),
        "mode": found.mode,
        "counts": found.counts,
        "days": [
            {"day": str(o.day), "status": o.status, "run_id": o.run_id, "sentence": o.sentence} for o in found.days
        ],
        "report": found.report.dump() if found.report else None,
    }
