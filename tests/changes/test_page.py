"""The page of a plan: whole HTML from a record alone, whatever is missing in it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from given.visits import chromium

from mlsys.changes.page import headline_of, render
from mlsys.changes.records import CandidateOutlook, DailyPair, Earned, GatesSaid, KeyChange, SpecPlan, WalkedPair
from mlsys.records import GateResult

DAY = date(2026, 5, 11)


def plan(**changes: Any) -> SpecPlan:
    known = SpecPlan(
        pipeline="shop",
        run_id="shop-2026-05-11-0123456789",
        day=DAY,
        spec_fingerprint="f" * 64,
        changes=(KeyChange(key="models.<b>.C", before=1.0, after="<i>", category="model"),),
        category="model",
        sentences=("Model: fitted again: logistic.",),
        candidates=(CandidateOutlook(name="logistic", action="fitted", seconds=1.25),),
    )
    return known.model_copy(update=changes)


def walked(**earned: Any) -> WalkedPair:
    daily = tuple(
        DailyPair(
            day=DAY + timedelta(days=n), n_rows=80, before=0.8, after=None if n == 1 else 0.81,
            before_model=DAY, after_model=DAY,
        )
        for n in range(3)
    )  # fmt: skip
    return WalkedPair(
        first=DAY,
        last=DAY + timedelta(days=3),
        metric="roc_auc",
        higher=True,
        earned=Earned(metric="roc_auc", **{"difference": 0.01, **earned}),
        promotions_before=(DAY,),
        promotions_after=(),
        daily=daily,
        n_rows=240,
        left_out={"2026-05-14": "no model <yet>"},
        sentence="The new spec would have earned +0.01 ROC AUC.",
    )


def judged(state: Any) -> GatesSaid:
    gate = GateResult(gate="minimum", name="roc_auc at least 0.6", state=state, sentence="It is 0.5.", reason=None)
    return GatesSaid(outcome="reject", reason="below_minimum", sentence="Too low.", challenger=None, gates=(gate,))


BOUNDS = {"lower": -0.02, "upper": -0.01, "next_lower": -0.03, "next_upper": 0.0, "difference": -0.015}
PLANS = {
    "Models change": plan(),
    "Nothing has changed": plan(changes=(), category="no effect"),
    "A run would refuse to start": plan(refused="A run would lose 3 days.", exit_code=3),
    "Only the gates change": plan(category="gates only", then=judged("pass"), now=judged("fail")),
    "The changed spec would have done worse": plan(walked=walked(**BOUNDS), exit_code=6),
    "The changed spec is not separated from the one that runs": plan(walked=walked(reason="3 days are too few")),
}


@pytest.mark.parametrize("headline", PLANS)
def test_a_plan_of_any_kind_is_a_whole_page_that_loads_nothing(headline: str) -> None:
    found = PLANS[headline]
    html = render(found)
    assert headline_of(found) == headline
    assert f"</span>{headline}</h1>" in html
    assert html == render(found)
    assert "<b>" not in html.replace("<b>Now</b>", "")
    assert "<i>" not in html
    assert not any(mark in html for mark in ("http://", "https://", "src=", "None", "Undefined"))


def test_what_was_judged_again_and_what_was_earned_stand_on_the_page() -> None:
    gates = render(PLANS["Only the gates change"])
    assert "By the changed gates: reject." in gates
    assert "It is 0.5." in gates
    worse = render(PLANS["The changed spec would have done worse"])
    assert "−0.0150" in worse
    assert "95 times in 100" in worse
    assert "no model &lt;yet&gt;" in worse
    assert "too few" in render(PLANS["The changed spec is not separated from the one that runs"])


@pytest.mark.browser
@pytest.mark.slow
def test_keys_and_gates_are_read_on_a_phone_without_scrolling_sideways() -> None:
    key = KeyChange(key="monitors.watch.3.significance", before=None, after="a_rather_long_value", category="no effect")
    sentence = "By roc_auc the challenger is worse than the champion on 240 holdout rows: difference -0.0014."
    (gate,) = judged("fail").gates
    now = judged("fail").model_copy(update={"gates": (gate.model_copy(update={"sentence": sentence}),)})
    found = plan(category="gates only", changes=(key,), then=judged("pass"), now=now)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 900}, color_scheme="dark")
        page.set_content(render(found))
        wide = page.locator(".scroll").evaluate_all("all => all.map(box => box.scrollWidth - box.clientWidth)")
        assert wide == [0, 0, 0]
        code = page.locator("#keys th code")
        assert code.bounding_box()["height"] < 30  # type: ignore[index] # on one line
