"""The phishing pipeline as it ships, watched night by night; on 2026-03-31 the attackers change their tactics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from mlsys import pipeline
from mlsys.cli.sample_makers import load_maker, make_sample
from mlsys.monitoring.monitoring import monitor
from mlsys.planning.plan import RunRequest
from mlsys.records.monitoring import MonitorReport
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TRAINED = 22  # index of the champion's last day
QUIET = range(TRAINED + 2, 30)
CHANGED = range(30, 41)
QUICK = ("registries=[]", "models=[{kind: logistic}]", "metrics.replicates=200")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, MonitorReport]]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLSYS_HOME", str(tmp_path_factory.mktemp("monitored")))
        patched.setenv("MLSYS_DATABASE", "sqlite")
        patched.setenv("MLSYS_PIPELINES", str(ROOT / "include/pipelines"))
        patched.setenv("MLSYS_SAMPLES", str(ROOT / "include/samples"))
        with open_workspace() as work:
            maker = load_maker(work.settings, "phishing")
            days = {index: maker.FIRST_DAY + timedelta(days=index) for index in (TRAINED, *QUIET, *CHANGED)}
            assert CHANGED[0] == maker.CHANGE_DAY
            assert days[CHANGED[0]] == date(2026, 3, 31)
            make_sample(work.settings, "phishing", days=CHANGED[-1] + 1, target=work.home / "samples")
            pipeline.run(work, RunRequest("phishing", day=days.pop(TRAINED), overrides=QUICK))
            yield {index: monitor(work, "phishing", day=day) for index, day in days.items()}


def state(report: MonitorReport, kind: str) -> str:
    return next(result.state for result in report.results if result.monitor == kind)


def test_quiet_nights_raise_no_alarm(nights: dict[int, MonitorReport]) -> None:
    assert [nights[index].state for index in QUIET] == ["pass"] * len(QUIET)


def test_the_champion_s_errors_show_within_two_nights(nights: dict[int, MonitorReport]) -> None:
    assert state(nights[CHANGED[1]], "live_metric") == "alarm"
    assert all(state(nights[index], "live_metric") == "alarm" for index in CHANGED[1:])


def test_a_retraining_is_asked_for_on_the_third_night_at_the_latest_and_then_not_for_a_week(
    nights: dict[int, MonitorReport],
) -> None:
    assert not any(nights[index].asks_retraining for index in QUIET)
    asking = [index for index in CHANGED if nights[index].asks_retraining]
    assert asking[0] <= CHANGED[2]
    assert asking[1:] == [asking[0] + 7]


def test_scores_and_features_move_before_the_whole_window_is_new(nights: dict[int, MonitorReport]) -> None:
    assert state(nights[CHANGED[5]], "score_drift") == "alarm"
    assert state(nights[CHANGED[6]], "feature_drift") == "alarm"


def test_labels_that_had_not_arrived_are_not_looked_at(nights: dict[int, MonitorReport]) -> None:
    assert all(0 < report.n_labelled < report.n_rows for report in nights.values())
