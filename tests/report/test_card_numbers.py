"""One number, one meaning: every count, share, bound, version and day of a card says what it is of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from given import records_samples, scores_samples
from given.page_reader import Page

from mlsys.report import card as report
from mlsys.report.card import Card
from mlsys.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def page_of(card: Card, store: Store) -> Page:
    return Page(report.render(card, store=store))


def test_a_share_and_a_count_of_bad_rows_each_say_of_what(store: Store) -> None:
    card = records_samples.card(store)
    whole = card.checks.model_copy(update={"n_rows": 10_699, "n_quarantined": 47})
    text = page_of(replace(card, checks=whole), store).text
    assert "47 of 10,699 rows quarantined" in text
    assert "bad rows of the newest day 1.1 % 2 of 178" in text
    all_rows = whole.bad.model_copy(update={"of": "all", "n_rows": 10_699, "n_bad": 47})
    text = page_of(replace(card, checks=whole.model_copy(update={"bad": all_rows})), store).text
    assert "bad rows of all" in text


def test_checks_are_counted_once(store: Store) -> None:
    card = records_samples.card(store)
    assert "8 checks of the spec and 1 that every run keeps: 3 to look at, 6 passed; over" in page_of(card, store).text
    more = replace(card, checks=card.checks.model_copy(update={"n_checks": 20}))
    text = page_of(more, store).text
    assert "20 checks of the spec and 1 that every run keeps: 3 to look at, 6 passed, 12 not shown; over" in text
    assert "12 more checks in the run's stored check details." in text


def test_checks_of_earlier_versions_are_counted_by_what_is_shown(store: Store) -> None:
    card = records_samples.card(store)
    old = replace(card, checks=card.checks.model_copy(update={"n_own": None, "bad": None}))
    text = page_of(old, store).text
    assert "8 checks of the spec and 1 that every run keeps: 3 to look at, 6 passed; over" in text
    assert "bad rows 1.1 % tolerated" in text


@pytest.mark.slow
def test_a_difference_stands_beside_its_bound_and_what_is_needed(store: Store) -> None:
    text = page_of(records_samples.card(store), store).text
    assert "difference +0.0162 its lower bound +0.0109 needed > 0" in text
    assert "observed +0.0109" not in text
    rejected = page_of(records_samples.card(store, "reject"), store).text
    assert "difference −0.0214 its lower bound −0.0297 needed > 0" in rejected


@pytest.mark.slow
def test_champions_carry_the_version_of_the_ledger_and_no_other_number_is_called_one(store: Store) -> None:
    card = records_samples.card(store)
    known = replace(card, versions={scores_samples.CHAMPION: "1.0.6"})
    text = page_of(known, store).text
    assert "1.0.6 " + scores_samples.CHAMPION in text
    assert "1.0.7 " + card.decision.challenger in text
    assert card.version.mlflow_version == "12"
    assert "version 12" not in text.lower()
    stays = replace(records_samples.card(store, "reject"), versions={scores_samples.CHAMPION: "1.0.6"})
    assert page_of(stays, store).text.count("1.0.6") == 2


@pytest.mark.slow
def test_links_lead_to_the_run_and_to_the_model_where_they_are_known(store: Store) -> None:
    pages = {"airflow": "https://a.example/dags/retrain_phishing/runs/r-1", "mlflow": "https://m.example/"}
    linked = page_of(replace(records_samples.card(store), pages=pages), store)
    links = {attrs["href"] for attrs in linked.named("a")}
    assert pages["airflow"] in links
    assert "https://m.example/#/models/phishing/versions/12" in links
    unknown = page_of(records_samples.card(store), store)
    assert not [attrs for attrs in unknown.named("a") if str(attrs["href"]).startswith("http")]
    assert "registered, by run 7d0c5b1e" in unknown.text


def test_the_last_day_is_told_as_included(store: Store) -> None:
    text = page_of(records_samples.card(store), store).text
    assert "data up to Sun 2026-03-08" in text
    assert "Last day of data Sun 2026-03-08" in text
    assert "Last day included Sun 2026-03-08" in text
