"""The command line: `mlsys --help`. Nothing heavy is imported before a command needs it."""

from mlsys.cli.main import main

__all__ = ["main"]
