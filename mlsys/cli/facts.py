"""`--json`: what a command found, as one JSON value and nothing else on standard output.

Keys are the names of the records' fields, so that a script reads what the ledger and `mlsys` itself call it.
Exit codes and what goes to standard error are those of the same command in words.
"""

from __future__ import annotations

import json

import click

from mlsys.cli.terminal import say

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON value, and nothing else on standard output."
)


def say_json(found: object) -> None:
    """Print records, dataclasses, paths and times as one line of JSON, keys sorted; letters beyond ASCII as escapes."""
    from pydantic_core import to_jsonable_python

    say(json.dumps(to_jsonable_python(found), sort_keys=True))


def say_to_person(text: str) -> None:
    """Print a line of progress beside the JSON value: on standard error."""
    click.echo(text, err=True)
