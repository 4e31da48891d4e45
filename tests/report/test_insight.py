"""The part of the card that looks inside the challenger: drawn from the evaluation's details alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from given import records_samples, scores_samples
from given.page_reader import Page

from mlsys.report import card as report
from mlsys.report.card import Card
from mlsys.store import Store

NEW = scores_samples.candidate_id("xgboost")
BINS = [[0.1, 0.08, 124], [0.5, 0.55, 124], [0.9, 0.93, 124]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def known(**changes: Any) -> dict[str, Any]:
    columns = [["url_length", 0.0812], *([f"column_{i}", 0.001] for i in range(14)), ["tld", -0.0004]]
    found: dict[str, Any] = {
        "importance": {"metric": "roc_auc", "n_rows": 588, "columns": columns},
        "calibration": {NEW: BINS, scores_samples.CHAMPION: BINS},
        "segments": [
            {
                "column": "tld",
                "rows": [
                    {"value": "com", "n": 700, "positive": 0.31, "values": {NEW: 0.971, scores_samples.CHAMPION: 0.95}},
                    {"value": "<b>", "n": 60, "positive": 1.0, "values": {NEW: None, scores_samples.CHAMPION: None}},
                ],
            }
        ],
    }
    return found | changes


def explained(store: Store, insight: dict[str, Any]) -> Card:
    card = records_samples.card(store)
    assert card.evaluations is not None
    details = {**store.read_json(card.evaluations.details), "insight": insight}
    return replace(card, evaluations=card.evaluations.model_copy(update={"details": store.put_json(details)}))


def text_of(store: Store, insight: dict[str, Any]) -> str:
    return Page(report.render(explained(store, insight), store=store)).text


@pytest.mark.slow
def test_columns_are_listed_with_what_the_metric_loses(store: Store) -> None:
    text = text_of(store, known())
    assert "ROC AUC lost when one column is shuffled among 588 holdout rows" in text
    assert "the first 12 of 16 columns" in text
    assert "+0.0812" in text


@pytest.mark.slow
def test_calibration_is_drawn_for_challenger_and_champion(store: Store) -> None:
    html = report.render(explained(store, known()), store=store)
    drawing = html.partition('aria-labelledby="calibration-title')[2].partition("</svg>")[0]
    assert 'class="line m-challenger"' in drawing
    assert 'class="line m-champion"' in drawing
    assert drawing.count("<circle") == 2 * len(BINS)
    assert "0.930" in Page(html).text


@pytest.mark.slow
def test_segments_show_both_models_and_are_never_markup(store: Store) -> None:
    html = report.render(explained(store, known()), store=store)
    text = Page(html).text
    assert "ROC AUC by tld" in text
    assert "com 700 31.0 % 0.971 0.950" in text
    assert "&lt;b&gt;" in html
    assert "60 100.0 % – –" in text


@pytest.mark.slow
def test_what_is_not_known_is_left_out(store: Store) -> None:
    text = text_of(store, known(importance=None, segments=[]))
    assert "What it relies on" not in text
    assert "Calibration" in text
    assert "ROC AUC by" not in text


@pytest.mark.slow
def test_cards_of_earlier_versions_have_no_such_part(store: Store) -> None:
    page = Page(report.render(records_samples.card(store), store=store))
    assert "insight" not in [attrs["id"] for attrs in page.named("section")]
