"""The part of the card on lists and costs, drawn from the evaluation's details alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from given import records_samples, scores_samples
from given.page_reader import Page

from mlsys.report import card as report
from mlsys.store import Store

NEW, OLD = scores_samples.candidate_id("xgboost"), scores_samples.CHAMPION
LIST = {"share": 0.05, "rows": 62, "gains": {NEW: [[0, 0], [0.1, 0.4], [1, 1]], OLD: [[0, 0], [1, 1]]}}
COSTS = {
    "false_positive": 1.0,
    "false_negative": 20.0,
    "alone": 0.8,
    "thresholds": {NEW: 0.061, OLD: 0.09},
    "curves": {NEW: [[0, 0.8], [0.2, 0.3], [0.9, 0.9]], OLD: [[0, 0.8], [0.5, 0.6], [1, 1.2]]},
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def page_of(store: Store, **details: Any) -> str:
    card = records_samples.card(store)
    assert card.evaluations is not None
    known = {**store.read_json(card.evaluations.details), **details}
    changed = card.evaluations.model_copy(update={"details": store.put_json(known)})
    return report.render(replace(card, evaluations=changed), store=store)


@pytest.mark.slow
def test_a_list_says_how_many_rows_it_has_and_shows_its_gain(store: Store) -> None:
    page = Page(page_of(store, list=LIST))
    assert "the first 62 rows (5.0 %)" in page.text
    assert "Share of the positive rows found against share of the rows, highest scores first" in page.text
    assert "Cost of the decisions" not in page.text


@pytest.mark.slow
def test_costs_name_both_mistakes_and_each_models_threshold(store: Store) -> None:
    page = Page(page_of(store, costs=COSTS, threshold=None))
    assert "A false alarm costs 1, a missed phishing row 20" in page.text
    assert "challenger at its threshold of 0.061 and champion at its threshold of 0.090" in page.text
    assert "classes at each model's own threshold" in page.text


def test_a_curve_ends_where_it_costs_more_than_no_model(store: Store) -> None:
    html = page_of(store, costs=COSTS, threshold=None)
    drawing = html[html.index("cost-title") :].split("</svg>")[0]
    lines = [part.split('"')[0] for part in drawing.split('class="line m-')[1:]]
    assert len(lines) == 2
    assert "M46 10L" in drawing  # calling nobody costs 1, the top of the frame


def test_a_card_without_them_has_no_such_part(store: Store) -> None:
    assert 'id="payoff"' not in page_of(store)
