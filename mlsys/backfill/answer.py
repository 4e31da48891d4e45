"""The findings in words: how often this model should be retrained, and what it earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlsys.backfill.agreement import SUBJECTS, contradictions, disagreement, looks
from mlsys.backfill.measure import LEVEL
from mlsys.backfill.records import Change, Gain, PaceAnswer, StrategyResult, ViewGain
from mlsys.backfill.strategies import GATED, MONTHLY, NEVER, NIGHTLY, WEEKLY, Compared
from mlsys.metrics import METRICS
from mlsys.records import Comparison
from mlsys.wording import number

_HEADLINES = {
    NEVER: "No retraining needed so far",
    MONTHLY: "Retrain monthly",
    WEEKLY: "Retrain weekly",
    GATED: "Retrain nightly",
}


def answer(compared: Compared, change: Change | None, primary: str) -> PaceAnswer:
    """Return the advice and its reasons; where intervals cover zero it says that the evidence does not separate.

    No advice is given that a headline look contradicts beyond chance.
    """
    results = {result.name: result for result in compared.strategies}
    gains = {(gain.strategy, gain.over): gain for gain in compared.gains}
    if not results[GATED].promotions:
        return PaceAnswer(
            advice=None,
            headline="No model would have served",
            sentence="The gates would not have let a single model of the range into service.",
            more=_fall(change),
        )
    against_never = gains[GATED, NEVER].comparison
    if against_never.difference is None:
        why = against_never.reason or "no day has rows that all strategies have a model for"
        return PaceAnswer(
            advice=None,
            headline="Nothing to compare yet",
            sentence=f"How often to retrain can't be said: {why}.",
            more=_fall(change),
        )
    good = as_good(compared.strategies, compared.gains)
    against = {name: contradictions(name, names_of(compared.strategies), compared.view_gains) for name in good}
    advice = next((name for name in good if not against[name]), None)
    headline = _HEADLINES[advice] if advice else "The measures disagree" if good else "The evidence is too thin"
    reasons = _reasons(good, advice, against, against_never, METRICS.find(primary).title)
    reasons += _gates(advice, compared.view_gains)
    if advice == NEVER and change is not None:
        # A model that falls needs retraining, even when the models of the range came too early to help.
        advice, headline = None, "Retraining has not helped so far"
        reasons = [*reasons, "The days after its fall may be too few for the models to have learnt from them."]
    return PaceAnswer(
        advice=advice,
        headline=headline,
        sentence=_against_never(compared, against_never, results[GATED], METRICS.find(primary).title),
        more=(*_others(gains, results), *_fall(change), *reasons),
        disagreement=disagreement(compared.view_gains, [*([advice] if advice else []), GATED, WEEKLY, MONTHLY]),
    )


def names_of(strategies: Sequence[StrategyResult]) -> tuple[str, ...]:
    """Return the ways to retrain that may be advised, the rarest first; gates stay on."""
    return tuple(r.name for r in strategies if r.name != NIGHTLY and r.overall.value is not None)


def as_good(strategies: Sequence[StrategyResult], gains: Sequence[Gain]) -> tuple[str, ...]:
    """Return the ways to retrain that the primary metric does not separate from the best, the rarest first.

    None of those from the first one on whose intervals are missing.
    """
    found = {(gain.strategy, gain.over): gain.comparison for gain in gains}
    names, good = names_of(strategies), []
    for i, name in enumerate(names):
        bounds = [found[more, name].lower for more in names[i + 1 :]]
        if None in bounds:
            break
        rarer = [found[name, other].upper for other in names[:i]]
        if all(lower is not None and lower <= 0 for lower in bounds) and not any(
            u is not None and u < 0 for u in rarer
        ):
            good.append(name)
    return tuple(good)


def _against_never(compared: Compared, gain: Comparison, gated: StrategyResult, title: str) -> str:
    n = len(gated.promotions)
    models = f"{n} promotion{'s' if n != 1 else ''}"
    rows = f"on {compared.n_rows:,} rows of {len(compared.days)} days, with {models}"
    subject, difference = SUBJECTS[GATED], gain.difference or 0.0
    if gain.lower is None or gain.upper is None:
        return f"{subject} differs by {_signed(difference)} {title} from never retraining, without an interval {rows}"
    if gain.lower <= 0 <= gain.upper:
        return (
            f"The evidence does not separate retraining nightly behind the gates from never retraining: "
            f"{_signed(difference)} {title} {_interval(gain)} {rows}."
        )
    verb, against = ("earns", "over") if difference > 0 else ("loses", "against")
    interval = _interval(gain, turned=difference < 0)
    return f"{subject} {verb} {number(abs(difference))} {title} {against} never retraining {interval} {rows}."


def _others(gains: Mapping[tuple[str, str], Gain], results: Mapping[str, StrategyResult]) -> list[str]:
    """Return what the other strategies lose or earn against retraining nightly behind the gates."""
    sentences = []
    for name in (MONTHLY, WEEKLY, NIGHTLY):
        if name not in results:
            continue
        gain = gains[GATED, name].comparison
        if gain.difference is None or gain.lower is None or gain.upper is None:
            sentences.append(f"{SUBJECTS[name]} can't be compared with it: {gain.reason}.")
        elif gain.lower <= 0 <= gain.upper:
            turned = f"{_signed(-gain.difference)} {_interval(gain, turned=True)}"
            sentences.append(f"{SUBJECTS[name]} is not separated from it: {turned}.")
        else:
            verb = "loses" if gain.difference > 0 else "earns"
            turned = _interval(gain, turned=gain.difference < 0)
            sentences.append(f"{SUBJECTS[name]} {verb} {number(abs(gain.difference))} against it {turned}.")
    return sentences


def _reasons(
    good: Sequence[str], advice: str | None, against: Mapping[str, Sequence[ViewGain]], gain: Comparison, title: str
) -> list[str]:
    """Return why that is advised; `against` are the looks that speak against each of those that are `good`."""
    if not good:
        return ["The intervals are missing or too wide to say how often to retrain."]
    alone = f"By {title} alone, as it is measured above, {SUBJECTS[good[0]].lower()} would do"
    if advice is None:
        spoken = looks([gain for found in against.values() for gain in found])
        return [f"{alone}, and every way to retrain loses to another one beyond chance by some measure: {spoken}."]
    if advice != good[0]:
        return [f"{alone}; beyond chance it loses by other measures: {looks(against[good[0]])}.", _rarest(advice)]
    if advice == GATED:
        return ["Every rarer retraining loses more than chance explains."]
    if advice == NEVER:
        covers = gain.lower is not None and gain.lower <= 0
        return ["No retraining beats the first model by more than chance explains."] if covers else []
    return [_rarest(advice)]


def _gates(advice: str | None, gains: Sequence[ViewGain]) -> list[str]:
    """Return that the gates kept out what is advised, where models behind them are worse beyond chance."""
    if advice in (None, GATED):
        return []
    lost = [g for g in gains if (g.strategy, g.over) == (GATED, advice) and g.headline and g.sign < 0]
    if not lost:
        return []
    return [f"Behind the gates it would have been worse by {looks(lost)}: they keep models out that would help."]


def _rarest(advice: str) -> str:
    name = "nightly behind the gates" if advice == GATED else advice
    return f"Of all that do as well as the evidence can tell, the rarest is {name}."


def _fall(change: Change | None) -> tuple[str, ...]:
    return (f"{change.sentence}.",) if change else ()


def _interval(gain: Comparison, *, turned: bool = False) -> str:
    lower, upper = gain.lower or 0.0, gain.upper or 0.0
    low, high = (-upper, -lower) if turned else (lower, upper)
    return f"({LEVEL:.0%} interval {number(low)} to {number(high)})".replace("%", " %")


def _signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("-") or text == "0" else f"+{text}"
