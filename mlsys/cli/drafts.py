"""`mlsys init`: a first spec from a table, and what has changed in the table since."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say

if TYPE_CHECKING:
    from mlsys.drafting.draft import Wishes
    from mlsys.drafting.questions import Answerer, OpenQuestion


@click.command()
@click.argument("name")
@click.option(
    "--from", "place", metavar="PATH|URL", help="CSV, Parquet or Excel (file, folder, pattern), or a database."
)
@click.option("--table", help="Table of the database, sheet of the workbook, or collection of MongoDB.")
@click.option("--target", metavar="COL", help="What is to be predicted.")
@click.option(
    "--task", type=click.Choice(["binary", "multiclass", "regression"]), help="Of two classes, more, or a number."
)
@click.option("--positive", metavar="CLASS", help="The class that counts as positive.")
@click.option("--time", metavar="COL", help="When a row happened; `none` where no column says so.")
@click.option("--key", metavar="COL", multiple=True, help="What names a row; several together if repeated.")
@click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="How to read 03/04/2026.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The mark of decimals, where 1,234 leaves it open.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File (default: NAME.yaml beside the other specs)."
)
@click.option("--edit", is_flag=True, help="Read the source of the spec NAME again, and propose what has changed.")
@click.option("--yes", is_flag=True, help="With --edit: write the change into the spec.")
@json_option
def init(
    name: str,
    place: str | None,
    table: str | None,
    target: str | None,
    task: str | None,
    positive: str | None,
    time: str | None,
    key: tuple[str, ...],
    dates: str | None,
    decimal: str | None,
    out: Path | None,
    edit: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Write a first spec NAME from a table: types, key, time, target, checks, split, models, gates, with reasons.

    What the table can't tell is asked on a terminal, and else refused with the option that says it.
    """
    from mlsys.cli.logs import set_up
    from mlsys.drafting.draft import Wishes
    from mlsys.drafting.roles import RolesWish
    from mlsys.drafting.target import TargetWish
    from mlsys.settings import load_settings

    settings = load_settings()
    set_up(settings.log_format, "WARNING")
    if edit:
        _edit(settings.spec_path(name), yes=yes, as_json=as_json)
        return
    if place is None:
        raise click.UsageError("Name the table with --from PATH or URL.")
    wishes = Wishes(
        place,
        table=table,
        target=TargetWish(target, task, positive),
        roles=RolesWish(key, time),
        date_order=None if dates is None else "day" if dates == "day-first" else "month",
        decimal=decimal,
    )
    _draft(name, wishes, out or settings.pipelines / f"{name}.yaml", as_json=as_json)


def _draft(name: str, wishes: Wishes, path: Path, *, as_json: bool) -> None:
    from mlsys.drafting.draft import draft
    from mlsys.drafting.file import require_new, write_new
    from mlsys.drafting.summary import summary

    require_new(name, path)
    found = draft(name, wishes, _ask())
    write_new(found, path)
    sentences = summary(found)
    if as_json:
        say_json({"pipeline": name, "spec": path, "found": sentences, "drop": found.roles.dropped})
        return
    for sentence in sentences:
        say(sentence)
    say(f"\nWritten: {path}. Read its comments, then: mlsys check {name}")


def _edit(path: Path, *, yes: bool, as_json: bool) -> None:
    from mlsys.drafting.editing import proposal
    from mlsys.spec.fix import unified
    from mlsys.store import write_atomically

    found = proposal(path, _ask())
    diff = unified(path, found.before, found.after)
    if yes and diff:
        target = path.resolve()
        write_atomically(target, found.after.encode("utf-8"), mode=target.stat().st_mode & 0o777)
    if as_json:
        say_json({"spec": path, "remarks": found.remarks, "diff": diff, "written": bool(yes and diff)})
        return
    for remark in found.remarks:
        say(remark)
    if diff:
        say(diff.rstrip("\n"))
        say(f"Written. Next: mlsys check {path.stem}" if yes else f"To write this: mlsys init --edit {path.stem} --yes")
    elif not found.remarks:
        say(f"{path.stem}: nothing has changed")


def _ask() -> Answerer:
    from mlsys.drafting.questions import refuse

    return _on_terminal if sys.stdin is not None and sys.stdin.isatty() else refuse


def _on_terminal(question: OpenQuestion) -> str:
    """Answerer until one of the choices is answered."""
    click.echo(f"{question.why} ({question.about}).", err=True)
    kind = click.Choice(question.choices) if question.choices else None
    answer: str = click.prompt(question.text, type=kind, show_choices=len(question.choices) <= 30, err=True)
    return answer
