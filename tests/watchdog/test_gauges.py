"""The gauges: a text that Prometheus's own parser takes, with the values of what they are made from."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from given.shop import day
from prometheus_client.parser import text_string_to_metric_families as families
from watchdog.conftest import MORNING

from mlsys.clock import cutoff_of
from mlsys.monitoring.monitoring import latest
from mlsys.monitoring.versions import measure_versions
from mlsys.promotion.by_hand import hold
from mlsys.records import MetricValue
from mlsys.records.monitoring import CheckedEstimate, WatchedSlice
from mlsys.records.versions import LabelDelay
from mlsys.settings import Settings
from mlsys.watchdog import gauges, pulse
from mlsys.watchdog.kept import kept_gauges
from mlsys.watchdog.sign import Sign
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow


def values(settings: Settings) -> dict[tuple[str, ...], float]:
    """Each value by the name of its gauge and those of its labels, in the order of `GAUGES`."""
    text = pulse.take(settings).metrics.read_text(encoding="utf-8")
    return {
        (sample.name, *(sample.labels[name] for name in gauges.GAUGES[sample.name][0])): sample.value
        for family in families(text)
        for sample in family.samples
    }


def test_the_gauges_say_what_the_ledger_says(settings: Settings) -> None:
    found = values(settings)
    with open_workspace() as work:
        champion = work.ledger.champion("shop")
        decided = work.ledger.judgements("shop", last=1)[-1]
    assert champion is not None
    assert champion.at is not None
    assert found["mlsys_pulse_timestamp_seconds",] == MORNING.timestamp()
    assert found["mlsys_champion_info", "shop", champion.version] == 1
    assert found["mlsys_champion_cutoff_timestamp_seconds", "shop"] == champion.cutoff.timestamp()
    assert found["mlsys_champion_since_timestamp_seconds", "shop"] == champion.at.timestamp()
    assert found["mlsys_data_cutoff_timestamp_seconds", "shop"] == cutoff_of(day(12)).timestamp()
    assert found["mlsys_last_decision_timestamp_seconds", "shop"] == decided.at.timestamp()
    outcomes = {key[2]: value for key, value in found.items() if key[0] == "mlsys_last_decision"}
    assert outcomes.pop(decided.decision.outcome) == 1
    assert set(outcomes.values()) == {0}
    assert found["mlsys_labelled_ratio", "shop"] == 1
    assert sum(key[0] == "mlsys_monitor_state" and value for key, value in found.items()) == 3
    assert found["mlsys_trouble", "source", "shop"] == 0


def test_versions_and_the_delay_of_labels_show_what_was_measured(settings: Settings) -> None:
    assert not any(key[0] == "mlsys_live_metric" for key in values(settings))
    with open_workspace() as work:
        measured = measure_versions(work, "shop")
    delay = LabelDelay(
        n_rows=2, n_labelled=1, ever=0.5, known=(), declared=timedelta(0), sentence="x",
        half=timedelta(hours=1), most=timedelta(hours=9),
    )  # fmt: skip
    kept = settings.root / "monitoring" / "shop" / "versions.json"
    kept.write_text(measured.model_copy(update={"delay": delay}).model_dump_json())
    found = values(settings)
    score = next(score for score in measured.served if score.values)
    value = score.value("roc_auc")
    assert value is not None
    for bound in ("value", "lower", "upper"):
        assert found["mlsys_live_metric", "shop", score.version, "roc_auc", bound] == getattr(value, bound)
    assert found["mlsys_label_delay_seconds", "shop", "0.5"] == 3600
    assert found["mlsys_label_delay_seconds", "shop", "0.95"] == 9 * 3600


def test_estimates_stand_beside_what_labels_said(settings: Settings) -> None:
    report = latest(settings.root, "shop")
    assert report is not None
    made, real = (MetricValue(name="roc_auc", value=at, lower=at - 0.01, upper=at + 0.01, n=300) for at in (0.9, 0.8))
    checks = [
        CheckedEstimate(first_day=day(1), last_day=day(7), estimated=made, real=real, outside=outside)
        for outside in (True, False)
    ]
    first = report.results[0].model_copy(update={"estimate": made, "checked": tuple(checks)})
    kept = settings.root / "monitoring" / "shop" / f"{report.day}.json"
    kept.write_text(report.model_copy(update={"results": (first,)}).model_dump_json())
    found = values(settings)
    for bound in ("value", "lower", "upper"):
        assert found["mlsys_estimated_metric", "shop", first.name, bound] == getattr(made, bound)
    assert found["mlsys_checked_estimate", "shop", first.name, "estimated"] == 0.9
    assert found["mlsys_checked_estimate", "shop", first.name, "real"] == 0.8
    assert found["mlsys_estimates_outside_ratio", "shop", first.name] == 0.5


def test_troubles_holds_and_their_ends_show(settings: Settings) -> None:
    before = values(settings)
    with open_workspace() as work:
        hold(work, "shop", reason="We move.", until=MORNING + timedelta(days=1))
    after = values(settings)
    assert (before["mlsys_held", "shop"], after["mlsys_held", "shop"]) == (0, 1)
    since = datetime.fromtimestamp(after["mlsys_held_since_timestamp_seconds", "shop"], MORNING.tzinfo)
    assert abs(since - MORNING) < timedelta(minutes=1)


def test_a_cause_has_one_value_and_a_trouble_is_never_covered(settings: Settings) -> None:
    signs = [
        Sign(cause="source", pipeline="shop", ok=ok, sentence="x", acknowledged=said)
        for ok, said in ((True, None), (False, "known"), (True, None))
    ]
    text = gauges.exposition(signs, [], at=MORNING, seconds=0.1, home=settings.root).decode()
    assert text.count('mlsys_trouble{cause="source",pipeline="shop"} 1.0') == 1
    assert 'mlsys_trouble_acknowledged{cause="source",pipeline="shop"} 1.0' in text


def test_every_gauge_has_the_form_of_its_kind() -> None:
    for name, (labels, what) in gauges.GAUGES.items():
        assert name.startswith("mlsys_")
        assert what.endswith(".")
        assert len(set(labels)) == len(labels)


def test_what_was_kept_is_read_without_a_look(settings: Settings) -> None:
    assert kept_gauges(settings.root) == b""
    found = pulse.take(settings)
    assert kept_gauges(settings.root) == found.metrics.read_bytes()


def test_slices_show_by_name_the_worst_thirty_of_a_monitor(settings: Settings) -> None:
    report = latest(settings.root, "shop")
    assert report is not None
    alarm = WatchedSlice(
        name="channel is app", state="alarm", n_rows=300, before=0.9, now=0.7, observed=0.1, limit=0.05
    )
    fine = [alarm.model_copy(update={"name": f"city is {i}", "state": "pass"}) for i in range(40)]
    few = WatchedSlice(name="city is none", state="inconclusive")
    twins = [alarm.model_copy(update={"name": f"text is {'x' * 200}{i}", "state": state}) for i, state in
             enumerate(("alarm", "pass"))]  # fmt: skip
    whole = report.results[0].model_copy(update={"slices": (alarm, *twins, few, *fine)})
    kept = settings.root / "monitoring" / "shop" / f"{report.day}.json"
    with open_workspace() as work:
        details = work.store.put_json([whole.model_dump(mode="json")])
    short = whole.model_copy(update={"slices": whole.slices[:5]})

    def shown(details: str) -> dict[tuple[str, ...], float]:
        kept.write_text(report.model_copy(update={"results": (short,), "details": details}).model_dump_json())
        return {key: value for key, value in values(settings).items() if key[0].startswith("mlsys_monitor_slice")}

    found = shown(details)
    named = {key[3]: value for key, value in found.items() if key[0] == "mlsys_monitor_slice_alarm"}
    assert (named["channel is app"], named["city is 0"], "city is none" in named) == (1, 0, False)
    assert [value for name, value in named.items() if name.startswith("text")] == [1]
    assert len(named) == 29  # of thirty two have one name
    assert found["mlsys_monitor_slice_value", "shop", whole.name, "channel is app", "before"] == 0.9
    assert found["mlsys_monitor_slice_value", "shop", whole.name, "channel is app", "now"] == 0.7
    without_details = shown("0" * 64)
    assert {key[3] for key in without_details} == {"channel is app", "city is 0", *(n for n in named if n[0] == "t")}
