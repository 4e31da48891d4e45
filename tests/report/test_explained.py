"""The part of the card that explains the challenger: drawn from the kept explanation alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from given import records_samples, scores_samples
from given.page_reader import Page

from mlsys.report import card as report
from mlsys.report import explained
from mlsys.report.card import Card
from mlsys.store import Store

NEW = scores_samples.candidate_id("xgboost")
ROW = {
    "answer": [0.0002],
    "truth": 1.0,
    "pushed": [["url_length", 120.0, -3.25], ["tld", "<b>", -1.5], ["has_https", None, 0.25]],
    "rest": -0.125,
    "base": -0.6,
    "said": -5.225,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def known(**changes: Any) -> dict[str, Any]:
    importance = {
        "metric": "roc_auc",
        "n_rows": 1000,
        "n_parts": 10,
        "n_columns": 16,
        "columns": [["url_length", 0.08, 0.06, 0.1], *([f"column_{i}", 0.001, -0.001, 0.003] for i in range(14))],
        "alike": {"url_length": ["n_digits", 0.93]},
    }
    columns = [["url_length", 1.25, 0.9], ["n_dots", 0.5, -0.7], ["tld", 0.25, None], ["n_digits", 0.1, 0.05]]
    shares = {"scale": "log odds", "n_rows": 300, "base": [-0.6], "columns": columns, "wrong": [ROW], "certain": [ROW]}
    values = [f"value {i}" for i in range(30)]
    curves = [
        {
            "column": "url_length",
            "numbers": True,
            "values": [10.0, 20.0, 80.0, None],
            "answers": [[0.1], [0.3], [0.7], [0.4]],
            "n_missing": 4,
            "density": [1] * 24,
        },
        {
            "column": "brand",
            "numbers": False,
            "values": [*values, None],
            "answers": [[0.2 + i / 100] for i in range(31)],
            "n_missing": 3,
            "counts": list(range(40, 10, -1)),
            "n_more": 7,
        },
    ]
    dependence = {"n_rows": 200, "classes": [], "mean": [0.35], "columns": curves}
    found = {"importance": importance, "shares": shares, "dependence": dependence, "n_holdout": 1138, "settings": {}}
    return found | changes


def given(store: Store, explanation: dict[str, Any]) -> Card:
    card = records_samples.card(store)
    challenger = next(c for c in card.candidates if c.candidate_id == card.challenger)
    assert card.evaluations is not None
    return replace(card, explanation={"of": explained.made_of(challenger, card.evaluations), **explanation})


def text_of(store: Store, explanation: dict[str, Any]) -> str:
    page = Page(report.render(given(store, explanation), store=store))
    return page.text[page.text.index("Why it answers so") :]


@pytest.mark.slow
def test_columns_have_what_is_lost_with_its_interval_and_who_goes_with_them(store: Store) -> None:
    text = text_of(store, known())
    assert "ROC AUC lost when one column is shuffled among 1,000 holdout rows" in text
    assert "the mean of 10 parts of them" in text
    assert "the first 12 of 16 columns" in text
    assert "+0.0800 +0.0600 to +0.1000" in text
    assert "goes with n_digits (0.930)" in text.replace("\u200b", "")
    assert "stand in for each other" in text


@pytest.mark.slow
def test_without_columns_that_go_together_it_says_so(store: Store) -> None:
    text = text_of(store, known(importance={**known()["importance"], "alike": {}}))
    assert "No two columns of numbers go together strongly" in text


@pytest.mark.slow
def test_shap_values_have_a_direction_where_the_column_has_an_order(store: Store) -> None:
    text = text_of(store, known()).replace("\u200b", "")
    assert "in log odds, in the mean of 300 holdout rows" in text
    for row in ("url_length: 1.25 up 1.25", "n_dots: 0.5 down 0.5", "tld: 0.25 – 0.25", "n_digits: 0.1 no one way 0.1"):
        assert row in " ".join(text.split())


@pytest.mark.slow
def test_a_row_shows_answer_truth_and_what_pushed_it(store: Store) -> None:
    text = " ".join(text_of(store, known()).replace("\u200b", "").split())
    assert "The 1 most wrong answer" in text
    assert "< 0.001 true: phishing" in text
    assert "url_length 120 −3.25" in text
    assert "tld <b> −1.5" in text
    assert "has_https missing +0.25" in text
    assert "all others −0.125 together −5.225" in text


@pytest.mark.slow
def test_thirty_categories_and_missing_values_are_all_there(store: Store) -> None:
    text = " ".join(text_of(store, known()).split())
    assert "and 7 rarer values" in text
    assert "value 29" in text
    assert "missing: 0.5; of all rows 0.35, the vertical line" in text


@pytest.mark.slow
def test_a_part_that_is_left_out_says_why(store: Store) -> None:
    reason = "Explaining needs the package 'shap', which is not installed"
    text = text_of(store, known(shares={"left_out": reason}, dependence={"left_out": "timeout after 30 s"}))
    assert f"SHAP left out: {reason}" in text
    assert "Partial dependence left out: timeout after 30 s" in text
    assert "What pushes its answers" not in text
    assert "Single rows" not in text


@pytest.mark.slow
def test_nothing_is_escaped_wrongly(store: Store) -> None:
    html = report.render(given(store, known()), store=store)
    assert "<b></code>" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.slow
def test_the_page_for_mlflow_holds_the_same_and_stands_alone(store: Store) -> None:
    html = report.explanation_page(given(store, known()))
    assert html is not None
    assert "The 1 most wrong answer" in html
    assert "Content-Security-Policy" in html
    assert report.explanation_page(records_samples.card(store)) is None


def test_a_number_is_written_as_such(store: Store) -> None:
    row = {**ROW, "answer": [182500.0], "truth": 210000.0}
    found = known(shares={**known()["shares"], "wrong": [row], "certain": []})
    shown = explained.explained(found, primary="rmse", names=())
    assert (shown.wrong[0].answer, shown.wrong[0].truth, shown.certain) == ("182,500", "210,000", ())


def test_classes_have_their_names(store: Store) -> None:
    row = {**ROW, "answer": [0.1, 0.85, 0.05], "truth": 2.0}
    dependence = {
        **known()["dependence"],
        "classes": ["cat", "dog", "eel"],
        "mean": [0.3, 0.3, 0.4],
        "columns": [
            {
                "column": "brand",
                "numbers": False,
                "values": ["a", "b"],
                "answers": [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]],
                "n_missing": 0,
                "counts": [4, 2],
                "n_more": 0,
            }
        ],
    }
    found = known(shares={**known()["shares"], "wrong": [row]}, dependence=dependence)
    shown = explained.explained(found, primary="log_loss", names=())
    assert (shown.wrong[0].answer, shown.wrong[0].truth) == ("dog (0.850)", "eel")
    assert shown.dependence is not None
    assert [one.name for one in shown.dependence.series] == ["cat", "dog", "eel"]
    assert shown.dependence.curves[0].categories[1].answers == (0.1, 0.1, 0.8)
