"""The report card of a run: one HTML file that needs nothing else, made from the run's records alone.

The same records give the same bytes: no clock, no random name, no order that depends on a machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlsys.errors import IntegrityError, RunError
from mlsys.metrics import METRICS
from mlsys.records import (
    Arrivals,
    Candidate,
    ChainAnchor,
    CheckReport,
    Decision,
    EvaluationSet,
    ModelVersion,
    Plan,
    RunReport,
    Snapshot,
    Split,
)
from mlsys.report import errors as report_errors
from mlsys.report import explained as report_explained
from mlsys.report import insight as report_insight
from mlsys.report import models as report_models
from mlsys.report import page
from mlsys.report import payoff as report_payoff
from mlsys.report import policy as report_policy
from mlsys.report.by_class import by_class
from mlsys.report.usage import loading_code
from mlsys.spec import flatten
from mlsys.store import Store
from mlsys.targets import TARGETS

# How a run ended -> its word in the headline, and what it means for production.
_ENDINGS = {
    "promote": ("Promoted", "A new champion serves."),
    "reject": ("Rejected", "The champion stays."),
    "inconclusive": ("Inconclusive", "The evidence does not suffice; the champion stays."),
    "historical": ("Historical", "Registered for the record; the champion stays."),
    "error": ("Error", "The run could not be judged; the champion stays. Somebody has to look at it."),
    "failed": ("Failed", "The run broke off; the champion stays."),
    "unfinished": ("Unfinished", "The run has not come to its end; the champion stays."),
}
_NOT_PROMOTED = ("Would be promoted", "All gates pass, but this run changed nothing: the champion stays.")
_PROMOTED_BEFORE = "The run broke off after its promotion: the new champion serves."

# Step of a run -> what it makes, in the order of the run.
_MADE_BY = {
    "validate": "checks",
    "split": "split",
    "train": "training",
    "evaluate": "evaluation",
    "decide": "gates",
    "promote": "promotion",
}
# Step -> the part of the card that shows most of a failure in it.
_SHOWN_BY = {"validate": "checks", "split": "data", "train": "candidates", "evaluate": "candidates"}


@dataclass(frozen=True)
class Card:
    """The records of a run as far as it came; what is None was not reached or not kept.

    Attributes:
        version: what serves afterwards; without it a run that did not fail has not come to its end.
        spec: `ResolvedSpec.dump()`: `{"spec", "origins", "overrides"}`.
        environment: versions and fingerprints that a replay needs; nested mappings of texts and numbers.
        arrivals: what the run was the first to read.
        failure: why the run failed, complete sentences, or None.
        failed_step: the step that failed: `validate`, `split`, `train`, `evaluate`, `decide`, `promote`, `report`.
        override: who had put the champion of then in place by hand, until when and why; None where nobody had.
        versions: the versions, as `1.0.0`, that the ledger gave to the champions before and after, by candidate id.
        pages: addresses as the run recorded them: `airflow` of its page there, `mlflow` of all pages there.
        explanation: of the challenger, as `explain` keeps it; None where there is none.
        anchor: the ledger's row that holds the decision; None where there is none.
    """

    plan: Plan
    snapshot: Snapshot
    checks: CheckReport | None
    split: Split | None
    candidates: tuple[Candidate, ...]
    evaluations: EvaluationSet | None
    decision: Decision | None
    version: ModelVersion | None
    spec: Mapping[str, Any]
    environment: Mapping[str, Any]
    arrivals: Arrivals | None = None
    failure: str | None = None
    failed_step: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    override: str | None = None
    pages: Mapping[str, str] = field(default_factory=dict)
    explanation: Mapping[str, Any] | None = None
    anchor: ChainAnchor | None = None

    @property
    def ending(self) -> str:
        """How the run ended: an outcome, `failed` or `unfinished`."""
        if self.failure is not None:
            return "failed"
        return "unfinished" if self.decision is None or self.version is None else self.decision.outcome

    @property
    def challenger(self) -> str | None:
        """Id of the candidate that met the champion, or None."""
        return (self.decision and self.decision.challenger) or (self.evaluations and self.evaluations.best) or None

    @property
    def mlflow_page(self) -> str | None:
        """MLflow's page of the run's best candidate, or None where it is not registered or the address not known."""
        if self.version is None or self.version.mlflow_version is None or "mlflow" not in self.pages:
            return None
        name, number = quote(self.plan.pipeline, safe=""), quote(self.version.mlflow_version, safe="")
        return f"{self.pages['mlflow'].rstrip('/')}/#/models/{name}/versions/{number}"

    def version_of(self, champion: str | None) -> str | None:
        """Return the version of a champion before or after the run, as the ledger gave it, or None."""
        if self.version is not None and self.version.version and champion == self.version.champion:
            return self.version.version
        return self.versions.get(champion or "")


@dataclass(frozen=True)
class Headline:
    """The end of a run in words; `before` and `after` are candidate ids of champions, or None.

    Attributes:
        gaps: sentences about what the card can't show.
    """

    word: str
    meaning: str
    before: str | None
    after: str | None
    gaps: tuple[str, ...] = ()


def write(card: Card, *, store: Store, home: Path) -> RunReport:
    """Write the report card of a run below `home/reports/` and return where it lies.

    Raises:
        IntegrityError: the details of the evaluation are missing or were changed.
        RunError: the disk is full or not writable.
    """
    return page.keep(render(card, store=store), card_path(card.plan), home=home, run_id=card.plan.run_id)


def card_path(plan: Plan) -> Path:
    """Return where the card of a run lies, relative to MLSYS_HOME, whether it is written or not."""
    return Path("reports", plan.pipeline, f"{plan.run_id}.html")


def preload() -> None:
    """Compile the card's templates: children forked later share them."""
    for name in page.templates().list_templates(extensions=["j2"]):
        if name.startswith("report"):
            page.templates().get_template(name)


def render(card: Card, *, store: Store) -> str:
    """Return the report card's HTML.

    Raises:
        IntegrityError: the details of the evaluation are missing or were changed.
    """
    target = card.spec["spec"]["target"]
    positive = target.get("positive")  # where there are classes
    shown = _judged(card, card.evaluations, store, positive) if card.evaluations else _NOT_JUDGED
    fitted = {candidate.candidate_id: candidate.name for candidate in card.candidates}
    return page.templates().get_template("report.html.j2").render(
        card=card,
        headline=headline(card),
        sections=_sections(card, shown),
        names=fitted | {model.model_id: model.name for model in shown["models"]},
        challenger=card.challenger,
        positive=positive,
        primary=METRICS.find(card.spec["spec"]["metrics"]["primary"]).title,
        spec=flatten(card.spec["spec"]),
        origins=card.spec["origins"],
        environment=flatten(card.environment),
        loading=_loading(card),
        split_parts=_split_parts(card.split) if card.split else [],
        columns=_columns(card.checks, store),
        style=page.style("report/style.css"),
        **shown,
    )  # fmt: skip


def explanation_page(card: Card) -> str | None:
    """Return the explanation of the challenger as a page of its own; None where there is none."""
    shown = _explained(card)
    if shown is None:
        return None
    return (
        page.templates()
        .get_template("explanation.html.j2")
        .render(card=card, explained=shown, style=page.style("report/style.css"))
    )


def _columns(checks: CheckReport | None, store: Store) -> list[dict[str, Any]]:
    """Return what each column holds; nothing in records of earlier versions, and where housekeeping removed it."""
    if checks is None:
        return []
    try:
        found: list[dict[str, Any]] = store.read_json(checks.details).get("columns", [])
    except IntegrityError:  # the rest of the card stands without it
        return []
    return found


def headline(card: Card) -> Headline:
    """Return the end of the run in words; only a run that made its candidate the champion says that it promoted."""
    decision, version = card.decision, card.version
    if card.ending not in _ENDINGS:
        raise RunError("The report has no words for this outcome", got=card.ending)
    word, meaning = _ENDINGS[card.ending]
    before = decision.champion if decision else card.plan.champion
    after = version.champion if version else before
    changed = version is not None and version.changed
    if changed and card.failure is not None:
        meaning = _PROMOTED_BEFORE
    elif card.ending == "promote" and not changed:
        word, meaning = _NOT_PROMOTED
    if after is None:
        meaning = meaning.replace("the champion stays", "there is still no champion")
        meaning = meaning.replace("The champion stays", "There is still no champion")
    return Headline(word, meaning, before, after, _gaps(card))


def _gaps(card: Card) -> tuple[str, ...]:
    if card.ending not in ("failed", "unfinished"):
        return ()
    records = (card.checks, card.split, card.candidates or None, card.evaluations, card.decision, card.version)
    absent = [step for step, record in zip(_MADE_BY, records, strict=True) if record is None]
    order = [*_MADE_BY, "report"]
    at = order.index(card.failed_step) if card.failed_step in order else -1
    later = [_MADE_BY[step] for step in absent if order.index(step) > at]
    earlier = [_MADE_BY[step] for step in absent if order.index(step) < at]
    found = (("Not reached" if at >= 0 else "Without a record", later), ("Done before, but not kept", earlier))
    return tuple(f"{text}: {', '.join(names)}." for text, names in found if names)


def _sections(card: Card, shown: Mapping[str, Any]) -> list[str]:
    """Return the names of the card's parts that have something to show; what failed stands first."""
    present = {
        "gates": card.decision is not None,
        "models": card.evaluations is not None,
        "curves": card.evaluations is not None
        and all(shown[name] is None for name in ("errors", "by_class", "policy")),
        "errors": shown["errors"] is not None,
        "by_class": shown["by_class"] is not None,
        "policy": shown["policy"] is not None,
        "payoff": shown["payoff"] is not None,
        "insight": shown["insight"] is not None,
        "explanations": shown["explained"] is not None,
        "data": True,
        "checks": card.checks is not None,
        "candidates": bool(card.candidates) or card.evaluations is not None,
        "use": bool(_loading(card)),
    }
    first = _SHOWN_BY.get(card.failed_step or "")
    return sorted((name for name, there in present.items() if there), key=lambda name: name != first)


def _loading(card: Card) -> Mapping[str, str]:
    """Return how to load the new champion; nothing where the run has made none."""
    if card.version is None or not card.version.changed:
        return {}
    kinds = {registry["kind"] for registry in card.spec["spec"].get("registries", ())}
    return loading_code(card.plan.pipeline, registries=kinds, task=_task(card))


def _task(card: Card) -> str:
    return str(card.spec["spec"]["target"].get(TARGETS.key, TARGETS.default))


# What `_judged` returns for a run that never came to its evaluation: its parts of the page are left out.
_OF_TASKS = dict.fromkeys(("errors", "by_class", "policy", "insight", "explained", "payoff"))
_NOT_JUDGED: dict[str, Any] = {"models": (), **_OF_TASKS}


def _judged(card: Card, evaluations: EvaluationSet, store: Store, positive: str | None) -> dict[str, Any]:
    details = store.read_json(evaluations.details)
    models = report_models.columns(details, card.challenger)
    primary, matrices = evaluations.primary, report_models.confusions(details, models)
    return {
        "models": models,
        "holdout": report_models.table(models, primary, rows="holdout"),
        "validation": report_models.table(models, primary, rows="validation"),
        "differences": report_models.differences(details, primary),
        "plots": report_models.plots(details, models, evaluations, positive),
        "errors": report_errors.errors(details, models),
        "by_class": by_class(details, models, card.spec["spec"]["target"].get("classes") or ()),
        "policy": report_policy.policy(details, models, card.spec["spec"]["target"].get("actions", ())),
        "insight": report_insight.insight(details, models, primary),
        "explained": _explained(card),
        "confusions": matrices,
        "payoff": report_payoff.payoff(details, models, matrices),
        "threshold": details.get("threshold") if positive is not None and "actions" not in details else None,
        "best_sentence": details.get("best_sentence"),
        "negative": _negative(evaluations.holdout_classes, positive),
    }


def _explained(card: Card) -> report_explained.Explained | None:
    """Return the explanation of the challenger; one that was made of another one, or of another evaluation, is none."""
    known, evaluations = card.explanation, card.evaluations
    challenger = next((c for c in card.candidates if c.candidate_id == card.challenger), None)
    if known is None or evaluations is None or challenger is None:
        return None
    if known["of"] != report_explained.made_of(challenger, evaluations):
        return None
    positive = card.spec["spec"]["target"].get("positive")
    names = () if positive is None else (_negative(evaluations.holdout_classes, positive), positive)
    return report_explained.explained(known, primary=evaluations.primary, names=names)


def _negative(classes: Mapping[str, int], positive: str | None) -> str:
    others = [name for name in classes if name != positive]
    return others[0] if len(others) == 1 else f"not {positive}"


def _split_parts(split: Split) -> list[tuple[str, str, int]]:
    parts = [(f"s-{side}", side, getattr(split, side).n_rows) for side in ("training", "validation", "holdout")]
    left_out = sum(split.left_out.values())
    return [*parts, ("s-left", "left out", left_out)] if left_out else parts
