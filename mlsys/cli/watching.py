"""`mlsys monitor`: the champion on rows that it has not seen, here and now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlsys import wording
from mlsys.cli.facts import json_option, say_json
from mlsys.cli.terminal import say, show_table
from mlsys.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mlsys.records import MetricValue
    from mlsys.records.monitoring import MonitorReport
    from mlsys.records.versions import VersionScore
    from mlsys.settings import Settings


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
@click.option(
    "--versions",
    is_flag=True,
    help="Measure the newest versions instead, past ones too, on rows that they had not seen, by the labels known now.",
)
@json_option
def monitor(name: str, day: str | None, folder: Path | None, versions: bool, as_json: bool) -> int:
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
    if versions:
        if folder:
            raise UsageError("Versions are measured, not exported", where="--export", remedy="Ask for one of them")
        return _versions(settings, name, wanted, as_json=as_json)
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


def _versions(settings: Settings, name: str, day: date | None, *, as_json: bool) -> int:
    from mlsys.monitoring.versions import measure_versions
    from mlsys.monitoring.versions_page import versions_page
    from mlsys.workspace import open_workspace

    with open_workspace(settings) as work:
        found = measure_versions(work, name, day=day)
        page = work.home / versions_page(name)
    if as_json:
        say_json({**found.model_dump(mode="json"), "page": str(page)})
        return 0
    say(found.sentence)
    if found.delay is not None:
        say(f"Labels: {found.delay.sentence}")
    _show_versions("On the days on which each served", found.served)
    if found.same_days:
        _show_versions(f"All on the same days, from {found.since} on", found.same_days)
    if found.arms:
        _show_versions("What was answered live, by version and role", found.arms)
    say(f"\nPage: {page}")
    return 0


def _show_versions(title: str, scores: Sequence[VersionScore]) -> None:
    say(f"\n{title}:")
    measured = [value.name for value in next((score.values for score in scores if score.values), ())]
    names = [name for name in measured if name in (*measured[:1], "fnr", "fpr")]  # the page and --json have all
    rows = []
    for score in scores:
        days = f"{score.first_day} to {score.last_day}" if score.first_day else "none"
        cells = [_shown(score.value(name)) for name in names]
        rows.append(
            (score.label, days, f"{score.n_labelled:,}/{score.n_rows:,}", score.uncounted, *cells, score.reason or "")
        )
    show_table(("version", "days", "labels", "", *names, ""), rows)


def _shown(value: MetricValue | None) -> str:
    """Return a metric with its interval, or a dash."""
    if value is None or value.value is None:
        return "–"
    bounds = [wording.measured(bound) for bound in (value.lower, value.upper) if bound is not None]
    return wording.measured(value.value) + (f" [{' '.join(bounds)}]" if bounds else "")


def _show(report: MonitorReport, page: Path | None, files: tuple[Path, ...]) -> None:
    if report.day is not None and report.champion is not None:
        say(f"{report.pipeline}, data up to {report.day}: {report.champion} (version {report.version})")
    for result in report.results:
        say(f"  {result.state:<12} {result.name}: {result.sentence}")
        for each in result.slices:
            if each.state == "alarm" and each.now is not None and each.before is not None:
                now, before = wording.number(each.now, each.before), wording.number(each.before, each.now)
                say(f"    {each.state:<10} {each.name}: {now}, before {before} ({wording.counted(each.n_rows, 'row')})")
    say(report.sentence)
    if page:
        say(f"Drift page: {page}")
    for file in files:
        say(f"Written: {file}")
