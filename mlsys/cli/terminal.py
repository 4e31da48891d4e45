"""What the commands show: a live list of steps, tables, and the decision in words."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from mlsys.records import Decision, EvaluationSet, GateResult

COLOURS = {
    "promote": "green",
    "reject": "yellow",
    "inconclusive": "yellow",
    "historical": "cyan",
    "error": "red",
    "pass": "green",
    "fail": "yellow",
}


class Steps:
    """Shows the steps of a run as they happen: a spinner on a terminal, nothing otherwise (the log tells then)."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._live = self._console.is_terminal
        self._status = self._console.status("starting") if self._live else None

    def begin(self, step: str) -> None:
        """A step begins."""
        if self._status:
            self._status.update(step.replace("_", " "))
            self._status.start()

    def end(self, step: str, seconds: float, sentence: str) -> None:
        """A step ended well."""
        if self._status:
            self._status.stop()
            self._console.print(f"[green]✓[/] {step.replace('_', ' '):<14} [dim]{seconds:6.2f} s[/]  {sentence}")

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._status:
            self._status.stop()


def console() -> Console:
    """Return the console of standard output, wide enough for tables when it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def show_decision(decision: Decision) -> None:
    """Print a decision in words, with every gate's finding."""
    out = console()
    colour = COLOURS.get(decision.outcome, "white")
    out.print(f"\n[bold {colour}]{decision.outcome.upper()}[/]  {decision.sentence.rstrip('.')}.")
    for gate in decision.gates:
        out.print(f"  [{COLOURS.get(gate.state, 'red')}]{_mark(gate)}[/] {gate.sentence}")
    if decision.advice:
        out.print(f"  {decision.advice}")


def show_metrics(evaluations: EvaluationSet, details: dict[str, object]) -> None:
    """Print the table of all models and metrics on the holdout."""
    from rich.table import Table

    from mlsys.metrics import METRICS
    from mlsys.records import Evaluation

    rows = [Evaluation.load(item) for item in details["evaluations"]]  # type: ignore[attr-defined]
    names = [value.name for value in rows[0].holdout] if rows else []
    table = Table(
        title=f"Holdout, {evaluations.n_holdout:,} rows (95 % interval below)", title_justify="left", box=None
    )
    table.add_column("metric")
    for row in rows:
        star = " *" if row.model_id == evaluations.best else ""
        table.add_column(("champion " if row.role == "champion" else "") + row.name + star, justify="right")
    for name in names:
        arrow = "↑" if METRICS.find(name).direction == "higher" else "↓"
        cells = []
        for row in rows:
            value = row.on_holdout(name)
            if value is None or value.value is None:
                cells.append("–")
            elif value.lower is None or value.upper is None:
                cells.append(f"{value.value:.3f}")
            else:
                cells.append(f"{value.value:.3f}\n[dim]{value.lower:.3f} {value.upper:.3f}[/]")
        table.add_row(f"{name} {arrow}", *cells)
    console().print(table)


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a header."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table)


def say(text: str = "") -> None:
    """Print a plain line."""
    click.echo(text)


def _mark(gate: GateResult) -> str:
    return {"pass": "✓", "fail": "✗", "inconclusive": "?"}.get(gate.state, "!")
