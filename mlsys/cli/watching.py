"""`mlsys monitor`: the champion on rows that it has not seen, here and now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say

if TYPE_CHECKING:
    from mlsys.records.monitoring import MonitorReport


@click.command()
@click.argument("name")
@click.option("--day", metavar="YYYY-MM-DD", help="Last UTC day of data to look at. Default: the newest complete one.")
@click.option(
    "--export",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the rows that were compared, the champion's training rows and the current ones, as Parquet below DIR.",
)
@json_option
def monitor(name: str, day: str | None, folder: Path | None, as_json: bool) -> int:
    """Let the monitors of NAME look at the newest window, as every night, and show what they saw.

    What is tried beside the champion is judged, too; a champion that live requests show to be truly worse than the one
    before it makes way for it.
    """
    from mlsys.cli.logs import set_up
    from mlsys.clock import parse_day
    from mlsys.live.concluding import conclude
    from mlsys.monitoring import monitoring
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    settings = load_settings()
    set_up(settings.log_format, "WARNING")
    wanted = parse_day(day, where="--day") if day else None
    with open_workspace(settings) as work:
        report = monitoring.monitor(work, name, day=wanted)
        files = monitoring.export_window(work, name, folder, day=wanted) if folder else ()
        live = conclude(work, name)
        newest = monitoring.latest(work.home, name)
        page = work.home / monitoring.drift_page(name) if newest and newest.day == report.day else None
    if as_json:
        shown = {"page": str(page) if page else None, "files": [str(file) for file in files], "live": live}
        say_json({**report.dump(), **shown})
    else:
        _show(report, page, files)
        for each in live:
            say(f"Live: {each.sentence}")
    return 0


def _show(report: MonitorReport, page: Path | None, files: tuple[Path, ...]) -> None:
    if report.day is not None and report.champion is not None:
        say(f"{report.pipeline}, data up to {report.day}: {report.champion} (version {report.version})")
    for result in report.results:
        say(f"  {result.state:<12} {result.name}: {result.sentence}")
    say(report.sentence)
    if page:
        say(f"Drift page: {page}")
    for file in files:
        say(f"Written: {file}")
