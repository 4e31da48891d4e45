"""What is counted, and that nobody makes it grow by asking."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from given.stand_ins import ShelfOfNames
from prometheus_client.parser import text_string_to_metric_families

from mlsys import clock
from mlsys.server.answered import Answered
from mlsys.server.metrics import Metrics

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "shop", "gift": True}
AGREED = {
    "mlsys_server_requests": {"pipeline", "outcome", "version", "arm"},
    "mlsys_server_request_seconds": {"pipeline", "route"},
    "mlsys_server_predictions": {"pipeline", "version", "arm"},
    "mlsys_server_unseen_values": {"pipeline", "column"},
    "mlsys_server_champion_info": {"pipeline", "version"},
    "mlsys_server_champion_cutoff_timestamp_seconds": {"pipeline"},
    "mlsys_server_log_dropped": set(),
    "mlsys_server_reload_failures": {"pipeline"},
}


@pytest.fixture
def shelf() -> ShelfOfNames:
    return ShelfOfNames()


def samples(metrics: Metrics) -> dict[str, dict[tuple, float]]:
    """Return the value of each series, by name of the sample and its labels' values in alphabetical order."""
    found: dict[str, dict[tuple, float]] = {}
    for family in text_string_to_metric_families(metrics.page().decode()):
        for sample in family.samples:
            values = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[values] = sample.value
    return found


def answered(shelf, n_rows: int = 1) -> Answered:
    return Answered("shop", shelf.models["shop"], "champion", "1", [ROW] * n_rows, None, clock.now(), 0.001)


def test_names_and_labels_are_those_agreed_upon(shelf) -> None:
    shelf.failures = {"shop": 2}
    metrics = Metrics(shelf, log_dropped=lambda: 7)
    metrics.request("/pipelines/shop/predict", 422, 0.002)
    metrics.answered(replace(answered(shelf), noticed={"unseen": {"channel": 3}, "missing": {"n_items": 2}}))
    families = {family.name: family for family in text_string_to_metric_families(metrics.page().decode())}
    for name, labels in AGREED.items():
        sample = next(each for each in families[name].samples if not each.name.endswith("_created"))
        assert set(sample.labels) - {"le"} == labels, name
    found = samples(metrics)
    assert found["mlsys_server_log_dropped_total"] == {(): 7}
    assert found["mlsys_server_reload_failures_total"] == {("shop",): 2}
    assert found["mlsys_server_unseen_values_total"] == {("channel", "shop"): 3}
    assert found["process_resident_memory_bytes"][()] > 1e6


def test_answers_count_by_version_and_rows_by_number(shelf) -> None:
    metrics, version = Metrics(shelf), shelf.models["shop"].champion.version
    for n_rows in (1, 10):
        metrics.answered(answered(shelf, n_rows))
    metrics.answered(replace(answered(shelf), arm="shadow"))
    found = samples(metrics)
    assert found["mlsys_server_requests_total"] == {
        ("champion", "answered", "shop", version): 2,
        ("shadow", "answered", "shop", version): 1,
    }
    assert found["mlsys_server_predictions_total"]["champion", "shop", version] == 11


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (422, "refused"), (404, "refused"), (401, "unauthorised"), (403, "unauthorised"), (413, "too_large"),
        (429, "limited"), (408, "late"), (500, "failed"), (503, "failed"), (None, "gone"),
    ],
)  # fmt: skip
def test_what_was_not_answered_counts_by_its_reason(shelf, status, outcome) -> None:
    metrics = Metrics(shelf)
    metrics.request("/pipelines/shop/predict", status, 0.1)
    assert samples(metrics)["mlsys_server_requests_total"] == {("", outcome, "shop", ""): 1}


def test_the_champion_stands_with_its_cutoff(shelf) -> None:
    champion = shelf.models["shop"].champion
    found = samples(Metrics(shelf))
    assert found["mlsys_server_champion_info"] == {("shop", champion.version): 1}
    assert found["mlsys_server_champion_cutoff_timestamp_seconds"] == {("shop",): champion.cutoff.timestamp()}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/pipelines/shop/predict", ("shop", "predict")),
        ("/pipelines/shop/predict/batch", ("shop", "predict/batch")),
        ("/pipelines/shop", ("shop", "")),
        ("/pipelines/nobody/predict", ("unknown", "predict")),
        ("/pipelines/shop/predict/x", ("shop", "other")),
        ("/predict", ("shop", "predict")),
        ("/models", ("", "models")),
        ("/", ("", "")),
        ("/wp-login.php", ("", "other")),
    ],
)
def test_an_address_has_its_place(shelf, path, place) -> None:
    assert Metrics(shelf).place_of(path) == place


def test_whoever_guesses_adds_no_series(shelf) -> None:
    metrics = Metrics(shelf)

    def n_series() -> int:
        return sum(len(values) for values in samples(metrics).values())

    def guess(i: int) -> None:
        for path in (f"/pipelines/guess-{i}/predict", f"/guess-{i}", f"/pipelines/shop/guess-{i}"):
            metrics.request(path, 404, 0.001)

    guess(0)
    before = n_series()
    for i in range(1, 200):
        guess(i)
    assert n_series() == before
    assert not metrics._histograms


def test_a_pipeline_that_comes_later_has_its_own_label(shelf) -> None:
    metrics = Metrics(shelf)
    metrics.request("/pipelines/later/predict", 404, 0.001)
    shelf.models = {**shelf.models, "later": SimpleNamespace(champion=shelf.models["shop"].champion)}
    metrics.request("/pipelines/later/predict", 422, 0.001)
    counted = samples(metrics)["mlsys_server_request_seconds_count"]
    assert counted["later", "predict"] == 1
    assert counted["unknown", "predict"] == 1
