"""The report card of a run: one HTML file that needs nothing else, made from the run's records alone.

The same records give the same bytes: no clock, no random name, no order that depends on a machine.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from mlsys import report_format, report_models, report_svg
from mlsys.errors import RunError
from mlsys.records import (
    Candidate,
    CheckReport,
    Decision,
    EvaluationSet,
    ModelVersion,
    Plan,
    RunReport,
    Snapshot,
    Split,
)
from mlsys.spec import flatten
from mlsys.store import Store, write_atomically

_log = logging.getLogger(__name__)

# Outcome -> its word in the headline, and what it means for production.
_OUTCOMES = {
    "promote": ("Promoted", "A new champion serves."),
    "reject": ("Rejected", "The champion stays."),
    "inconclusive": ("Inconclusive", "The evidence does not suffice; the champion stays."),
    "historical": ("Historical", "Registered for the record; the champion stays."),
    "error": ("Error", "The run could not be judged; the champion stays. Somebody has to look at it."),
}
_NOT_PROMOTED = ("Would be promoted", "All gates pass, but this run changed nothing: the champion stays.")


@dataclass(frozen=True)
class Card:
    """All records of a decided run.

    Attributes:
        version: what serves afterwards, or None when the run ended before that.
        spec: `ResolvedSpec.dump()`: `{"spec", "origins", "overrides"}`.
        environment: versions and fingerprints that a replay needs; nested mappings of texts and numbers.
    """

    plan: Plan
    snapshot: Snapshot
    checks: CheckReport
    split: Split
    candidates: tuple[Candidate, ...]
    evaluations: EvaluationSet
    decision: Decision
    version: ModelVersion | None
    spec: Mapping[str, Any]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Headline:
    """The outcome in words; `before` and `after` are candidate ids of champions, or None."""

    word: str
    meaning: str
    before: str | None
    after: str | None


def write(card: Card, *, store: Store, home: Path) -> RunReport:
    """Write the report card of a run below `home/reports/` and return where it lies.

    Raises:
        IntegrityError: the details of the evaluation are missing or were changed.
        RunError: the disk is full or not writable.
    """
    data = render(card, store=store).encode()
    path = Path("reports", card.plan.pipeline, f"{card.plan.run_id}.html")
    target = home / path
    if not (target.is_file() and target.read_bytes() == data):
        write_atomically(target, data)
        _log.info("report_written run=%s path=%s n_bytes=%d", card.plan.run_id, path, len(data))
    digest = hashlib.sha256(data).hexdigest()
    return RunReport(run_id=card.plan.run_id, path=path.as_posix(), sha256=digest, n_bytes=len(data))


def render(card: Card, *, store: Store) -> str:
    """Return the report card's HTML.

    Raises:
        IntegrityError: the details of the evaluation are missing or were changed.
    """
    details = store.read_json(card.evaluations.details)
    challenger = card.decision.challenger or card.evaluations.best
    models = report_models.columns(details, challenger)
    primary, spec = card.evaluations.primary, card.spec["spec"]
    target = spec["target"]
    return _templates().get_template("report.html.j2").render(
        card=card,
        headline=headline(card),
        names={candidate.candidate_id: candidate.name for candidate in card.candidates}
        | {model.model_id: model.name for model in models},
        challenger=challenger,
        models=models,
        holdout=report_models.table(models, primary, rows="holdout"),
        validation=report_models.table(models, primary, rows="validation"),
        differences=report_models.differences(details, primary),
        plots=report_models.plots(details, models, card.evaluations, target["positive"]),
        confusions=report_models.confusions(details, models),
        threshold=details.get("threshold"),
        best_sentence=details.get("best_sentence"),
        positive=target["positive"],
        negative=_negative(card.evaluations.holdout_classes, target["positive"]),
        spec=flatten(spec),
        origins=card.spec["origins"],
        refit=bool(spec.get("training", {}).get("refit")),
        environment=flatten(card.environment),
        split_parts=_split_parts(card.split),
        style=_style(),
    )  # fmt: skip


def headline(card: Card) -> Headline:
    """Return the outcome in words; only a run that made its candidate the champion says that it promoted."""
    decision, version = card.decision, card.version
    if decision.outcome not in _OUTCOMES:
        raise RunError("The report has no words for this outcome", got=decision.outcome)
    word, meaning = _OUTCOMES[decision.outcome]
    before = decision.champion
    after = before if version is None else version.champion
    if decision.outcome == "promote" and not (version is not None and version.changed):
        word, meaning = _NOT_PROMOTED
    if after is None:
        meaning = meaning.replace("the champion stays", "there is still no champion")
        meaning = meaning.replace("The champion stays", "There is still no champion")
    return Headline(word, meaning, before, after)


def _negative(classes: Mapping[str, int], positive: str) -> str:
    others = [name for name in classes if name != positive]
    return others[0] if len(others) == 1 else f"not {positive}"


def _split_parts(split: Split) -> list[tuple[str, str, int]]:
    parts = [(f"s-{side}", side, getattr(split, side).n_rows) for side in ("training", "validation", "holdout")]
    left_out = sum(split.left_out.values())
    return [*parts, ("s-left", "left out", left_out)] if left_out else parts


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mlsys", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(report_format.FILTERS)
    environment.globals.update(bullet=report_svg.bullet, shares=report_svg.shares)
    return environment


@lru_cache(maxsize=1)
def _style() -> Markup:
    path = Path(__file__).with_name("templates") / "report" / "style.css"
    return Markup(path.read_text(encoding="utf-8"))  # noqa: S704 - our own file, no data in it
