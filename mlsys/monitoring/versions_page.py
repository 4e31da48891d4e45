"""The page of the versions: how good each was by the labels known now, by slice, and how long labels take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from mlsys.records import MetricValue
from mlsys.records.versions import VersionScore, VersionsReport
from mlsys.report import page, svg

VERSIONS = "versions"  # the page's name beside the report cards
_SHOWN_SLICES = 12


@dataclass(frozen=True)
class DrawnVersion:
    """A version in one of the tables.

    Attributes:
        primary: its primary metric, drawn on the scale of its table; the line is the newest version's.
        values: all metrics, in the table's order; None where it has none.
    """

    score: VersionScore
    primary: Markup
    values: tuple[MetricValue | None, ...]


@dataclass(frozen=True)
class VersionTable:
    """Versions side by side."""

    title: str
    lead: str
    names: tuple[str, ...]
    rows: tuple[DrawnVersion, ...]


def versions_page(pipeline: str) -> Path:
    """Return where the page lies, relative to MLSYS_HOME."""
    return Path("reports") / pipeline / f"{VERSIONS}.html"


def render(report: VersionsReport) -> str:
    """Return the page's HTML; the same report gives the same bytes."""
    tables = [
        _table(
            report, "On the days on which each served", "What people got: each version by its own days.", report.served
        )
    ]
    if report.same_days:
        lead = f"What they would have got: all versions on the days since {report.since}, scored again where need be."
        tables.append(_table(report, "On the same days", lead, report.same_days))
    if report.arms:
        lead = "What each version said of the rows that the server was asked about, whether or not its answer went out."
        tables.append(_table(report, "Live, by version and role", lead, report.arms))
    present = next((score for score in report.served if score.serves), None)
    slices = present.slices[:_SHOWN_SLICES] if present else ()
    return (
        page.templates()
        .get_template("versions.html.j2")
        .render(
            report=report,
            tables=tables,
            present=present,
            slices=slices,
            style=page.style("report/style.css", "versions/style.css"),
        )
    )


def keep(report: VersionsReport, home: Path) -> None:
    """Write the page of a report."""
    page.keep(render(report), versions_page(report.pipeline), home=home, run_id=report.pipeline)


def _table(report: VersionsReport, title: str, lead: str, scores: Sequence[VersionScore]) -> VersionTable:
    names = tuple(value.name for value in next((score.values for score in scores if score.values), ()))
    first = [
        found for score in scores if (found := score.value(report.primary)) is not None and found.value is not None
    ]
    bounds = [bound for value in first for bound in (value.lower, value.value, value.upper) if bound is not None]
    room = 0.05 * (max(bounds) - min(bounds)) or 0.01 if bounds else 0.0
    scale = svg.Scale(min(bounds) - room, max(bounds) + room) if bounds else None
    rows = []
    for score in scores:
        found, drawn = score.value(report.primary), Markup()
        if scale is not None and found is not None and first[0].value is not None:
            subject = f"{report.primary} of version {score.label}"
            drawn = svg.beside(found, first[0].value, scale=scale, subject=subject)
        rows.append(DrawnVersion(score, drawn, tuple(score.value(name) for name in names)))
    return VersionTable(title, lead, names, tuple(rows))
