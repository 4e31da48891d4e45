"""The walk-forward page: whole HTML from numbers alone, whatever is missing in them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from given.visits import chromium

from mlsys.backfill.change import fall_of
from mlsys.backfill.chart import chart, is_levelled
from mlsys.backfill.page import render
from mlsys.backfill.records import (
    DailyValue,
    Gain,
    Look,
    PaceAnswer,
    Recovery,
    SimulatedModel,
    StrategyResult,
    Verdict,
    View,
    WalkForwardDetails,
)
from mlsys.backfill.strategies import GATED, NEVER, NIGHTLY, TITLES, WEEKLY
from mlsys.records import Comparison, MetricValue

FIRST = date(2026, 3, 27)
N = 12
CHANGED = 6
NAMES = (NEVER, WEEKLY, NIGHTLY, GATED)
TAKEN = {NEVER: (0,), WEEKLY: (0, 7), NIGHTLY: tuple(range(N)), GATED: (0, 8)}
VOID = {"meta", "link"}


class Crossed(HTMLParser):
    """Fails at an unclosed or crossed tag, and keeps the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def on(n: int) -> date:
    return FIRST + timedelta(days=n)


def measured(value: float | None, n: int = 100) -> MetricValue:
    return MetricValue(name="roc_auc", value=value, n=n, reason=None if value is not None else "one class")


def compared(difference: float | None) -> Comparison:
    bounds = (None, None) if difference is None else (difference - 0.01, difference + 0.01)
    return Comparison(
        metric="roc_auc",
        direction="higher",
        difference=difference,
        lower=bounds[0],
        upper=bounds[1],
        level=0.975,
        n=900,
        method="paired bootstrap of rows within days, 1000 resamples",
        reason=None if difference is not None else "one class",
    )


def strategy(name: str) -> StrategyResult:
    daily = []
    for n in range(1, N):
        made = max(t for t in TAKEN[name] if t < n)
        daily.append(DailyValue(day=on(n), model_day=on(made), value=measured(0.9 if n < CHANGED or made > 6 else 0.5)))
    return StrategyResult(
        name=name,
        title=TITLES[name],
        rule="in words",
        promotions=tuple(on(n) for n in TAKEN[name]),
        overall=measured(0.8, 900),
        pooled=measured(0.79, 900),
        daily=tuple(daily),
    )


def model(n: int) -> SimulatedModel:
    promoted = n in TAKEN[GATED]
    verdict = Verdict(
        outcome="promote" if promoted else "reject",
        reason="all_gates_pass" if promoted else "not_better",
        sentence="Because <of> the gates",
        rival=on(0) if n else None,
        comparison=compared(0.02) if n else None,
    )
    return SimulatedModel(
        day=on(n),
        run_id=f"shop-{n}",
        candidate=f"{n:012x}-logistic",
        name="logistic",
        holdout=(measured(0.9),),
        following=measured(0.85) if n < N - 1 else None,
        verdict=verdict,
        serves=on(8 if n >= 8 else 0),
    )


def details(**changes: Any) -> WalkForwardDetails:
    results = tuple(strategy(name) for name in NAMES)
    never = [(d.day, d.value.value or 0.0) for d in results[0].daily]
    pairs = [(NAMES[j], NAMES[i]) for i in range(4) for j in range(i + 1, 4)]
    values: dict[str, Any] = {
        "pipeline": "shop",
        "first": on(0),
        "last": on(N - 1),
        "spec_fingerprint": "f" * 64,
        "primary": "roc_auc",
        "direction": "higher",
        "ranks": True,
        "models": tuple(model(n) for n in range(N)),
        "missing": {},
        "notes": (),
        "compared": tuple(on(n) for n in range(1, N)),
        "n_rows": 900,
        "strategies": results,
        "gains": tuple(Gain(strategy=more, over=rarer, comparison=compared(0.05)) for more, rarer in pairs),
        "change": fall_of([day for day, _ in never], [value for _, value in never], direction="higher"),
        "answer": PaceAnswer(
            advice=GATED, headline="Retrain nightly", sentence="It earns 0.3.", more=("Weekly loses.",)
        ),
    }
    return WalkForwardDetails.model_validate(values | changes)


def page(**changes: Any) -> str:
    return Crossed(render(details(**changes))).text


@pytest.mark.slow
def test_the_answer_stands_first() -> None:
    text = page()
    assert text.index("Retrain nightly") < text.index("It earns 0.3.") < text.index("Weekly loses.") < text.index("ROC")


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert render(details()) == render(details())


def test_every_strategy_has_its_row_and_its_line() -> None:
    html = render(details())
    for name in NAMES:
        assert f'class="line w-{name}"' in html
        assert TITLES[name] in Crossed(html).text
    assert "+0.0500" in html


def test_every_day_has_its_row() -> None:
    html = render(details())
    assert html.count('<tr><th scope="row" class="span">') + html.count('<tr class="taken">') == N + len(TAKEN[GATED])


def test_who_served_is_told_in_stretches() -> None:
    text = page()
    assert f"{on(1)} to {on(8)} {on(0)}" in text
    assert f"{on(9)} on {on(8)}" in text


def test_the_change_is_marked_on_the_chart() -> None:
    drawing = chart(details().strategies, details().change, "ROC AUC")
    assert drawing is not None
    assert f"{on(CHANGED)}: change" in drawing


def test_dots_tell_where_a_new_model_begins() -> None:
    drawing = chart(details().strategies, None, "ROC AUC") or ""
    counts = {name: drawing.count(f'circle class="w-{name}"') for name in NAMES}
    assert counts == {NEVER: 1, WEEKLY: 2, NIGHTLY: 0, GATED: 2}
    assert f"from {on(9)} the model of {on(8)} serves" in drawing


def test_a_long_pause_breaks_the_line() -> None:
    results = strategy(NEVER)
    later = [d if n < 6 else d.model_copy(update={"day": d.day + timedelta(307)}) for n, d in enumerate(results.daily)]
    drawing = chart([results.model_copy(update={"daily": tuple(later)})], None, "ROC AUC") or ""
    (path,) = re.findall(r'class="line w-never" d="([^"]+)"', drawing)
    assert path.count("M") == 2


def many_days(n: int) -> StrategyResult:
    """Return a strategy whose value is 1 on Sundays, of twice the rows, and 0.5 else."""
    daily = [
        DailyValue(
            day=day, model_day=on(0), value=measured(1.0 if day.weekday() == 6 else 0.5).model_copy(update={"n": rows})
        )
        for day in (on(index) for index in range(1, n + 1))
        for rows in [200 if day.weekday() == 6 else 100]
    ]
    return strategy(NEVER).model_copy(update={"daily": tuple(daily)})


def test_lines_of_many_days_are_means_of_a_week_by_rows() -> None:
    few, many = many_days(90), many_days(91)
    assert [is_levelled([each]) for each in (few, many)] == [False, True]
    paths = [
        re.findall(r'class="line w-never" d="([^"]+)"', chart([each], None, "AUC") or "")[0] for each in (few, many)
    ]
    heights = [[pair.split()[1] for pair in re.split("[ML]", path)[1:]] for path in paths]
    assert len(set(heights[0])) == 2
    assert len(set(heights[1][3:-3])) == 1  # every whole week has one Sunday
    assert "means of seven days" in render(
        details().model_copy(update={"strategies": (many, *details().strategies[1:])})
    )
    assert "means of seven days" not in render(details())


@pytest.mark.parametrize("values", [[0.5, 0.5], [1e-6, 3e-6], [12.0, 3400.0], [0.999, 1.0]])
def test_levels_hold_all_values(values: list[float]) -> None:
    daily = tuple(DailyValue(day=on(n), model_day=on(0), value=measured(v)) for n, v in enumerate(values, 1))
    drawing = chart([strategy(NEVER).model_copy(update={"daily": daily})], None, "Log loss") or ""
    (path,) = re.findall(r'class="line w-never" d="([^"]+)"', drawing)
    heights = [float(pair.split()[1]) for pair in re.split("[ML]", path)[1:]]
    assert all(26 <= height <= 296 for height in heights)


def test_undefined_days_are_left_out_of_the_line() -> None:
    daily = (DailyValue(day=on(1), model_day=on(0), value=measured(None)),)
    assert chart([strategy(NEVER).model_copy(update={"daily": daily})], None, "ROC AUC") is None


def test_a_page_without_anything_to_compare_is_whole() -> None:
    bare = strategy(NEVER).model_copy(update={"daily": (), "overall": measured(None, 0)})
    results = tuple(bare.model_copy(update={"name": name, "title": TITLES[name]}) for name in NAMES)
    results = (*results[:-1], results[-1].model_copy(update={"promotions": ()}))
    gains = (Gain(strategy=GATED, over=NEVER, comparison=compared(None)),)
    text = page(strategies=results, gains=gains, compared=(), n_rows=0, change=None, models=(model(1),))
    assert "No day of the range has rows" in text
    assert "let no model into service" in text


def test_notes_are_shown_and_everything_is_escaped() -> None:
    html = render(details(notes=("No model of 2026-03-28: <b>its</b> run failed at `train`.",)))
    assert "&lt;b&gt;its&lt;/b&gt; run failed at <code>train</code>" in html
    assert "Because &lt;of&gt; the gates" in html


LOOKS = [
    (Look.WITHIN, "roc_auc"),
    (Look.POOLED, "roc_auc"),
    (Look.PROBABILITIES, "log_loss"),
    (Look.DECISIONS, "accuracy"),
    (Look.DECISIONS, "precision"),
]


def looked_at(name: str) -> StrategyResult:
    gain = {"gain": 0.0345, "lower": 0.021, "upper": 0.048} if name != NEVER else {}
    views = tuple(
        View(look=look, metric=kind, headline=kind != "precision", value=0.876, n=900, **gain) for look, kind in LOOKS
    )
    return strategy(name).model_copy(update={"views": views})


def test_the_looks_have_a_column_each_and_say_what_is_beyond_chance() -> None:
    html = render(details(strategies=tuple(looked_at(name) for name in NAMES), threshold=0.3))
    text = Crossed(html).text
    assert "Ranking Probabilities Decisions at 0.3" in text
    assert "ROC AUC ↑ within days ROC AUC ↑ over all rows Log loss ↓ Accuracy ↑ Precision ↑" in text
    assert html.count('<small class="v-better">+0.0345') == len(LOOKS) * (len(NAMES) - 1)
    assert "0.021 to 0.048" in text
    assert "better beyond chance" in text


KEPT_OUT = (5, 7)


def kept_out() -> tuple[SimulatedModel, ...]:
    found = []
    for n in range(N):
        made = model(n)
        by = ("roc_auc at least 0.8",) if n in KEPT_OUT else ()
        verdict = made.verdict.model_copy(update={"kept_out_by": by})
        found.append(made.model_copy(update={"verdict": verdict}))
    return tuple(found)


def test_days_on_which_a_better_model_was_kept_out_are_marked_everywhere() -> None:
    html = render(details(models=kept_out()))
    text = Crossed(html).text
    assert html.count('<path class="kept"') == len(KEPT_OUT)
    assert html.count('<span class="tag kept"') == len(KEPT_OUT)
    assert f"{on(5)}: a better model was rejected for roc_auc at least 0.8, which the one in service misses too" in html
    assert "Better models kept out 2 days" in text
    assert "Triangles:" in text


def test_without_such_days_nothing_is_marked() -> None:
    html = render(details())
    assert "Triangles" not in html
    assert "misses it too" not in html
    assert 'class="kept"' not in html


def test_what_was_never_trained_on_stands_in_the_head() -> None:
    text = page(withheld={"holdout": 7, "validation": 5})
    assert "Never trained on the newest 12 days (holdout 7 + validation 5) before each model's cutoff" in text
    assert "Never trained on" not in page()


def test_the_strategy_of_the_text_and_the_baseline_are_drawn_stronger() -> None:
    said = details().answer.model_copy(update={"advice": WEEKLY, "subject": WEEKLY})
    html = render(details(answer=said))
    group = html.partition('<g class="said">')[2].partition("</g>")[0]
    assert re.findall(r"line w-(\w+)", group) == [NEVER, WEEKLY]
    text = Crossed(html).text
    assert "Never again baseline" in text
    assert "Weekly advice" in text


def test_what_was_made_good_of_the_fall_is_told_of_every_strategy() -> None:
    made = [
        Recovery(strategy=NEVER, n_days=3, value=0.5, share=0.0),
        Recovery(strategy=WEEKLY, n_days=3, value=0.6, share=0.25),
    ]
    text = page(answer=details().answer.model_copy(update={"recoveries": tuple(made), "repaired": False}))
    assert "made good over the newest 3 days: never again 0 % (0.500); weekly 25 % (0.600)." in text


def test_without_looks_there_is_no_table_of_them() -> None:
    assert "Decisions at" not in page()


def test_where_the_looks_disagree_it_stands_at_the_top() -> None:
    said = PaceAnswer(
        advice=None, headline="The measures disagree", sentence="It.", disagreement=("Better.", "Drifts.")
    )
    text = page(answer=said)
    assert text.index("The measures disagree") < text.index("Better. Drifts.") < text.index("Simulated days")


@pytest.mark.browser
@pytest.mark.slow
def test_headline_drawing_and_table_are_seen_on_any_screen_light_and_dark() -> None:
    html, grounds = render(details(models=kept_out(), withheld={"holdout": 7, "validation": 5})), set()
    with chromium() as browser:
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
            for width in (390, 1200):
                page.set_viewport_size({"width": width, "height": 900})
                page.set_content(html)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                headline = page.get_by_role("heading", name="Retrain nightly").bounding_box()
                assert headline is not None
                assert headline["y"] < 300
                marks = page.locator("path.kept")
                assert marks.count() == len(KEPT_OUT)
                for mark in marks.all():
                    mark.scroll_into_view_if_needed()  # a narrow screen shows the drawing in a strip that moves
                    seen = mark.bounding_box()
                    assert seen is not None
                    assert 0 < seen["x"] < seen["x"] + seen["width"] < width
                    assert seen["width"] > 8
                assert page.get_by_role("row").filter(has_text="Nightly, behind the gates").first.is_visible()
            grounds.add(page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))
    assert len(grounds) == 2
