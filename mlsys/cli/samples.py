"""`mlsys samples make`: sample data with a known truth, to try mlsys on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from mlsys.settings import Settings


@click.group()
def samples() -> None:
    """Sample data to try mlsys on."""


@samples.command()
@click.argument("name", required=False)
@click.option(
    "--days", default=60, show_default=True, type=click.IntRange(1, 3650), help="Days of data from the first on."
)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Folder (default: MLSYS_HOME/samples).")
@click.option(
    "--set", "given", multiple=True, metavar="OPTION=VALUE", help="An option of the sample, such as signal=false."
)
@json_option
def make(name: str | None, days: int, into: Path | None, given: tuple[str, ...], as_json: bool) -> None:
    """Make the sample NAME (all without it). More days later only add drops; what is there stays as it is."""
    from mlsys.cli.sample_makers import make_sample
    from mlsys.settings import load_settings

    settings = load_settings()
    options = _options(given)
    if options and not name:
        raise UsageError("Options belong to one sample", where="--set", remedy="Name the sample too")
    settings.make_home()
    made = []
    for each in [name] if name else _drawn(settings):
        sentence = make_sample(settings, each, days=days, target=into or settings.root / "samples", options=options)
        made.append({"sample": each, "sentence": sentence})
        if not as_json:
            say(f"{each}: {sentence}")
    if as_json:
        say_json(made)
    elif not made:
        say(f"There is no sample maker in {settings.samples}.")


def _drawn(settings: Settings) -> Iterator[str]:
    """Yield the samples that need nothing but mlsys; one that hands on a package's data is made when it is named."""
    from mlsys.cli.sample_makers import load_maker, package_needed, sample_names

    return (name for name in sample_names(settings) if package_needed(load_maker(settings, name)) is None)


def _options(given: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not (key and sign):
            raise UsageError("An option is written OPTION=VALUE", where="--set", got=text)
        options[key] = value
    return options
