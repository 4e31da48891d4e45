"""`mlsys audit`: one file for a model-risk reviewer or an auditor."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say, show_facts
from mlsys.errors import IntegrityError, UsageError


@click.command()
@click.argument("name")
@click.option("--from", "first", metavar="DAY", help="First UTC day of decisions (default: the beginning).")
@click.option("--to", "last", metavar="DAY", help="Last UTC day of decisions (default: now).")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The zip file to write.")
@json_option
def audit(name: str, first: str | None, last: str | None, out: Path, as_json: bool) -> None:
    """Write all decisions about NAME into one file: reports, specs, model cards, the ledger's chain, and a verifier.

    The file is checked by its own verifier before it gets its name, and never written over. The exit code is 4 when
    the chain is broken or was rewritten; the file is there all the same.
    """
    from mlsys.audit import export
    from mlsys.workspace import open_workspace

    days = _day("--from", first), _day("--to", last)
    with open_workspace() as work:
        if name not in work.ledger.pipelines():
            work.settings.spec_path(name)
        found = export.audit(work, name, out=out, first=days[0], last=days[1])
    if as_json:
        say_json({**vars(found), "verified": not found.wrong})
    else:
        say(f"{found.path}: {found.n_decisions} decisions, {found.n_versions} versions, {found.n_reports} report cards")
        show_facts(
            [
                ("SHA-256", found.sha256),
                ("newest row", found.head.text),
                ("anchors", found.n_anchors or "none (the next decision will be remembered)"),
                ("missing", _missing(found.missing)),
                ("verify with", f"unzip -p {found.path} verify.py > verify.py; python verify.py {found.path}"),
            ],
        )
    if found.wrong:
        raise IntegrityError("; ".join(found.wrong), where=name, remedy="`mlsys doctor` says more")


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError("A day is written as 2026-03-09", where=option, got=text) from None


def _missing(found: tuple[str, ...]) -> str:
    more = f"; and {len(found) - 3:,} more, which index.html names" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more if found else "nothing"
