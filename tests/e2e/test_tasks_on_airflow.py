"""A pipeline that ships, of each learning task but the shop's, on a real Airflow.

One live retraining, its scores, a backfill of twenty days with its report, a monitor that asks for a retraining, and a
rollback: the same tour for each task. The models are fewer than in the shipped spec, or twenty days would take an hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from given.airflows import wait

from mlsys import pipeline
from mlsys.backfill.records import WalkForwardDetails
from mlsys.cli.sample_makers import load_maker, make_sample
from mlsys.monitoring.monitoring import latest
from mlsys.monitoring.scoring import predictions_of, read_predictions
from mlsys.orchestration.api.client import AirflowApi
from mlsys.planning.plan import RunRequest
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.schema import SCORE
from mlsys.serving import load_champion
from mlsys.settings import load_settings
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
FILES = ("retrain.py", "score.py", "monitor.py", "simulate.py", "rollback.py")
ENDED = ("success", "failed")
LIVE, LAST = 30, 50  # indices of days: the live retraining; the last day of data and of the backfill
PER_TASK = 20  # seconds that a task may take on a busy machine


@dataclass(frozen=True)
class Tour:
    """What is shown of a pipeline.

    Attributes:
        options: what its sample maker is asked for: a world that changes after the live retraining.
        spec: what its shipped spec has instead; two models, and a monitor that speaks up at once.
        task: what its champion has learnt.
        other: the candidate that a person promotes, to be rolled back.
        plausible: between which numbers predictions lie.
    """

    name: str
    options: dict[str, str]
    spec: dict[str, Any]
    task: str
    other: str
    plausible: tuple[float, float]


HOUSING = Tour(
    name="housing",
    options={"change_day": str(LIVE + 2)},
    spec={
        "models": ["mean", "ridge", {"kind": "xgboost", "n_estimators": 150, "max_depth": 3}],
        "metrics": {"primary": "rmse", "replicates": 200},
        "gates": [{"kind": "better_than_champion", "metric": "mse"}, {"kind": "min_rows", "rows": 200}],
        "monitors": {
            "watch": [{"kind": "live_metric", "window": "14d", "metric": "mae", "tolerance": 2000}],
            "ask_after": 1,
            "of": 1,
        },
        "registries": ["files"],
    },
    task="regression",
    other="ridge",
    plausible=(10_000, 1_000_000),
)

NEXT_BEST_ACTION = Tour(
    name="next_best_action",
    options={"change_day": str(LIVE + 2)},
    spec={
        "split": {"kind": "time", "validation_days": 4, "holdout_days": 8},
        "models": [
            "most_frequent",
            {
                "kind": "q_learning",
                "name": "all_features",
                "rates": ["country", "school"],
                "codes": ["country", "stage"],
            },
            {
                "kind": "q_learning",
                "rates": ["school"],
                "codes": ["stage"],
                "without": ["country", "days_since_first", "days_since_last", "days_between", "contact_frequency"],
            },
        ],
        "metrics": {"primary": "dr_lift", "replicates": 200},
        "monitors": {
            "watch": [{"kind": "live_metric", "window": "14d", "tolerance": 0.2}],
            "ask_after": 1,
            "of": 1,
        },
        "registries": ["files"],
    },
    task="policy",
    other="all_features",
    plausible=(0, 5),  # numbers of actions
)


@pytest.fixture(scope="module", params=[HOUSING, NEXT_BEST_ACTION], ids=lambda tour: tour.name)
def tour(request: pytest.FixtureRequest) -> Tour:
    found: Tour = request.param
    return found


@pytest.fixture(scope="module")
def home(tour: Tour, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample's days, and the shipped spec as the tour has it."""
    path = tmp_path_factory.mktemp(tour.name) / "home"
    (path / "pipelines").mkdir(parents=True)
    make_sample(load_settings(), tour.name, days=LAST + 1, target=path / "samples", options=tour.options)
    shipped = yaml.safe_load((ROOT / "include" / "pipelines" / f"{tour.name}.yaml").read_text(encoding="utf-8"))
    (path / "pipelines" / f"{tour.name}.yaml").write_text(yaml.safe_dump(shipped | tour.spec), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def day(tour: Tour) -> Callable[[int], date]:
    """Return the date of a day by its index."""
    first: date = load_maker(load_settings(), tour.name).FIRST_DAY
    return lambda index: first + timedelta(days=index)


@pytest.fixture(scope="module")
def api(tour: Tour, home: Path, start_stack: Callable[..., Any]) -> Iterator[AirflowApi]:
    with start_stack(home, *FILES) as running:
        for dag_id in (*(f"{does}_{tour.name}" for does in ("retrain", "score", "monitor")), "simulate", "rollback"):
            running.api.wait_for_dag(dag_id, seconds=240)
        yield running.api


def ended(api: AirflowApi, dag_id: str, n: int, *, within: float = 15 * PER_TASK) -> list[dict[str, Any]]:
    """Return the runs of a DAG, oldest first, once there are `n` and all have ended."""

    def all_of_them() -> list[dict[str, Any]]:
        runs = sorted(api.runs(dag_id), key=lambda run: run["queued_at"])
        return runs if len(runs) >= n and all(run["state"] in ENDED for run in runs) else []

    found: list[dict[str, Any]] = wait(all_of_them, within)
    return found


def start(api: AirflowApi, dag_id: str, **conf: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Start a run and return it when it has ended, with the states of its tasks."""
    run = api.wait_for_run(dag_id, api.trigger(dag_id, conf=conf), seconds=15 * PER_TASK)
    return run, {task["task_id"]: task["state"] for task in api.task_instances(dag_id, run["dag_run_id"])}


def test_a_live_retraining_promotes_the_first_champion(api: AirflowApi, tour: Tour, home: Path, day: Any) -> None:
    run, states = start(api, f"retrain_{tour.name}", day=str(day(LIVE)))
    assert (run["state"], set(states.values())) == ("success", {"success"})
    with open_workspace() as work:
        (decision,) = work.ledger.decisions(tour.name)
        champion = work.ledger.champion(tour.name)
    assert decision.outcome == "promote"
    assert champion is not None
    assert champion.version == "1.0.0"
    assert (champion.cutoff.date() - day(LIVE)).days == 1
    assert load_champion(tour.name, home=home).task == tour.task


def test_it_scores_the_days_that_it_has_not_seen(api: AirflowApi, tour: Tour, home: Path, day: Any) -> None:
    (scored,) = ended(api, f"score_{tour.name}", 1)
    assert (scored["state"], scored["run_type"]) == ("success", "asset_triggered")
    known = predictions_of(home, tour.name, day(LAST))
    assert known is not None
    file = known.champions[known.latest]
    assert (file.version, file.unseen) == ("1.0.0", True)
    with open_workspace() as work:
        values = read_predictions(file, work, [SCORE])[SCORE].to_pylist()
    low, high = tour.plausible
    assert len(values) == file.n_rows > 0
    assert all(low <= value <= high for value in values)


def test_a_backfill_of_twenty_days_decides_each_and_promotes_none(
    api: AirflowApi, tour: Tour, home: Path, day: Any
) -> None:
    api.backfill(f"retrain_{tour.name}", day(LAST - 19), day(LAST))
    runs = ended(api, f"retrain_{tour.name}", 21, within=20 * 8 * PER_TASK)
    assert Counter((run["run_type"], run["state"]) for run in runs) == {
        ("manual", "success"): 1,
        ("backfill", "success"): 20,
    }
    with open_workspace() as work:
        judged = Counter(decision.outcome for decision in work.ledger.decisions(tour.name))
        assert [change.version for change in work.ledger.champion_changes(tour.name)] == ["1.0.0"]
    assert judged == {"promote": 1, "historical": 20}


def test_it_ends_with_the_walk_forward_report_of_those_days(api: AirflowApi, tour: Tour, home: Path, day: Any) -> None:
    assert {run["state"] for run in ended(api, "simulate", 1)} == {"success"}
    found = WalkForwardDetails.load_json((home / "reports" / tour.name / "walk-forward.json").read_bytes())
    assert [model.day for model in found.models] == [day(index) for index in range(LAST - 19, LAST + 1)]
    assert tour.name in (home / "reports" / tour.name / "walk-forward.html").read_text(encoding="utf-8")


def test_a_world_that_has_changed_makes_a_monitor_ask_for_a_retraining(api: AirflowApi, tour: Tour, home: Path) -> None:
    run, states = start(api, f"monitor_{tour.name}")
    assert (run["state"], states) == (
        "success",
        dict.fromkeys(("monitor", "ask_retraining", "measure_versions"), "success"),
    )
    report = latest(home, tour.name)
    assert report is not None
    assert report.asks_retraining
    asked = api.wait_for_run(f"retrain_{tour.name}", f"monitor__{report.day}", seconds=15 * PER_TASK)
    assert asked["state"] == "success"


def test_a_rollback_brings_the_first_champion_back(api: AirflowApi, tour: Tour, day: Any) -> None:
    with open_workspace() as work:
        finished = pipeline.run(work, RunRequest(tour.name, day=day(LAST - 1), mode="train"))
        promote_by_hand(work, tour.name, str(finished.start.run_id), candidate=tour.other, reason="a test")
    n_scored = len(api.runs(f"score_{tour.name}"))
    run, states = start(api, "rollback", pipeline=tour.name, version="1.0.0", reason="it is far off now")
    assert (run["state"], set(states.values())) == ("success", {"success"})
    with open_workspace() as work:
        change = work.ledger.champion_changes(tour.name)[-1]
    assert (change.kind, change.version, change.reason) == ("rollback", "1.0.0", "it is far off now")
    assert ended(api, f"score_{tour.name}", n_scored + 1)[-1]["state"] == "success"
