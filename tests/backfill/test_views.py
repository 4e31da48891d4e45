"""The looks: what each measures, and intervals by blocks of whole days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from mlsys.backfill.measure import joined, plain
from mlsys.backfill.records import Look, View, ViewGain
from mlsys.backfill.views import FEWEST_DAYS, Seen, look_at
from mlsys.metrics import METRICS
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.targets.binary import BinaryTarget
from mlsys.targets.regression import RegressionTarget

SIZES = (40, 100, 60, 50, 80, 70, 40, 90, 60, 50, 70, 80)


def days(skill: float, *, shift: float = 0.0, n: int = len(SIZES)) -> dict[date, Scored]:
    """A strategy's days; `shift` moves all scores of every second day, the rows are the same for all."""
    found = {}
    for place, size in enumerate(SIZES[:n]):
        rows = np.random.default_rng(place)
        y = (np.arange(size) % 3 == 0).astype("int8")
        logits = skill * y + (shift if place % 2 else 0.0) + rows.normal(size=size)
        found[date(2026, 3, 1) + timedelta(days=place)] = Scored(y, 1 / (1 + np.exp(-logits)))
    return found


def seen(primary: str = "roc_auc", **scored: dict[date, Scored]) -> Seen:
    metric, names = METRICS.parse(primary), ["never", "weekly", "gated"]
    return look_at(scored, metric, BinaryTarget.looks, names=names, n_replicates=200, seed=1)


def view(found: Seen, name: str, look: Look, metric: str) -> View:
    return next(v for v in found.views[name] if (v.look, v.metric) == (look, metric))


def gain(found: Seen, look: Look, metric: str) -> ViewGain:
    return next(g for g in found.gains if (g.look, g.metric) == (look, metric))


def test_each_look_measures_its_rows() -> None:
    found = seen(never=days(1.5))
    by_day = days(1.5)
    auc = METRICS.parse("roc_auc")
    mean = np.average([plain(auc, scored).value for scored in by_day.values()], weights=SIZES)
    assert view(found, "never", Look.WITHIN, "roc_auc").value == pytest.approx(mean)
    rows = joined(list(by_day.values()))
    looks = {Look.POOLED: ["roc_auc"], Look.PROBABILITIES: ["log_loss"]}
    looks[Look.DECISIONS] = ["accuracy", "f1", "precision", "recall"]
    for look, kinds in looks.items():
        for kind in kinds:
            assert view(found, "never", look, kind).value == pytest.approx(plain(METRICS.parse(kind), rows).value)


def test_another_scale_each_day_is_seen_over_all_rows_and_not_within_days() -> None:
    found = seen(never=days(1.5, shift=4), weekly=days(1.5))
    within = gain(found, Look.WITHIN, "roc_auc")
    assert within.difference == pytest.approx(0)
    assert within.sign == 0
    for look, metric in ((Look.POOLED, "roc_auc"), (Look.PROBABILITIES, "log_loss"), (Look.DECISIONS, "accuracy")):
        assert gain(found, look, metric).sign == 1


def test_positive_is_better_and_views_hold_the_gain_over_the_rarest() -> None:
    found = seen(never=days(0.5), weekly=days(2.0), gated=days(2.0))
    for one in found.gains:
        if one.over != "never":
            assert (one.difference, one.lower, one.upper, one.sign) == (0, 0, 0, 0)
            continue
        sign = -1 if one.metric == "log_loss" else 1
        ours, theirs = (view(found, name, one.look, one.metric) for name in (one.strategy, "never"))
        assert ours.value is not None
        assert theirs.value is not None
        assert one.difference == pytest.approx(sign * (ours.value - theirs.value))
        assert (ours.gain, ours.lower, ours.upper) == (one.difference, one.lower, one.upper)
        assert theirs.gain is None


def test_one_day_that_differs_is_not_beyond_chance() -> None:
    lucky = {**days(1.5), date(2026, 3, 2): days(6.0)[date(2026, 3, 2)]}
    assert {g.sign for g in seen(never=days(1.5), weekly=lucky).gains} == {0}


def test_few_days_have_no_interval_and_say_so() -> None:
    found = seen(never=days(0.5, n=FEWEST_DAYS - 1), weekly=days(2.0, n=FEWEST_DAYS - 1))
    assert {(g.lower, g.upper, g.sign) for g in found.gains} == {(None, None, 0)}
    assert {g.reason for g in found.gains} == {"7 days are too few for an interval by whole days"}
    assert all(g.difference for g in found.gains)
    enough = seen(never=days(0.5, n=FEWEST_DAYS), weekly=days(2.0, n=FEWEST_DAYS))
    assert gain(enough, Look.WITHIN, "roc_auc").sign == 1


@pytest.mark.parametrize("primary", ["pr_auc", "f1", "precision", "mcc"])
def test_the_primary_metric_is_always_a_headline(primary: str) -> None:
    views = seen(primary, never=days(1.5)).views["never"]
    assert [v for v in views if v.metric == primary and v.headline]
    assert [v.metric for v in views if v.look is Look.WITHIN] == ["pr_auc" if primary == "pr_auc" else "roc_auc"]
    assert {v.metric for v in views if not v.headline} == {"precision", "recall"} - {primary}


def test_days_of_one_class_are_left_out_within_days_for_all() -> None:
    first = date(2026, 3, 1)
    one_class = {**days(1.5), first: Scored(np.zeros(SIZES[0], "int8"), np.full(SIZES[0], 0.5))}
    found = seen(never=one_class, weekly=one_class)
    assert view(found, "never", Look.WITHIN, "roc_auc").n == sum(SIZES) - SIZES[0]
    assert view(found, "never", Look.POOLED, "roc_auc").n == sum(SIZES)


def test_one_class_alone_has_reasons() -> None:
    only = {day: Scored(np.zeros(s.y_true.size, "int8"), s.y_score) for day, s in days(1.5).items()}
    found = seen(never=only, weekly=only)
    assert view(found, "never", Look.WITHIN, "roc_auc").reason == "undefined on every day: all rows are of one class"
    assert gain(found, Look.POOLED, "roc_auc").reason == "all rows are of one class"
    assert gain(found, Look.PROBABILITIES, "log_loss").difference == 0


def test_nothing_compared_has_no_looks() -> None:
    assert seen() == seen(never={}) == Seen({}, ())


def numbers(bias: float, *, seed: int, n_days: int = 12) -> dict[date, Predicted]:
    """Days of a regression whose predictions are too high by `bias`."""
    generator, found = np.random.default_rng(seed), {}
    for k in range(n_days):
        y = generator.normal(100, 10, 80)
        found[date(2026, 3, 1) + timedelta(days=k)] = Predicted(y, y + bias + generator.normal(0, 2, 80))
    return found


def test_of_numbers_the_errors_are_looked_at_and_no_ranking():
    looked = look_at(
        {"never": numbers(5.0, seed=1), "nightly": numbers(0.0, seed=1)},
        METRICS.parse("rmse"),
        RegressionTarget.looks,
        names=["never", "nightly"],
        n_replicates=200,
        seed=1,
    )
    views = {view.metric: view for view in looked.views["nightly"]}
    assert {view.look for view in views.values()} == {Look.ERRORS}
    assert list(views) == ["rmse", "mae", "bias"]
    assert [views[name].headline for name in views] == [True, True, False]
    assert views["rmse"].value == pytest.approx(2.0, abs=0.2)
    assert views["rmse"].gain == pytest.approx(5.4 - 2.0, abs=0.3)
    assert all(view.sign == 1 for view in views.values())
