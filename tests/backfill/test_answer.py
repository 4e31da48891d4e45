"""The findings in words: what is separated by the intervals is said, and what is not is said too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.backfill.answer import Circumstances, answer
from mlsys.backfill.change import fall_of
from mlsys.backfill.records import Change, DailyValue, Gain, Look, StrategyResult, ViewGain
from mlsys.backfill.strategies import GATED, NEVER, NIGHTLY, RECALIBRATED, WEEKLY, Compared
from mlsys.records import Comparison, MetricValue

NAMES = (NEVER, WEEKLY, NIGHTLY, GATED)
DAYS = tuple(date(2026, 3, 1) + timedelta(days=n) for n in range(20))
Bounds = tuple[float, float, float]  # difference, lower, upper

BETTER, WORSE, OPEN = (0.31, 0.28, 0.34), (-0.02, -0.03, -0.01), (0.002, -0.004, 0.008)


def compared(
    *,
    over_never: Bounds | None = BETTER,
    over_weekly: Bounds = BETTER,
    over_nightly: Bounds = OPEN,
    weekly_over_never: Bounds = BETTER,
    promotions: tuple[date, ...] = DAYS[:3],
) -> Compared:
    bounds = {
        (GATED, NEVER): over_never,
        (GATED, WEEKLY): over_weekly,
        (GATED, NIGHTLY): over_nightly,
        (WEEKLY, NEVER): weekly_over_never,
        (NIGHTLY, NEVER): BETTER,
        (NIGHTLY, WEEKLY): BETTER,
    }
    value = MetricValue(name="roc_auc", value=0.9, n=1234)
    results = [
        StrategyResult(name=name, title=name, rule="", promotions=promotions, overall=value, pooled=value, daily=())
        for name in NAMES
    ]
    return Compared(tuple(results), tuple(gain(*pair, found) for pair, found in bounds.items()), (), DAYS, 1234)


def gain(strategy: str, over: str, bounds: Bounds | None) -> Gain:
    difference, lower, upper = bounds or (None, None, None)
    comparison = Comparison(
        metric="roc_auc",
        direction="higher",
        difference=difference,
        lower=lower,
        upper=upper,
        level=0.975,
        n=1234,
        method="",
        reason=None if bounds else "all rows are of one class",
    )
    return Gain(strategy=strategy, over=over, comparison=comparison)


def test_a_gain_is_said_with_its_interval_rows_and_promotions() -> None:
    found = answer(compared(), None, "roc_auc")
    assert found.sentence == (
        "Retraining nightly behind the gates earns 0.31 ROC AUC over never retraining (95 % interval 0.28 to 0.34) "
        "on 1,234 rows of 20 days, with 3 promotions."
    )
    assert (found.advice, found.headline) == (GATED, "Retrain nightly")


def test_a_loss_is_called_a_loss() -> None:
    found = answer(compared(over_never=WORSE, over_weekly=OPEN, weekly_over_never=OPEN), None, "roc_auc")
    assert "loses 0.02 ROC AUC against never retraining (95 % interval 0.01 to 0.03)" in found.sentence
    assert found.advice == NEVER


def test_an_interval_over_zero_separates_nothing() -> None:
    found = answer(compared(over_never=OPEN, over_weekly=OPEN, weekly_over_never=OPEN), None, "roc_auc")
    assert found.sentence.startswith("The evidence does not separate retraining nightly behind the gates from never")
    assert "+0.002 ROC AUC (95 % interval -0.004 to 0.008)" in found.sentence
    assert (found.advice, found.headline) == (NEVER, "No gain from retraining was found")
    # Half of the interval is .006 at 97.5 %: 2.80 standard errors of .0031 are found four times out of five.
    assert (
        "No retraining beats the first model by more than chance explains. These days would have shown a gain of "
        "0.0086 ROC AUC four times out of five: a smaller one may well be there, and a longer range would show it."
    ) in found.more


def test_the_rarest_that_does_as_well_is_advised() -> None:
    found = answer(compared(over_weekly=OPEN), None, "roc_auc")
    assert (found.advice, found.headline) == (WEEKLY, "Retrain weekly")
    assert found.sentence.startswith(
        "Retraining weekly earns 0.31 ROC AUC over never retraining (95 % interval 0.28 to"
    )
    assert "Of all that do as well as the evidence can tell, the rarest is weekly." in found.more


def test_all_that_is_said_is_against_one_baseline() -> None:
    found = answer(compared(over_weekly=OPEN), None, "roc_auc")
    assert found.subject == WEEKLY
    assert "Retraining nightly behind the gates earns 0.31 over never retraining (95 % interval 0.28 to 0.34)." in (
        found.more
    )
    differences = [said for said in (found.sentence, *found.more) if "interval" in said]
    assert len(differences) == 3
    assert all("never retraining" in said for said in differences)


def test_a_way_without_gates_is_never_advised() -> None:
    found = answer(compared(over_nightly=WORSE), None, "roc_auc")
    assert (found.advice, found.subject) == (GATED, GATED)


# -- a fall that no pace repairs ----------------------------------------------------------------------------------

SPLIT = {"holdout": 7, "validation": 5}
FELL = 10


def falling(newest: float, *, over_never: Bounds = OPEN) -> tuple[Compared, Change]:
    """A world that falls from 0.9 to 0.5 on day FELL; every pace but never retraining stands at `newest` at its end."""
    world = compared(over_never=over_never, over_weekly=OPEN, weekly_over_never=OPEN)
    results = []
    for result in world.strategies:
        values = [0.9] * FELL + [0.5] * 5 + [0.5 if result.name == NEVER else newest] * 5
        pairs = zip(DAYS, values, strict=True)
        daily = [(day, MetricValue(name="roc_auc", value=value, n=60)) for day, value in pairs]
        rows = tuple(DailyValue(day=day, model_day=DAYS[0], value=value) for day, value in daily)
        results.append(result.model_copy(update={"daily": rows}))
    change = fall_of(DAYS, [0.9] * FELL + [0.5] * 10, direction="higher")
    assert change is not None
    return replace(world, strategies=tuple(results)), change


def test_where_no_pace_repairs_the_fall_that_comes_first() -> None:
    found = answer(*falling(0.6), "roc_auc", around=Circumstances(SPLIT))
    assert (found.headline, found.advice, found.repaired) == ("No pace repairs the fall", None, False)
    assert found.sentence == (
        "The model that is never retrained falls on 2026-03-11, from 0.9 to 0.5 ROC AUC in the mean of days, and no "
        "pace of retraining makes good half of it within the range: over its newest 5 days never retraining stands at "
        "0.5, and the best other, retraining weekly, at 0.6."
    )
    assert found.more[0] == (
        "No model was trained on the newest 12 days (holdout 7 + validation 5) before its cutoff: the first to have "
        "learnt from 2026-03-11, the model of 2026-03-23, serves on no day of the range."
    )


def test_a_pace_that_repairs_little_is_still_named() -> None:
    found = answer(*falling(0.6, over_never=BETTER), "roc_auc", around=Circumstances(SPLIT))
    assert found.headline == "No pace repairs the fall"
    assert any(said.startswith("Retraining nightly behind the gates earns 0.31") for said in found.more)


def test_a_fall_that_is_repaired_is_no_headline() -> None:
    found = answer(*falling(0.85, over_never=BETTER), "roc_auc", around=Circumstances({"holdout": 2, "validation": 1}))
    assert found.repaired is True
    assert "repairs" not in found.headline
    assert any("serves on the last 6 days of the range" in said for said in found.more)


def test_a_split_that_withholds_no_day_says_nothing_of_days() -> None:
    found = answer(*falling(0.6), "roc_auc", around=Circumstances())
    assert not [said for said in found.more if "trained on" in said]


def test_a_model_that_falls_is_never_advised_to_stay() -> None:
    change = fall_of(DAYS, [0.9] * 10 + [0.5] * 10, direction="higher")
    found = answer(compared(over_never=OPEN, over_weekly=OPEN, weekly_over_never=OPEN), change, "roc_auc")
    assert (found.advice, found.headline) == (None, "Retraining has not helped so far")
    assert "may be too few" in found.more[-1]


def test_what_can_t_be_measured_is_said_with_its_reason() -> None:
    found = answer(compared(over_never=None), None, "roc_auc")
    assert found.sentence == "How often to retrain can't be said: all rows are of one class."
    assert found.advice is None


def test_gates_that_let_nothing_pass_are_said() -> None:
    found = answer(compared(promotions=()), None, "roc_auc")
    assert "not have let a single model" in found.sentence
    assert found.advice is None


@pytest.mark.parametrize("over_never", [BETTER, None])
def test_the_fall_of_the_first_model_is_said(over_never: Bounds | None) -> None:
    change = fall_of(DAYS, [0.9] * 10 + [0.5] * 10, direction="higher")
    found = answer(compared(over_never=over_never), change, "roc_auc")
    said = f"The model that is never retrained falls on {DAYS[10]}: from 0.9 to 0.5 in the mean of days."
    assert said in found.more


# -- the other looks ----------------------------------------------------------------------------------------------

LOOKS = (
    (Look.WITHIN, "roc_auc"),
    (Look.POOLED, "roc_auc"),
    (Look.PROBABILITIES, "log_loss"),
    (Look.DECISIONS, "accuracy"),
    (Look.DECISIONS, "f1"),
)
PAIRS = ((WEEKLY, NEVER), (GATED, NEVER), (GATED, WEEKLY), (NIGHTLY, NEVER))


def viewed(pair: tuple[str, str], place: int, sign: int) -> ViewGain:
    (strategy, over), (look, metric) = pair, LOOKS[place]
    return ViewGain(
        strategy=strategy, over=over, look=look, metric=metric, headline=True,
        difference=0.03 * sign, lower=0.03 * sign - 0.01, upper=0.03 * sign + 0.01,
    )  # fmt: skip


def looking(found: Compared, *gains: ViewGain) -> Compared:
    return replace(found, view_gains=gains)


ALIKE = compared(over_never=OPEN, over_weekly=OPEN, weekly_over_never=OPEN)


def test_a_look_that_contradicts_changes_the_advice_and_says_why() -> None:
    found = answer(looking(ALIKE, viewed((WEEKLY, NEVER), 1, 1), viewed((WEEKLY, NEVER), 2, 1)), None, "roc_auc")
    assert (found.advice, found.headline) == (WEEKLY, "Retrain weekly")
    said = (
        "By ROC AUC alone, as it is measured above, never retraining would do; beyond chance it loses by other "
        "measures: ROC AUC over all rows, log loss."
    )
    assert said in found.more


def test_where_every_way_loses_by_something_nothing_is_advised() -> None:
    gains = [viewed((WEEKLY, NEVER), 1, 1), viewed((GATED, NEVER), 1, 1), viewed((GATED, WEEKLY), 2, 1)]
    gains.append(viewed((GATED, NEVER), 4, -1))
    found = answer(looking(ALIKE, *gains), None, "roc_auc")
    assert (found.advice, found.headline) == (None, "The measures disagree")
    assert "loses to another one beyond chance" in found.more[-1]


def test_a_way_without_gates_is_never_the_one_that_contradicts() -> None:
    assert answer(looking(ALIKE, viewed((NIGHTLY, NEVER), 2, 1)), None, "roc_auc").advice == NEVER


def test_gates_that_keep_out_what_helps_are_named() -> None:
    gains = [viewed((WEEKLY, NEVER), 2, 1), viewed((GATED, WEEKLY), 2, -1)]
    found = answer(looking(ALIKE, *gains), None, "roc_auc")
    assert found.advice == WEEKLY
    assert "Behind the gates it would have been worse by log loss: they keep models out that would help." in found.more


def test_a_fall_within_days_is_not_said_to_be_no_help_where_a_look_shows_help() -> None:
    change = fall_of(DAYS, [0.9] * 10 + [0.5] * 10, direction="higher")
    found = answer(looking(ALIKE, viewed((WEEKLY, NEVER), 1, 1)), change, "roc_auc")
    assert "not helped" not in found.headline


def with_lines(found: Compared, *, over_never: Bounds = (0.0, 0.0, 0.0), over_lines: Bounds = OPEN) -> Compared:
    """The same with a recalibrated model among the strategies."""
    never, *others = found.strategies
    lines = never.model_copy(update={"name": RECALIBRATED, "promotions": DAYS[:11]})
    gains = [gain(RECALIBRATED, NEVER, over_never), *(gain(r.name, RECALIBRATED, over_lines) for r in others)]
    return replace(found, strategies=(never, lines, *others), gains=(*found.gains, *gains))


def test_recalibrating_is_advised_where_no_retraining_is_better_by_any_measure() -> None:
    drifting = [viewed((name, NEVER), place, 1) for name in (RECALIBRATED, WEEKLY) for place in (1, 2)]
    found = answer(looking(with_lines(ALIKE), *drifting), None, "roc_auc")
    assert (found.advice, found.subject, found.headline) == (RECALIBRATED, RECALIBRATED, "Recalibrate nightly")
    assert found.sentence == (
        "Recalibrating nightly keeps the ranking and ROC AUC with it, and is better than never retraining by ROC AUC "
        "over all rows (+0.03), log loss (+0.03) on 1,234 rows of 20 days, with 10 lines."
    )
    assert (
        "Of all that do as well as the evidence can tell, the cheapest is recalibrating the first model." in found.more
    )


def test_a_line_that_earns_by_the_primary_metric_is_said_with_its_interval() -> None:
    world = with_lines(compared(over_weekly=OPEN), over_never=BETTER)
    world = replace(
        world,
        gains=tuple(
            g.model_copy(update={"comparison": g.comparison.model_copy(update={"metric": "log_loss"})})
            for g in world.gains
        ),
    )
    found = answer(world, None, "log_loss")
    assert found.advice == RECALIBRATED
    assert found.sentence.startswith("Recalibrating nightly earns 0.31 Log loss over never retraining (95 % interval")


@pytest.mark.parametrize(("newest", "advice"), [(0.5, None), (0.85, RECALIBRATED)])
def test_recalibrating_is_no_advice_where_the_fall_stays(newest: float, advice: str | None) -> None:
    world, change = falling(newest)
    drifting = viewed((RECALIBRATED, NEVER), 2, 1)
    rows = world.strategies[1].daily
    lined = with_lines(world)
    results = [r.model_copy(update={"daily": rows}) if r.name == RECALIBRATED else r for r in lined.strategies]
    found = answer(replace(lined, strategies=tuple(results), view_gains=(drifting,)), change, "roc_auc")
    assert found.advice == advice


def test_what_is_behind_the_best_in_hindsight_is_said() -> None:
    found = compared()
    regrets = {NEVER: 0.3, WEEKLY: 0.1, NIGHTLY: 0.0, GATED: 0.004}
    results = [r.model_copy(update={"regret": regrets[r.name]}) for r in found.strategies]
    said = answer(replace(found, strategies=tuple(results)), None, "roc_auc")
    assert (
        "In hindsight retraining nightly without gates was best: retraining nightly behind the gates stays 0.004 ROC "
        "AUC behind it."
    ) in said.more
    assert not [line for line in answer(found, None, "roc_auc").more if "hindsight" in line]


SIGNS = st.sampled_from((-1, 0, 1))
BOUNDS = st.sampled_from((BETTER, WORSE, OPEN))


@pytest.mark.slow
@given(st.lists(SIGNS, min_size=20, max_size=20), st.lists(BOUNDS, min_size=3, max_size=3))
def test_no_advice_is_contradicted_whatever_the_looks_say(signs: list[int], bounds: list[Bounds]) -> None:
    gains = [viewed(pair, place, signs[5 * row + place]) for row, pair in enumerate(PAIRS) for place in range(5)]
    over_never, over_weekly, weekly_over_never = bounds
    by_primary = compared(over_never=over_never, over_weekly=over_weekly, weekly_over_never=weekly_over_never)
    found = answer(looking(by_primary, *gains), None, "roc_auc")
    assert found.headline != "The evidence is too thin" or not found.advice
    lost = {g.over: g for g in gains if g.sign > 0 and g.strategy != NIGHTLY}
    lost |= {g.strategy: g for g in gains if g.sign < 0 and g.strategy != NIGHTLY}
    assert found.advice not in lost
    for pair, one in zip(((GATED, NEVER), (GATED, WEEKLY), (WEEKLY, NEVER)), bounds, strict=True):
        assert found.advice != pair[1] or one[1] <= 0
        assert found.advice != pair[0] or one[2] >= 0
