"""What the report card shows of an explanation: what the challenger relies on, why it answers so, for which rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mlsys.metrics import METRICS
from mlsys.records import Candidate, EvaluationSet, Plan
from mlsys.report import dependence, svg
from mlsys.report.formats import MISSING, figure, metric

FORMAT = 1  # of what is kept; another one counts as none
_SHOWN, _DIGITS = 12, 16
_CLEAR = 0.3  # rank correlation from which on a direction is named
_LEAST = 0.001  # a probability below it is not 0
_TITLES = {"importance": "What it relies on", "shares": "SHAP", "dependence": "Partial dependence"}


@dataclass(frozen=True)
class Relied:
    """What the primary metric loses without a column: the mean, its interval, and a column that goes with it."""

    column: str
    loss: float
    lower: float
    upper: float
    alike: str | None
    drawing: Markup


@dataclass(frozen=True)
class Pushing:
    """How far a column pushes answers on average, and where large values of it push them, in words."""

    column: str
    size: float
    direction: str
    drawing: Markup


@dataclass(frozen=True)
class SingleRow:
    """A row: what the model said, what is true, and the columns that pushed the answer, with value and push.

    Attributes:
        base: what is said before any column pushes, `rest` what the columns that are not named add, `total` all.
    """

    answer: str
    truth: str
    pushed: tuple[tuple[str, str, float], ...]
    rest: float
    base: float
    total: float


@dataclass(frozen=True)
class Explained:
    """An explanation ready to be drawn; what is empty was not made, and `left_out` says why: (part, reason)."""

    title: str
    relied: tuple[Relied, ...]
    relied_of: Mapping[str, Any]
    pushing: tuple[Pushing, ...]
    shares_of: Mapping[str, Any]
    wrong: tuple[SingleRow, ...]
    certain: tuple[SingleRow, ...]
    dependence: dependence.Dependence | None
    left_out: tuple[tuple[str, str], ...]


def path(plan: Plan) -> Path:
    """Return where the explanation of a run lies or would lie, beside its card, relative to MLSYS_HOME."""
    return Path("reports", plan.pipeline, f"{plan.run_id}.explanation.json")


def made_of(candidate: Candidate, evaluations: EvaluationSet) -> dict[str, str]:
    """Return what an explanation is of; it is made again when that changes."""
    # Not whole: housekeeping keeps every file of the store that a JSON file names by its digest.
    model, details = (candidate.model or "")[:_DIGITS], evaluations.details[:_DIGITS]
    return {"candidate": candidate.candidate_id, "model": model, "details": details}


def read(plan: Plan, home: Path) -> dict[str, Any] | None:
    """Return the explanation of a run; None where there is none, or none that can be read."""
    try:
        found = json.loads((home / path(plan)).read_bytes())
        return found if isinstance(found, dict) and found.get("format") == FORMAT else None
    except (OSError, ValueError):
        return None


def explained(known: Mapping[str, Any], *, primary: str, names: Sequence[str]) -> Explained:
    """Return what is drawn of an explanation.

    Args:
        known: as it was kept.
        primary: name of the primary metric.
        names: of the two classes, the negative one first; empty where classes have names of their own, or none.
    """
    parts = {name: {} if "left_out" in known[name] else known[name] for name in _TITLES}
    classes = tuple(parts["dependence"].get("classes") or names)
    shares = parts["shares"]
    return Explained(
        title=METRICS.find(primary).title,
        relied=_relied(parts["importance"]),
        relied_of=parts["importance"],
        pushing=_pushing(shares),
        shares_of=shares,
        wrong=tuple(_row(row, classes) for row in shares.get("wrong", ())),
        certain=tuple(_row(row, classes) for row in shares.get("certain", ())),
        dependence=dependence.drawn(parts["dependence"]) if parts["dependence"].get("columns") else None,
        left_out=tuple(
            (title, known[name]["left_out"]) for name, title in _TITLES.items() if "left_out" in known[name]
        ),
    )


def _relied(found: Mapping[str, Any]) -> tuple[Relied, ...]:
    columns = found.get("columns", [])[:_SHOWN]
    scale = svg.forest_scale([bound for _, *bounds in columns for bound in bounds])
    alike = found.get("alike", {})
    return tuple(
        Relied(
            column=name,
            loss=loss,
            lower=lower,
            upper=upper,
            alike=f"goes with {alike[name][0]} ({metric(alike[name][1])})" if name in alike else None,
            drawing=svg.interval(loss, lower, upper, scale, f"{name} shuffled"),
        )
        for name, loss, lower, upper in columns
    )


def _pushing(found: Mapping[str, Any]) -> tuple[Pushing, ...]:
    columns = found.get("columns", [])[:_SHOWN]
    scale = svg.Scale(0.0, max([size for _, size, _ in columns] or [0.0]) * 1.02 or 1.0)
    return tuple(Pushing(name, size, _direction(goes), svg.length(size, scale, name)) for name, size, goes in columns)


def _direction(goes: float | None) -> str:
    if goes is None:
        return MISSING
    if abs(goes) < _CLEAR:
        return "no one way"
    return "up" if goes > 0 else "down"


def _row(row: Mapping[str, Any], classes: Sequence[str]) -> SingleRow:
    answer, truth = row["answer"], row["truth"]
    if len(answer) > 1:
        said = f"{classes[answer.index(max(answer))]} ({_probability(max(answer))})"
    else:
        said = _probability(answer[0]) if classes else figure(answer[0])
    return SingleRow(
        answer=said,
        truth=classes[int(truth)] if classes else figure(truth),
        pushed=tuple((name, _value(value), push) for name, value, push in row["pushed"]),
        rest=row["rest"],
        base=row["base"],
        total=row["said"],
    )


def _probability(value: float) -> str:
    if 0 < value < _LEAST:
        return f"< {_LEAST}"
    return f"> {1 - _LEAST}" if 1 - _LEAST < value < 1 else metric(value)


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else figure(value)
