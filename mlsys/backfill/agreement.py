"""Whether ranking, probabilities and decisions say the same of a way to retrain, and what it means when they do not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mlsys.backfill.records import Look, ViewGain
from mlsys.backfill.recovery import SUBJECTS
from mlsys.backfill.strategies import NEVER, RECALIBRATED
from mlsys.metrics import METRICS
from mlsys.wording import signed

_DRIFTS = (
    "The scale of the scores drifts, or the base rate does, and the ranking within a day does not: without retraining "
    "rows of different days stand in a wrong order, and one threshold does not fit all days. {way} sets that right"
    "{untried}"
)
_UNCALIBRATED = (
    "The ranking holds and the probabilities are no longer right, as when the base rate moves. {way} sets them right"
    "{untried}"
)
_THRESHOLD = "The ranking holds and the threshold fits {models} better: moving `metrics.threshold` may do as much"
_SCALES = (
    "Each day's rows are ranked better and all days together are not: the scores of one model after another have "
    "different scales. A list for each day gains; one threshold for all days needs calibrated scores"
)
_RANK_ALONE = (
    "The ranking gets better and the probabilities get worse: scores of retrained models are good for ranking, and "
    "need calibrating before they are read as probabilities"
)
_DECISIONS = (
    "Decisions at the threshold get worse by one measure and something else better: `metrics.threshold` does not fit "
    "the retrained models, or it matters which of the two errors costs more"
)
_ERRORS = (
    "The error gets smaller by one measure and larger by another: a root of squares weighs large errors most, a mean "
    "of absolute ones weighs all alike. Let `metrics.primary` be the one that costs"
)
_JUMPS = "The ranking within a day holds and nothing gets better: the scores jump from one {one} to the next"
_UNTRIED = ", and calibrating the model anew may do as much"
_OF_MODELS = {"way": "Retraining", "models": "retrained models", "one": "retrained model"}
_OF_LINES = {"way": "Recalibrating", "models": "recalibrated scores", "one": "line on the scores"}


def contradictions(name: str, others: Collection[str], gains: Sequence[ViewGain]) -> tuple[ViewGain, ...]:
    """Return the headline looks by which a strategy loses beyond chance to another one."""
    return tuple(
        gain
        for gain in gains
        if gain.headline
        and ((gain.over == name and gain.strategy in others and gain.sign > 0)
             or (gain.strategy == name and gain.over in others and gain.sign < 0))
    )  # fmt: skip


def disagreement(gains: Sequence[ViewGain], first: Sequence[str]) -> tuple[str, ...]:
    """Return where the looks at a way to retrain, over never retraining, do not say the same, and what that means.

    Of several ways the one that stands first among those in `first`; empty where the looks at all of them agree.
    """
    for name in dict.fromkeys(first):
        over_never = [gain for gain in gains if gain.strategy == name and gain.over == NEVER and gain.headline]
        meaning = _meaning(over_never)
        if meaning:
            tried = any(gain.strategy == RECALIBRATED for gain in gains)
            words = (_OF_LINES if name == RECALIBRATED else _OF_MODELS) | {"untried": "" if tried else _UNTRIED}
            return (_facts(name, over_never), *(f"{sentence.format(**words)}." for sentence in meaning))
    return ()


def looks(gains: Sequence[ViewGain]) -> str:
    """Return what is looked at in words: `ROC AUC over all rows, log loss`."""
    return ", ".join(dict.fromkeys(_title(gain) for gain in gains))


def differences(gains: Sequence[ViewGain]) -> str:
    """Return what is looked at in words, each with its difference: `log loss (+0.02)`."""
    return ", ".join(f"{_title(gain)} ({_earned(gain)})" for gain in gains)


def _meaning(gains: Sequence[ViewGain]) -> list[str]:
    signs = {gain.look: gain.sign for gain in gains}
    if Look.WITHIN not in signs:  # numbers have no ranking of interest, and no threshold
        return [_ERRORS] if {1, -1} <= {gain.sign for gain in gains} else []
    within, pooled, probable = (signs.get(look, 0) for look in (Look.WITHIN, Look.POOLED, Look.PROBABILITIES))
    decided = [0, *(gain.sign for gain in gains if gain.look in (Look.DECISIONS, Look.PRIMARY))]
    found = []
    if within <= 0 and pooled > 0:
        found.append(_DRIFTS)
    elif within <= 0 and probable > 0:
        found.append(_UNCALIBRATED)
    elif within <= 0 and min(decided) == 0 < max(decided):
        found.append(_THRESHOLD)
    elif within > 0 and pooled <= 0:
        found.append(_SCALES)
    elif within == 0 and min(pooled, probable) < 0:
        found.append(_JUMPS)
    if (within > 0 or pooled > 0) and probable < 0:
        found.append(_RANK_ALONE)
    if min(decided) < 0 < max(gain.sign for gain in gains):
        found.append(_DECISIONS)
    return found


def _facts(name: str, gains: Sequence[ViewGain]) -> str:
    by_sign = {sign: [gain for gain in gains if gain.sign == sign] for sign in (1, -1, 0)}
    parts = [
        f"{verb} by {differences(by_sign[sign])}"
        for sign, verb in ((1, "better"), (-1, "worse"), (0, "not separated"))
        if by_sign[sign]
    ]
    return f"The measures do not say the same. {SUBJECTS[name]} is, against never retraining, {'; '.join(parts)}."


def _title(gain: ViewGain) -> str:
    title = METRICS.find(gain.metric).title
    title = title if title[1:2].isupper() or title[1:2].isdigit() else title[0].lower() + title[1:]  # ROC AUC, F1
    where = {Look.WITHIN: " within days", Look.POOLED: " over all rows", Look.DECISIONS: " at the threshold"}
    return f"{title}{where.get(gain.look, '')}"


def _earned(gain: ViewGain) -> str:
    return "undefined" if gain.difference is None else signed(gain.difference)
