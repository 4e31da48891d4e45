"""`mlsys plan`, `apply`, `restate` and `diff`: changes before they go live, of data of the past, and of versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mlsys.cli.backfilling import Progress
from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say, show_table

if TYPE_CHECKING:
    from datetime import date

    from mlsys.changes.records import GatesSaid, SpecPlan

set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A spec key as it would be; over the file's."
)


@click.command()
@click.argument("name")
@set_option
@click.option("--fit", is_flag=True, help="Fit what has changed, in a dry run about the day of the last live run.")
@click.option("--backfill", "days", metavar="FROM..TO", help="Compare both specs over these UTC days, both included.")
@click.option("--parallel", default=2, show_default=True, type=click.IntRange(1, 64), help="Days side by side.")
@json_option
def plan(name: str, overrides: tuple[str, ...], *, fit: bool, days: str | None, parallel: int, as_json: bool) -> int:
    """Say what the spec of NAME, as its file is now, would do beside that of the last live run.

    Each changed key is for the gates only (judged again), for models (fitted again), for data (read again), or has no
    effect. Exit codes: 0 nothing speaks against it, 2 wrong spec, 3 a run would refuse to start, 4 the changed gates
    decide `error`, 6 worse beyond chance over past days.
    """
    from mlsys.changes import page
    from mlsys.changes.spec_plan import plan_of
    from mlsys.changes.walked import Days
    from mlsys.cli.logs import set_up
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    settings = load_settings()
    asked = None if days is None else Days(*day_range(days, where="--backfill"), parallel)
    progress = Progress() if asked and not as_json else None
    told = asked is not None and not (progress and progress.live)
    set_up(settings.log_format, settings.log_level if told else "WARNING")
    with open_workspace(settings) as work:
        try:
            found = plan_of(work, name, overrides=overrides, fit=fit, days=asked, listener=progress)
            written = page.write(work, found)
        finally:
            if progress:
                progress.stop()
    if as_json:
        say_json(found)
    else:
        _show(found)
        say(f"\nPlan: {settings.root / written.path}")
    return found.exit_code


def day_range(text: str, *, where: str) -> tuple[date, date]:
    """Return the first and the last day of `FROM..TO`.

    Raises:
        UsageError: it is no such range.
    """
    from mlsys.clock import parse_day
    from mlsys.errors import UsageError

    first, dots, last = text.partition("..")
    if not dots:
        raise UsageError("A range of days is written FROM..TO, as in 2026-05-01..2026-05-31", where=where, got=text)
    return parse_day(first.strip(), where=where), parse_day(last.strip(), where=where)


@click.command()
@click.argument("name")
@set_option
@json_option
def apply(name: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Write what was set for a plan into the spec's file; comments stay.

    What was fitted for the plan is adopted byte for byte by the next run on the same rows. Nothing is written where a
    run would refuse to start, or the changed gates decide `error`.
    """
    from mlsys.changes import applying
    from mlsys.spec.fix import unified
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        found = applying.apply(work, name, overrides=overrides)
    if as_json:
        say_json({"path": found.path, "changed": found.after != found.before, "plan": found.plan})
        return
    _show(found.plan)
    say()
    say(unified(found.path, found.before, found.after).rstrip() or f"{found.path} says so already: nothing is written.")


@click.command()
@click.argument("name")
@click.argument("days", metavar="FROM..TO")
@json_option
def restate(name: str, days: str, as_json: bool) -> None:
    """Read the days FROM..TO of NAME's source again, and list the decisions that rested on what they held before.

    Days that differ are stored as new versions, which the next run reads. Nothing of the past changes.
    """
    from mlsys.changes import restating
    from mlsys.workspace import open_workspace

    asked = day_range(days, where="FROM..TO")
    with open_workspace() as work:
        found = restating.restate(work, name, *asked)
    if as_json:
        say_json(found)
        return
    say(found.sentence)
    if found.days:
        known = [(d.day, d.table, d.version or "gone", _rows(d.n_rows_before), _rows(d.n_rows)) for d in found.days]
        show_table(("day", "table", "version", "rows before", "rows now"), known)
    if found.decisions:
        say()
        rows = [(d.run_id, d.outcome, d.challenger or "", "serves" if d.serves else "") for d in found.decisions]
        show_table(("decision of run", "outcome", "challenger", ""), rows)


@click.command()
@click.argument("first", metavar="V1")
@click.argument("second", metavar="V2")
@json_option
def diff(first: str, second: str, as_json: bool) -> None:
    """Show what differs between two versions, candidates or runs: spec, data, packages, metrics, decision.

    A version is named by its number, or as shop@1.2.0 where several pipelines have one of that number.
    """
    from mlsys.changes.versions import difference
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        found = difference(work, first, second)
    if as_json:
        say_json(found)
        return
    for which, run, candidate in zip(("First ", "Second"), (found.first, found.second), found.candidates, strict=True):
        say(f"{which}: {candidate or 'no candidate'}, of run {run}")
    spec = [(change.key, _short(change.before), _short(change.after)) for change in found.spec]
    metrics = "metrics, on the same holdout rows" if found.same_rows else "metrics, each on the holdout of its own run"
    parts = [("data", found.data), ("packages", found.packages), ("model", found.model)]
    parts += [(metrics, found.metrics), ("decision", found.decisions)]
    tables: list[tuple[str, list[tuple[Any, ...]]]] = [("spec", list(spec))]
    tables += [(title, [(d.what, d.first, d.second) for d in part]) for title, part in parts]
    for title, rows in tables:
        if rows:
            say(f"\n{title}:")
            show_table(("", "first", "second"), rows)
    if not any(rows for _, rows in tables):
        say("Nothing differs.")


def _rows(n: int | None) -> str:
    return "none stored" if n is None else f"{n:,}"


def _show(found: SpecPlan) -> None:
    say(f"{found.pipeline}: against the last live run, {found.run_id}.")
    if found.changes:
        rows = [(change.key, _short(change.before), _short(change.after), change.category) for change in found.changes]
        show_table(("key", "was", "is", "for"), rows)
        say()
    for sentence in found.sentences:
        say(sentence)
    if found.then and found.now:
        _show_judged(found.then, found.now)
    if found.walked:
        say(f"\n{found.walked.sentence}")
        for days, why in found.walked.left_out.items():
            say(f"Not compared: {days}; {why}.")
    for obstacle in (found.waits, found.refused):
        if obstacle:
            say(obstacle)


def _show_judged(then: GatesSaid, now: GatesSaid) -> None:
    say(f"\nThen: {then.outcome}. {then.sentence.rstrip('.')}.")
    say(f"Now:  {now.outcome}. {now.sentence.rstrip('.')}.")
    before = {gate.name: gate.state for gate in then.gates}
    for gate in now.gates:
        if before.get(gate.name) != gate.state:
            say(f"  {gate.name}: was {before.get(gate.name, 'not asked')}, is {gate.state}. {gate.sentence}")


def _short(value: Any) -> str:
    text = "not given" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."
