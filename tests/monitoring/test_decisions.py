"""A policy, watched: its answers are actions, and its labels are what came of those that were taken."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from given.contacts import CHANGE, PER_DAY, make_contacts
from given.shop import day, enter

from mlsys import pipeline
from mlsys.monitoring.monitoring import monitor
from mlsys.planning.plan import RunRequest
from mlsys.records.monitoring import MonitorReport
from mlsys.workspace import open_workspace

WATCH: list[dict[str, Any]] = [
    {"kind": "live_metric", "window": "7d", "tolerance": 0.2},
    {"kind": "target_drift", "window": "7d"},
    {"kind": "score_drift", "window": "7d"},
    {"kind": "feature_drift", "window": "7d"},
    {"kind": "estimated_metric", "window": "7d"},
]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[int, MonitorReport]:
    """What was seen of the champion of day 12: the week before the world turned round, and the week after."""
    home = tmp_path_factory.mktemp("contacts") / "home"
    make_contacts(home, days=CHANGE + 7)
    path = home / "pipelines" / "contacts.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**spec, "monitors": {"watch": WATCH}}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            finished = pipeline.run(work, RunRequest("contacts", day=day(12)))
            assert finished.version is not None
            assert finished.version.decision.outcome == "promote"
            return {index: monitor(work, "contacts", day=day(index)) for index in (CHANGE - 1, CHANGE + 6)}


def states(report: MonitorReport) -> dict[str, str]:
    return {result.monitor: result.state for result in report.results}


@pytest.mark.slow
def test_a_policy_that_goes_on_as_it_was_judged_is_left_alone(nights: dict[int, MonitorReport]) -> None:
    report = nights[CHANGE - 1]
    known = dict.fromkeys(("live_metric", "target_drift", "score_drift", "feature_drift"), "pass")
    assert states(report) == {**known, "estimated_metric": "inconclusive"}
    (scores,) = (result.sentence for result in report.results if result.monitor == "score_drift")
    assert re.search(r"\(most moved '(call|mail)': \d\d\.\d% then, \d\d\.\d% now\)", scores)
    assert (report.n_rows, report.n_labelled) == (7 * PER_DAY, 7 * PER_DAY)


@pytest.mark.slow
def test_actions_that_became_wrong_are_found_by_what_came_of_the_logged_ones(nights: dict[int, MonitorReport]) -> None:
    report = nights[CHANGE + 6]
    found = states(report)
    assert (found.pop("live_metric"), report.asks_retraining) == ("alarm", True)
    assert set(found.values()) == {"pass", "inconclusive"}  # who is asked, what is chosen, how many buy: as before
    (live,) = (result for result in report.results if result.monitor == "live_metric")
    assert live.observed is not None
    assert live.observed < -1  # 10 for a sale: calls and mails the wrong way round
