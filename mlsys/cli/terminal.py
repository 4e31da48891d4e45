"""What the commands show: a live list of steps, the metrics, and the decision in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from mlsys.cli.tables import console, show_facts, show_table
from mlsys.wording import counted, measured

if TYPE_CHECKING:
    from rich.table import Table

    from mlsys.records import Decision, Evaluation, EvaluationSet, GateResult, MetricValue
    from mlsys.settings import Settings

__all__ = ["Steps", "no_pipeline", "say", "show_decision", "show_facts", "show_metrics", "show_table"]

_INTERVAL = len("0.000 0.000")

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
        from rich.markup import escape

        if self._status:
            self._status.stop()
            self._console.print(
                f"[green]✓[/] {step.replace('_', ' '):<14} [dim]{seconds:6.2f} s[/]  {escape(sentence)}"
            )

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._status:
            self._status.stop()


def show_decision(decision: Decision) -> None:
    """Print a decision in words, with every gate's finding."""
    from rich.markup import escape

    out = console()
    colour = COLOURS.get(decision.outcome, "white")
    out.print(f"\n[bold {colour}]{decision.outcome.upper()}[/]  {escape(decision.sentence.rstrip('.'))}.")
    for gate in decision.gates:
        out.print(f"  [{COLOURS.get(gate.state, 'red')}]{_mark(gate)}[/] {escape(gate.sentence)}")
        for more in (gate.context, gate.flip if gate.state != "pass" else ""):
            if more:
                out.print(f"    [dim]{escape(more)}[/]")
    if decision.advice:
        out.print(f"  {escape(decision.advice)}")


def show_metrics(evaluations: EvaluationSet, details: dict[str, object]) -> None:
    """Print all models and metrics on the holdout: a column for each model, or a block for each metric."""
    from mlsys.metrics import METRICS
    from mlsys.records import Evaluation

    rows = [Evaluation.load(item) for item in details["evaluations"]]  # type: ignore[attr-defined]
    title = f"Holdout, {counted(evaluations.n_holdout, 'row')}"
    if not rows:
        console().print(title)
        return
    models = [_shown_name(row, best=row.model_id == evaluations.best) for row in rows]
    names = [value.name for value in rows[0].holdout]
    arrows = {name: "↑" if METRICS.find(name).direction == "higher" else "↓" for name in names}
    found = {f"{name} {arrows[name]}": [_shown_value(row.on_holdout(name)) for row in rows] for name in names}
    needed = 2 + max(map(len, found)) + sum(2 + max(len(model), _INTERVAL) for model in models)
    if needed <= console().width:
        console().print(_metrics_table(f"{title} (95 % interval below)", models, found))
        return
    say(f"{title} (with 95 % interval)")
    for name, values in found.items():
        say()
        show_table((name, "", ""), [(model, *value) for model, value in zip(models, values, strict=True)])


def _shown_name(evaluation: Evaluation, *, best: bool) -> str:
    return ("champion " if evaluation.role == "champion" else "") + evaluation.name + (" *" if best else "")


def _shown_value(value: MetricValue | None) -> tuple[str, str]:
    """Return a metric's value and its interval; texts, a dash and nothing where they are not known."""
    if value is None or value.value is None:
        return "–", ""
    interval = "" if value.lower is None or value.upper is None else f"{measured(value.lower)} {measured(value.upper)}"
    return measured(value.value), interval


def _metrics_table(title: str, models: Sequence[str], found: Mapping[str, Sequence[tuple[str, str]]]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None)
    table.add_column("metric")
    for model in models:
        table.add_column(model, justify="right")
    for name, values in found.items():
        table.add_row(name, *(f"{value}\n[dim]{interval}[/]" if interval else value for value, interval in values))
    return table


def say(text: str = "") -> None:
    """Print a plain line."""
    click.echo(text)


def no_pipeline(settings: Settings) -> str:
    """Return in words that there is no spec, where one is looked for, and how to begin."""
    return (
        f"No pipeline yet: each is one YAML file in {settings.pipelines}. `mlsys init NAME --from TABLE` drafts one, "
        "`mlsys schema` says what it may hold."
    )


def _mark(gate: GateResult) -> str:
    return {"pass": "✓", "fail": "✗", "inconclusive": "?"}.get(gate.state, "!")
