"""`mlsys samples make`: sample data with a known truth, to try mlsys on."""

from __future__ import annotations

from pathlib import Path

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say


@click.group()
def samples() -> None:
    """Sample data to try mlsys on."""


@samples.command()
@click.argument("name", required=False)
@click.option(
    "--days", default=60, show_default=True, type=click.IntRange(1, 3650), help="Days of data from the first on."
)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Folder (default: MLSYS_HOME/samples).")
@json_option
def make(name: str | None, days: int, into: Path | None, as_json: bool) -> None:
    """Make the sample NAME (all without it). More days later only add drops; what is there stays as it is."""
    from mlsys.cli.sample_makers import make_sample, sample_names
    from mlsys.settings import load_settings

    settings = load_settings()
    settings.make_home()
    made = []
    for each in [name] if name else sample_names(settings):
        sentence = make_sample(settings, each, days=days, target=into or settings.root / "samples")
        made.append({"sample": each, "sentence": sentence})
        if not as_json:
            say(f"{each}: {sentence}")
    if as_json:
        say_json(made)
    elif not made:
        say(f"There is no sample maker in {settings.samples}.")
