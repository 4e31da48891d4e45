"""What the report card shows of several classes: which are taken for which, and how well each one is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.report.models import ModelColumn

MOST_DRAWN = 30  # classes that have a row of their own in the matrix; the others share one
OTHERS = "all others"
_NARROW = 12  # classes up to which two drawings stand side by side
_CELL, _LABEL, _TOP = 26.0, 7.2, 10.0
_FAINT = 0.005  # shares below are drawn empty: a cell has room for whole percents


@dataclass(frozen=True)
class Told:
    """How well a model tells one class; None is a share of nothing.

    Attributes:
        taken_for: the class that most of the others of its rows were said to be of, with their number; None: no others.
    """

    precision: float | None
    recall: float | None
    taken_for: tuple[str, int] | None


@dataclass(frozen=True)
class ClassRow:
    """A class: its holdout rows, and how well each model tells it, in the order of the models."""

    name: str
    n: int
    told: tuple[Told, ...]


@dataclass(frozen=True)
class ByClass:
    """The classes of the holdout, for challenger and champion.

    Attributes:
        matrices: a drawing of each model: of the rows of a class, the share said to be of each.
        wide: the drawings need the whole width of a page.
        n_folded: classes without a row of their own in the drawings.
        unknown: classes that the champion does not know, with their holdout rows.
    """

    models: tuple[ModelColumn, ...]
    matrices: tuple[Markup, ...]
    rows: tuple[ClassRow, ...]
    wide: bool
    n_folded: int
    unknown: Mapping[str, int]


def by_class(details: Mapping[str, Any], models: Sequence[ModelColumn], declared: Sequence[str]) -> ByClass | None:
    """Return what the details of an evaluation know of several classes, or None where they know of none.

    Args:
        details: of an evaluation.
        models: those of the card; challenger and champion are shown.
        declared: classes in the order that the spec has them in; those that it does not name follow by name.
    """
    known = details.get("said_of")
    judged = tuple(m for m in models if m.role in ("challenger", "champion") and m.model_id in (known or {}))
    if not known or not judged:
        return None
    names, order = details["classes"], _order(details["classes"], declared)
    counts = {m.model_id: [[known[m.model_id][i][j] for j in order] for i in order] for m in judged}
    names = [names[place] for place in order]
    totals = [sum(cells) for cells in next(iter(counts.values()))]
    drawn, folded = _drawn(totals)
    return ByClass(
        models=judged,
        matrices=tuple(_matrix(m, *_folded(counts[m.model_id], names, drawn, folded)) for m in judged),
        rows=tuple(
            ClassRow(name, totals[i], tuple(_told(counts[m.model_id], i, names) for m in judged))
            for i, name in enumerate(names)
        ),
        wide=len(drawn) > _NARROW,
        n_folded=len(folded),
        unknown=details.get("unknown", {}),
    )


def _order(names: Sequence[str], declared: Sequence[str]) -> list[int]:
    """Return the places of classes as they are shown: as declared, numbers by size, else by name."""
    first = {name: place for place, name in enumerate(declared)}
    return sorted(range(len(names)), key=lambda i: (first.get(names[i], len(first)), *_by_size(names[i])))


def _by_size(name: str) -> tuple[float, str]:
    try:
        return float(name), name
    except ValueError:
        return float("inf"), name


def _drawn(totals: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the places of the classes that have a row of their own, those with most rows, and of the others."""
    if len(totals) <= MOST_DRAWN:
        return list(range(len(totals))), []
    largest = set(sorted(range(len(totals)), key=lambda i: (-totals[i], i))[:MOST_DRAWN])
    return sorted(largest), [i for i in range(len(totals)) if i not in largest]


def _folded(
    counts: Sequence[Sequence[int]], names: Sequence[str], drawn: Sequence[int], folded: Sequence[int]
) -> tuple[list[list[int]], list[str]]:
    """Return counts and names of the classes that are drawn, with one more for all others together."""
    groups = [[i] for i in drawn] + ([list(folded)] if folded else [])
    cells = [[sum(counts[i][j] for i in true for j in said) for said in groups] for true in groups]
    return cells, [names[i] for i in drawn] + ([OTHERS] if folded else [])


def _told(counts: Sequence[Sequence[int]], i: int, names: Sequence[str]) -> Told:
    hits, n, said = counts[i][i], sum(counts[i]), sum(cells[i] for cells in counts)
    others = [(cell, -j) for j, cell in enumerate(counts[i]) if j != i and cell]
    most = max(others, default=None)
    return Told(
        precision=hits / said if said else None,
        recall=hits / n if n else None,
        taken_for=(names[-most[1]], most[0]) if most else None,
    )


def _matrix(model: ModelColumn, counts: Sequence[Sequence[int]], names: Sequence[str]) -> Markup:
    """Draw one square for each true and each said class, as dark as the share of the true class's rows."""
    texts = [name if len(name) <= 20 else f"{name[:19]}…" for name in names]
    room = _LABEL * max(len(text) for text in texts) + 14
    side = _CELL * len(names)
    cells = Markup().join(
        _cell(cell / max(1, sum(row)), cell, i=i, j=j, names=names, at=(room + j * _CELL, _TOP + i * _CELL))
        for i, row in enumerate(counts)
        for j, cell in enumerate(row)
    )
    labels = Markup().join(
        Markup(
            '<text x="{0:.0f}" y="{1:.0f}" dy="4" text-anchor="end">{2}</text>'
            '<text class="said" transform="translate({3:.0f} {4:.0f}) rotate(-60)" dy="4" text-anchor="end">{2}</text>'
        ).format(room - 7, _TOP + (i + 0.5) * _CELL, text, room + (i + 0.5) * _CELL, _TOP + side + 10)
        for i, text in enumerate(texts)
    )
    scale = 1.5 if len(names) <= _NARROW else 1.1
    key, width, height = f"matrix-{model.role}", room + side + 4, _TOP + side + room * 0.9 + 6
    return Markup(
        '<svg class="matrix" style="min-width:{4:.0f}px;max-width:{5:.0f}px" viewBox="0 0 {2:.0f} {3:.0f}" role="img" '
        'aria-labelledby="{0}-title {0}-desc"><title id="{0}-title">Confusion matrix of {1}</title>'
        '<desc id="{0}-desc">A row for each true class, a column for each class that the model said; the table below '
        "has the numbers.</desc>{6}{7}</svg>"
    ).format(key, model.label, width, height, min(width, 720), width * scale, cells, labels)


def _cell(share: float, n: int, *, i: int, j: int, names: Sequence[str], at: tuple[float, float]) -> Markup:
    inside = Markup()
    if share >= _FAINT:
        inside = Markup('<text x="{0:.1f}" y="{1:.1f}" class="{2}">{3:.0f}</text>').format(
            at[0] + _CELL / 2, at[1] + _CELL / 2 + 3.8, "on" if share > 0.55 else "off", 100 * share
        )
    return Markup(
        '<g><title>{0} said to be {1}: {2:,}</title><rect class="{3}" x="{4:.1f}" y="{5:.1f}" width="{6:g}" '
        'height="{6:g}" fill-opacity="{7:.2f}"/>{8}</g>'
    ).format(
        names[i],
        names[j],
        n,
        "right" if i == j else "wrong",
        at[0] + 0.5,
        at[1] + 0.5,
        _CELL - 1,
        max(share, 0.04),
        inside,
    )
