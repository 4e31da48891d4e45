"""`mlsys check` and `schema`: what is wrong with specs and their newest data, and what a spec may hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import no_pipeline, say

if TYPE_CHECKING:
    from mlsys.planning.preview import Problem
    from mlsys.workspace import Workspace

_MOST = 50


@click.command()
@click.argument("name", required=False)
@click.option("--full", is_flag=True, help="Read the whole source again and name days that changed since.")
@click.option("--fix", is_flag=True, help="First replace misspelt names by what errors take them for; shows the diff.")
@json_option
def check(name: str | None, full: bool, fix: bool, as_json: bool) -> int:
    """Say what is wrong with a spec and its newest data (all specs without NAME). Keeps nothing, trains nothing."""
    from mlsys.cli.logs import set_up
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    settings = load_settings()
    set_up(settings.log_format, "WARNING")
    names = [name] if name else sorted(path.stem for path in settings.pipelines.glob("*.yaml"))
    checked = []
    with open_workspace(settings) as work:
        for each in names:
            checked.append(_check(work, each, full=full, fix=fix))
            if not as_json:
                _show(checked[-1])
    if as_json:
        say_json(checked)
    elif not names:
        say(no_pipeline(settings))
    return max((one.exit_code for one in checked), default=0)


@dataclass(frozen=True)
class _Checked:
    """What is wrong with a pipeline, and how its spec was mended before that, as a diff."""

    pipeline: str
    exit_code: int
    problems: list[Problem]
    diff: str = ""


def _check(work: Workspace, name: str, *, full: bool, fix: bool) -> _Checked:
    diff = _fix(work, name) if fix else ""
    found = _problems(work, name, full=full)
    return _Checked(name, max((problem.exit_code for problem in found), default=0), found, diff)


def _show(checked: _Checked) -> None:
    if checked.diff:
        say(checked.diff.rstrip("\n"))
    for problem in checked.problems:
        say(f"{checked.pipeline}: {'' if problem.exit_code else 'warning: '}{problem.sentence}")
    if not checked.exit_code:
        say(f"{checked.pipeline}: ok")


@click.command()
def schema() -> None:
    """Print the JSON Schema of a spec, from which editors complete and check it."""
    from mlsys.spec.json_schema import as_text

    click.echo(as_text(), nl=False)


def _problems(work: Workspace, name: str, *, full: bool) -> list[Problem]:
    import traceback

    from mlsys.planning.preview import Problem, problems_of

    try:
        return problems_of(work, name, full=full)
    except Exception as error:  # noqa: BLE001 - a mistake in mlsys, about this spec alone: the others are looked at too
        traceback.print_exc()
        return [Problem(f"the check itself failed: {type(error).__name__}: {error}", 4)]


def _fix(work: Workspace, name: str) -> str:
    """Replace misspelt names in a spec: those it contradicts itself by, then, one by one, those the data don't have.

    Returns the diff.
    """
    from mlsys.errors import SpecError
    from mlsys.spec.fix import diff, mended, renamed

    path = work.settings.spec_path(name)
    try:
        before = path.read_bytes()
        _write(path, mended(path))
        for _ in range(_MOST):
            misspelt = next((found.misspelt for found in _problems(work, name, full=False) if found.misspelt), None)
            text = renamed(path, *misspelt) if misspelt else None
            if text is None or not _write(path, text):
                break
            _write(path, mended(path))  # what named the old name
        return diff(path, before.decode("utf-8"))
    except SpecError:  # the check says so
        return ""


def _write(path: Path, text: str) -> bool:
    """Write a spec's text where it differs, and return whether it did."""
    from mlsys.store import write_atomically

    target = path.resolve()
    if target.read_bytes() == text.encode("utf-8"):
        return False
    write_atomically(target, text.encode("utf-8"), mode=target.stat().st_mode & 0o777)
    return True
