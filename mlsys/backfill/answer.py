"""The findings in words: how often this model should be retrained, and what it earns over never retraining.

Headline, sentence, chart and table speak of one strategy, the advised one, against one baseline: never retraining.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import NormalDist

from mlsys.backfill.agreement import contradictions, differences, disagreement, looks
from mlsys.backfill.days import spans
from mlsys.backfill.mended import mended
from mlsys.backfill.records import Change, Gain, PaceAnswer, Recovery, SimulatedModel, StrategyResult, ViewGain
from mlsys.backfill.recovery import ENOUGH, SUBJECTS, never_trained_on, not_repaired, recoveries_of, repaired
from mlsys.backfill.strategies import GATED, MONTHLY, NEVER, NIGHTLY, RECALIBRATED, WEEKLY, Compared
from mlsys.metrics import METRICS
from mlsys.promotion.more_data import POWER
from mlsys.records import Comparison
from mlsys.wording import counted, number, signed

_HEADLINES = {
    NEVER: "No gain from retraining was found",
    RECALIBRATED: "Recalibrate nightly",
    MONTHLY: "Retrain monthly",
    WEEKLY: "Retrain weekly",
    GATED: "Retrain nightly",
}


@dataclass(frozen=True)
class Circumstances:
    """What else bears on the answer.

    Attributes:
        withheld: newest days before each model's cutoff that it was not fitted on, by what they are for.
        kept_out: models that a limit kept out which the model that would have served misses too, by day.
    """

    withheld: Mapping[str, int] = field(default_factory=dict)
    kept_out: Sequence[SimulatedModel] = ()


def answer(
    compared: Compared, change: Change | None, primary: str, *, around: Circumstances | None = None
) -> PaceAnswer:
    """Return the advice and its reasons; where intervals cover zero it says that the evidence does not separate.

    No advice is given that a headline look contradicts beyond chance. Where no pace repairs a fall, that comes first.
    """
    around = around or Circumstances()
    results = {result.name: result for result in compared.strategies}
    title = METRICS.find(primary).title
    blank = _nothing_to_compare(compared, change, results)
    if blank is not None:
        return blank.model_copy(update={"more": (*blank.more, *_kept_out(around.kept_out))})
    gains = {(gain.strategy, gain.over): gain.comparison for gain in compared.gains}
    found = recoveries_of(compared.strategies, change)
    advice, headline, reasons = _advised(compared, _falls(change, found), gains[GATED, NEVER], title)
    subject = GATED if advice is None or advice == NEVER else advice
    sentence, more = _earned(compared, gains[subject, NEVER], results[subject], title), _fall(change)
    if change is not None:
        known = never_trained_on(around.withheld, change, compared.days[-1])
        if repaired(found) is False:
            more = (*known, sentence)
            headline, sentence = "No pace repairs the fall", not_repaired(found, change, title)
        else:
            more = (*more, *known)
    return PaceAnswer(
        advice=advice,
        subject=subject,
        headline=headline,
        sentence=sentence,
        more=(
            *more,
            *mended(compared),
            *_kept_out(around.kept_out),
            *_others(gains, results, subject),
            *_in_hindsight(results, subject, title),
            *reasons,
        ),
        disagreement=disagreement(compared.view_gains, [*([advice] if advice else []), GATED, WEEKLY, MONTHLY]),
        recoveries=found,
        repaired=repaired(found),
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


def _advised(
    compared: Compared, falls: Collection[str], gain: Comparison, title: str
) -> tuple[str | None, str, tuple[str, ...]]:
    """Return the advice, its headline and its reasons.

    `falls` are the ways that keep a model which falls, `gain` is of the gates over never retraining.
    """
    good = as_good(compared.strategies, compared.gains)
    against = {name: contradictions(name, names_of(compared.strategies), compared.view_gains) for name in good}
    advice = next((name for name in good if not against[name]), None)
    headline = _HEADLINES[advice] if advice else "The measures disagree" if good else "The evidence is too thin"
    reasons = (*_reasons(good, advice, against, gain, title), *_gates(advice, compared.view_gains))
    if advice in falls:
        # A model that falls needs retraining, even when the models of the range came too early to help.
        late = "The days after its fall may be too few for the models to have learnt from them."
        return None, "Retraining has not helped so far", (*reasons, late)
    return advice, headline, reasons


def _falls(change: Change | None, found: Sequence[Recovery]) -> tuple[str, ...]:
    """Return the ways that keep the first model where it falls, and do not make that good."""
    if change is None:
        return ()
    made_good = any(recovery.strategy == RECALIBRATED and recovery.share >= ENOUGH for recovery in found)
    return (NEVER,) if made_good else (NEVER, RECALIBRATED)


def _nothing_to_compare(
    compared: Compared, change: Change | None, results: Mapping[str, StrategyResult]
) -> PaceAnswer | None:
    if not results[GATED].promotions:
        return PaceAnswer(
            advice=None,
            headline="No model would have served",
            sentence="The gates would not have let a single model of the range into service.",
            more=_fall(change),
        )
    gain = next(g.comparison for g in compared.gains if (g.strategy, g.over) == (GATED, NEVER))
    if gain.difference is not None:
        return None
    why = gain.reason or "no day has rows that all strategies have a model for"
    return PaceAnswer(
        advice=None,
        headline="Nothing to compare yet",
        sentence=f"How often to retrain can't be said: {why}.",
        more=_fall(change),
    )


def _earned(compared: Compared, gain: Comparison, result: StrategyResult, title: str) -> str:
    """Return what a strategy earns over never retraining, with rows, days and models."""
    n, one = len(result.promotions), "promotion" if result.name == GATED else "model"
    models = counted(n - 1, "line") if result.name == RECALIBRATED else counted(n, one)
    rows = f"on {compared.n_rows:,} rows of {counted(len(compared.days), 'day')}, with {models}"
    if result.name == RECALIBRATED and METRICS.find(gain.metric).ranks:
        return f"Recalibrating nightly keeps the ranking and {title} with it, {_by_looks(compared)} {rows}."
    subject, difference = SUBJECTS[result.name], gain.difference or 0.0
    if gain.lower is None or gain.upper is None:
        return f"{subject} differs by {signed(difference)} {title} from never retraining, without an interval {rows}"
    if gain.lower <= 0 <= gain.upper:
        return (
            f"The evidence does not separate {subject[0].lower()}{subject[1:]} from never retraining: "
            f"{signed(difference)} {title} {_interval(gain)} {rows}."
        )
    verb, against = ("earns", "over") if difference > 0 else ("loses", "against")
    interval = _interval(gain, turned=difference < 0)
    return f"{subject} {verb} {number(abs(difference))} {title} {against} never retraining {interval} {rows}."


def _by_looks(compared: Compared) -> str:
    """Return by which looks the recalibrated model is better than the first one."""
    over_never = [g for g in compared.view_gains if (g.strategy, g.over) == (RECALIBRATED, NEVER) and g.headline]
    found = [gain for gain in over_never if gain.sign > 0]
    if not found:
        return "and by no other measure is it separated from never retraining"
    return f"and is better than never retraining by {differences(found)}"


def _in_hindsight(results: Mapping[str, StrategyResult], subject: str, title: str) -> tuple[str, ...]:
    """Return what a strategy lacks to the best of all in hindsight; empty for that one."""
    regret = results[subject].regret
    if not regret:
        return ()
    best = next(result.name for result in results.values() if result.regret == 0)
    return (
        f"In hindsight {SUBJECTS[best][0].lower()}{SUBJECTS[best][1:]} was best: "
        f"{SUBJECTS[subject][0].lower()}{SUBJECTS[subject][1:]} stays {number(regret)} {title} behind it.",
    )


def _others(
    gains: Mapping[tuple[str, str], Comparison], results: Mapping[str, StrategyResult], subject: str
) -> list[str]:
    """Return what the other strategies earn or lose against never retraining, as the subject does."""
    sentences = []
    for name in (RECALIBRATED, MONTHLY, WEEKLY, NIGHTLY, GATED):
        if name not in results or name == subject:
            continue
        gain = gains[name, NEVER]
        if name == RECALIBRATED and METRICS.find(gain.metric).ranks:
            continue  # a line keeps the ranking: there is nothing to say of it by such a metric
        if gain.difference is None or gain.lower is None or gain.upper is None:
            sentences.append(f"{SUBJECTS[name]} can't be compared with never retraining: {gain.reason}.")
        elif gain.lower <= 0 <= gain.upper:
            found = f"{signed(gain.difference)} {_interval(gain)}"
            sentences.append(f"{SUBJECTS[name]} is not separated from never retraining: {found}.")
        else:
            verb, against = ("earns", "over") if gain.difference > 0 else ("loses", "against")
            interval = _interval(gain, turned=gain.difference < 0)
            size = number(abs(gain.difference))
            sentences.append(f"{SUBJECTS[name]} {verb} {size} {against} never retraining {interval}.")
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
        return ["Every rarer retraining loses to it by more than chance explains."]
    if advice == NEVER:
        return _not_found(gain, title)
    return [_rarest(advice)]


def _not_found(gain: Comparison, title: str) -> list[str]:
    """Return what a comparison without a finding could have found: no finding is no proof that there is nothing.

    With a half width `z * s` of the interval, a gain of `(z + z_POWER) * s` is found with probability `POWER` (Chow,
    Shao and Wang, Sample Size Calculations in Clinical Research, 2008, section 3.1).
    """
    if gain.lower is None or gain.upper is None or gain.lower > 0:
        return []
    found = "No retraining beats the first model by more than chance explains"
    z = NormalDist().inv_cdf(gain.level)
    seen = (gain.upper - gain.lower) / 2 * (z + NormalDist().inv_cdf(POWER)) / z
    if gain.upper < 0 or not seen:
        return [f"{found}."]
    return [
        f"{found}. These days would have shown a gain of {number(seen)} {title} four times out of five: a smaller one "
        f"may well be there, and a longer range would show it."
    ]


def _gates(advice: str | None, gains: Sequence[ViewGain]) -> list[str]:
    """Return that the gates kept out what is advised, where models behind them are worse beyond chance."""
    if advice in (None, GATED, RECALIBRATED):
        return []
    lost = [g for g in gains if (g.strategy, g.over) == (GATED, advice) and g.headline and g.sign < 0]
    if not lost:
        return []
    return [f"Behind the gates it would have been worse by {looks(lost)}: they keep models out that would help."]


def _kept_out(models: Sequence[SimulatedModel]) -> list[str]:
    """Return on which days a limit kept a better model out, and which limit."""
    if not models:
        return []
    n = len(models)
    limits = ", ".join(f"`{name}`" for name in dict.fromkeys(name for m in models for name in m.verdict.kept_out_by))
    days: list[date] = [model.day for model in models]
    return [
        f"On {n} day{'s' if n != 1 else ''} a challenger that is better beyond chance was rejected for a minimum that "
        f"the champion in service misses too ({limits}): {spans(days)}. The gates kept the worse one."
    ]


def _rarest(advice: str) -> str:
    if advice == RECALIBRATED:
        return "Of all that do as well as the evidence can tell, the cheapest is recalibrating the first model."
    name = "nightly behind the gates" if advice == GATED else advice
    return f"Of all that do as well as the evidence can tell, the rarest is {name}."


def _fall(change: Change | None) -> tuple[str, ...]:
    return (f"{change.sentence}.",) if change else ()


def _interval(gain: Comparison, *, turned: bool = False) -> str:
    lower, upper = gain.lower or 0.0, gain.upper or 0.0
    low, high = (-upper, -lower) if turned else (lower, upper)
    return f"({100 * (2 * gain.level - 1):.3g} % interval {number(low)} to {number(high)})"
