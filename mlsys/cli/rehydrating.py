"""`mlsys rehydrate`: the champion fitted anew after an upgrade, as the same version."""

from __future__ import annotations

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say


@click.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Fit and compare, and let nothing serve.")
@json_option
def rehydrate(name: str, dry_run: bool, as_json: bool) -> None:
    """Fit the champion of NAME anew with the packages installed now, and let it serve as the same version.

    It is fitted from its own snapshot, spec and seed, and serves only when it answers nearly as the old one did and is
    as good on the same holdout rows. The exit code is 4 when it is another model; then nothing was changed.
    """
    from mlsys.rehydrate import rehydrate as fitted_anew
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        work.settings.spec_path(name)
        found = fitted_anew(work, name, dry_run=dry_run)
    if as_json:
        say_json({**vars(found), "sentence": found.sentence})
    else:
        say(f"{found.sentence}.")
