"""The Models page as HTML: what `overview` found, filled into the templates. Knows addresses, but no web server."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from mlsys import clock
from mlsys.changes.page import PLAN
from mlsys.monitoring.monitoring import DRIFT
from mlsys.monitoring.versions_page import VERSIONS
from mlsys.orchestration.page import charts, overview
from mlsys.orchestration.page.addresses import Places
from mlsys.orchestration.page.approval import waiting
from mlsys.orchestration.page.overview import Detail, Glance, Judged
from mlsys.report import card as report
from mlsys.report import page, refusals
from mlsys.report.usage import loading_code
from mlsys.upkeep.requested import Requested, requested
from mlsys.upkeep.standing import WORST_FIRST
from mlsys.workspace import Workspace

TEMPLATES = Path(report.__file__).with_name("templates") / "models"
OUTCOMES = 100  # requests on the page of what became of them
SHOWN = 30  # decisions in words on the page of a pipeline
WALK_FORWARD = "walk-forward"


@dataclass(frozen=True)
class May:
    """What the reader may do to a pipeline; Airflow decides, and decides again when it is done."""

    retrain: bool = False
    answer: bool = False
    roll_back: bool = False
    hold: bool = False


@dataclass(frozen=True)
class Links:
    """Where a decision's details are; None for what is not there."""

    card: str | None
    run: str | None
    model: str | None


def list_page(work: Workspace, glances: Sequence[Glance], may: Mapping[str, May], places: Places) -> str:
    """Return the page of all pipelines, those that need a person first."""
    order = sorted(glances, key=lambda glance: WORST_FIRST.index(glance.standing.state))
    counts = Counter(glance.standing.state for glance in order)
    rows = [
        (glance, may.get(glance.pipeline, May()), _card(work, glance.pipeline, glance.judged[-1:], places))
        for glance in order
    ]
    inbox = [asks for glance in order if (asks := waiting(work, glance)) is not None]
    inbox.sort(key=lambda asks: (asks.since is None, asks.since))  # who has waited longest, first
    return _render("list.html.j2", places, rows=rows, counts=counts, title="Models", inbox=inbox, now=clock.now())


def pipeline_page(work: Workspace, detail: Detail, may: May, places: Places, *, on: date | None) -> str:
    """Return the page of one pipeline; `on` asks who served on a UTC day."""
    glance = detail.glance
    home, name = work.home, glance.pipeline
    shown = detail.decisions[: -SHOWN - 1 : -1]
    present = glance.champion.change.version if glance.champion else None
    asks = waiting(work, glance)
    return _render(
        "pipeline.html.j2",
        places,
        title=name,
        glance=glance,
        may=may,
        asks=asks,
        asks_links=_links(work, name, asks.judged, places) if asks else None,
        decisions=[(judged, _links(work, name, judged, places)) for judged in shown],
        older=len(detail.decisions) > len(shown) or len(glance.judged) > len(shown),
        chart=charts.chart(glance.judged, glance.title),
        timeline=charts.timeline(detail.terms, clock.now()),
        terms=detail.terms[::-1],
        gains=detail.gains,
        live=detail.live,
        earlier=list(dict.fromkeys(t.change.version for t in detail.terms[::-1] if t.change.version != present)),
        on=on,
        served=overview.served_on(detail.terms, on) if on else (),
        walk_forward=_existing(home, "reports", name, f"{WALK_FORWARD}.html") and places.report(name, WALK_FORWARD),
        change_plan=_existing(home, "reports", name, f"{PLAN}.html") and places.report(name, PLAN),
        drift=_existing(home, "reports", name, f"{DRIFT}.html") and places.report(name, DRIFT),
        versions=_existing(home, "reports", name, f"{VERSIONS}.html") and places.report(name, VERSIONS),
        data_docs=_existing(home, "data_docs", name, "index.html") and places.data_docs(name),
        usage=_usage(glance),
    )


def outcomes_page(work: Workspace, pipeline: str, places: Places) -> str:
    """Return the list of a pipeline's newest requests with what became of each, the newest first."""
    found = requested(work, pipeline, last=OUTCOMES + 1)
    versions = overview.promoted(work, pipeline, [one.decision for one in found if one.decision])
    return _render(
        "outcomes.html.j2",
        places,
        title=f"Outcomes of {pipeline}",
        pipeline=pipeline,
        rows=[
            (one, one.decision and versions.get(one.decision.decision_key), _way(work, pipeline, one, places))
            for one in found[: -OUTCOMES - 1 : -1]
        ],
        older=len(found) > OUTCOMES,
    )


def message_page(places: Places, title: str, sentences: Sequence[str], *, link: tuple[str, str] | None = None) -> str:
    """Return a page that says one thing: what went wrong, and with `link` (text, address) the way on."""
    return _render("message.html.j2", places, title=title, sentences=sentences, link=link)


def with_way_back(html: str, pipeline: str, places: Places, *, nonce: str) -> str:
    """Return a page that stands by itself with a link to the page of its pipeline in front.

    The one script in it, which `nonce` lets run, opens links that lead out of Airflow's frame.
    """
    link = Markup(
        '<p style="margin:0;padding:10px 14px;font:14px system-ui,sans-serif"><a href="{}/">Models</a> / '
        '<a href="{}">{}</a></p><script nonce="{}" src="{}/static/models.js?v={}"></script>'
    ).format(places.page, places.pipeline(pipeline), pipeline, nonce, places.page, asset("models.js")[1])
    return re.sub(r"<body[^>]*>|(?=<h1)", lambda begin: f"{begin[0]}{link}", html, count=1)


@cache
def asset(name: str) -> tuple[bytes, str]:
    """Return one of the page's two own files and a tag that changes with its content.

    Raises:
        LookupError: it is none of them.
    """
    if name not in ("models.css", "models.js"):
        raise LookupError(name)
    content = (TEMPLATES / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


def _usage(glance: Glance) -> Mapping[str, str]:
    """Return the ways to load the champion in Python; none where there is no champion or no spec."""
    spec = glance.standing.spec
    if glance.champion is None or spec is None:
        return {}
    kinds = [registry.kind for registry in spec.registries]
    return loading_code(glance.pipeline, registries=kinds, task=spec.target.task)


def _card(work: Workspace, pipeline: str, newest: Sequence[Judged], places: Places) -> Links:
    """Return the link to the report card of the newest decision alone: many pipelines are one page."""
    names = [judged.decision.run_id for judged in newest]
    cards = [places.report(pipeline, n) for n in names if _existing(work.home, "reports", pipeline, f"{n}.html")]
    return Links(card=next(iter(cards), None), run=None, model=None)


def _links(work: Workspace, pipeline: str, judged: Judged, places: Places) -> Links:
    run_id = judged.decision.run_id
    version = overview.mlflow_version(work, judged) if places.mlflow else None
    return Links(
        card=places.report(pipeline, run_id) if _existing(work.home, "reports", pipeline, f"{run_id}.html") else None,
        run=places.run(judged.asked_by),
        model=places.model(pipeline, version) if version else None,
    )


def _way(work: Workspace, pipeline: str, one: Requested, places: Places) -> Links:
    """Return the links of a request: its report card, and the run of Airflow that made it."""
    request = one.request
    card = Path("reports", pipeline, f"{request.run_id}.html")
    if request.status == "failed":
        card = refusals.card_path(pipeline, request.request_id)
    there = request.status != "skipped" and (work.home / card).is_file()
    return Links(places.report(pipeline, card.stem) if there else None, places.run(request.request_id), None)


def _existing(home: Path, *parts: str) -> bool:
    return home.joinpath(*parts).is_file()


def _render(template: str, places: Places, **values: Any) -> str:
    return _templates().get_template(f"models/{template}").render(places=places, **values)


@cache
def _templates() -> jinja2.Environment:
    environment = page.templates()
    environment.globals.update(sparkline=charts.sparkline, tag=lambda name: asset(name)[1])
    return environment
