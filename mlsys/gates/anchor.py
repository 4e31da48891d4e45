"""Whether a challenger that need only be "not worse" is as good as the best past champion, too."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

from mlsys.records import AnchorComparison, AnchorFinding, Comparison
from mlsys.wording import number, signed

# One night in a thousand, for a year has many: at 95 % a year of challengers just inside the margin ends below it in
# up to 87 of 100 years, at 99 % in 22, at 99.9 % in fewer than one (tests/known_answers/test_no_creep.py).
ANCHOR_LEVEL = 0.999


def against_anchor(
    anchor: AnchorComparison, comparisons: Mapping[str, Comparison], metric: str, *, limit: float
) -> AnchorFinding:
    """Return what the comparison with the anchor says; `comparisons` are those with the champion, by metric."""
    blank = AnchorFinding(model_id=anchor.model_id, version=anchor.version, state=anchor.state)
    if anchor.state == "unusable":
        return blank
    found = comparisons if anchor.state == "champion" else {c.metric: c for c in anchor.comparisons}
    compared = found.get(metric)
    if compared is None or compared.difference is None or compared.lower is None:
        return blank.model_copy(update={"state": "undefined"})
    # The bound that the interval has at its own level, carried on to the stricter one as for a normal difference.
    scale = NormalDist().inv_cdf(ANCHOR_LEVEL) / NormalDist().inv_cdf(compared.level)
    bound = compared.difference - (compared.difference - compared.lower) * scale
    return blank.model_copy(
        update={"difference": compared.difference, "bound": bound, "level": ANCHOR_LEVEL, "limit": limit}
    )


def anchor_sentence(found: AnchorFinding, reason: str | None) -> str:
    """Return the finding in words, to stand behind that about the champion."""
    who = f"the best past champion, version {found.version}"
    if found.state == "unusable":
        return (
            f" {who[0].upper()}{who[1:]}, can't be scored any more ({reason or 'no reason given'}), so that only a "
            f"model that is better than the champion passes."
        )
    if found.difference is None or found.bound is None or found.limit is None:
        return f" The difference to {who}, is not known."
    return (
        f" Held against {who}{', which serves' if found.state == 'champion' else ''}: difference "
        f"{signed(found.difference)}, its lower bound {signed(found.bound, found.limit)} with "
        f"{100 * ANCHOR_LEVEL:g} % confidence, needed > {number(found.limit, found.bound)}."
    )
