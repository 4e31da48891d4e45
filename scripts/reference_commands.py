"""docs/command-line.md, from the commands themselves: usage, options, defaults, exit codes."""

from __future__ import annotations

from collections.abc import Iterator

import click
from made_pages import MADE, table

from mlsys.cli.main import MEANINGS, commands

PAGE = "docs/command-line.md"
_INTRODUCTION = """# Command line

{made}
`mlsys --help` and `mlsys COMMAND --help` say the same. What a command does is settled by `MLSYS_*` variables
([operations](operations.md#settings)), among them `MLSYS_HOME`. Results go to the standard output, the log and errors
to the standard error.

"""
_WIDE = 10_000  # columns: usage and help stand in one line each


def page() -> str:
    """Return the page."""
    codes = [(f"`{code}`", meaning) for code, meaning in MEANINGS.items()]
    parts = [_INTRODUCTION.format(made=MADE.format("the commands")) + table(("Exit code", "Meaning"), codes)]
    top = click.Context(commands, info_name="mlsys", terminal_width=_WIDE, max_content_width=_WIDE)
    parts += [_section(command, context) for command, context in _leaves(commands, top)]
    return "\n".join(parts)


def _leaves(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield the commands of a group in its own order, those of groups inside it in their place."""
    for name, command in group.commands.items():
        below = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _leaves(command, below)
        else:
            yield command, below


def _section(command: click.Command, context: click.Context) -> str:
    usage = command.get_usage(context).removeprefix("Usage: ")
    said = " ".join((command.help or "").split())
    records = [param.get_help_record(context) for param in command.params if isinstance(param, click.Option)]
    options = [(f"`{names}`", meaning) for names, meaning in filter(None, records)]
    parts = [f"## {context.command_path}\n", f"    {usage}\n", f"{said}\n"]
    return "\n".join([*parts, *([table(("Option", "Meaning"), options)] if options else [])])
