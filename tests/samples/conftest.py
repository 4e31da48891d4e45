"""A sample's maker and the spec that goes with it; a test module names its sample in `SAMPLE`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from mlsys import pipeline
from mlsys.cli.sample_makers import load_maker
from mlsys.metrics import METRICS
from mlsys.planning.plan import RunRequest
from mlsys.records import Decision, Evaluation
from mlsys.settings import Settings
from mlsys.spec import Spec, load_spec
from mlsys.workspace import open_workspace

INCLUDE = Path(__file__).parents[2] / "include"
PLAIN = ("registries=[files]", "explanations.enabled=false", "metrics.replicates=200")  # nothing here asks for more


@pytest.fixture(scope="module")
def maker(request: pytest.FixtureRequest) -> ModuleType:
    """The maker, loaded as `mlsys samples make` does."""
    return load_maker(Settings(samples=INCLUDE / "samples"), request.module.SAMPLE)


@pytest.fixture(scope="module")
def spec(request: pytest.FixtureRequest) -> Spec:
    """The spec of the pipeline that learns from the sample."""
    return load_spec(INCLUDE / "pipelines" / f"{request.module.SAMPLE}.yaml")


@dataclass(frozen=True)
class Retrained:
    """A retraining on a sample.

    Attributes:
        evaluations: of every model, with its role.
        best: candidate id of the challenger.
    """

    decision: Decision
    evaluations: tuple[Evaluation, ...]
    best: str
    report: Path

    def beats_sanity_line(self, metric: str) -> bool:
        """Whether the worse end of the challenger's 95 % interval is better than the better end of the baseline's."""
        challenger = next(each for each in self.evaluations if each.model_id == self.best).on_holdout(metric)
        baseline = next(each for each in self.evaluations if each.role == "baseline").on_holdout(metric)
        assert challenger is not None
        assert baseline is not None
        # A model that says the same of all rows has a metric of ranks without an interval.
        ends = [baseline.value if end is None else end for end in (baseline.lower, baseline.upper)]
        if METRICS.find(metric).direction == "higher":
            return bool(challenger.lower > ends[1])
        return bool(challenger.upper < ends[0])


@pytest.fixture
def retrained(
    request: pytest.FixtureRequest, home: Path, maker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Retrained]:
    """Return a function that makes the sample by its maker's arguments and retrains its pipeline.

    `models` are YAML; without them the pipeline's own are trained.
    """
    monkeypatch.setenv("MLSYS_PIPELINES", str(INCLUDE / "pipelines"))

    def retrain(*, days: int, about: date | None = None, models: str = "", **options: object) -> Retrained:
        maker.make(home / "samples", days, **options)
        overrides = (*PLAIN, f"models={models}") if models else PLAIN
        with open_workspace() as work:
            done = pipeline.run(work, RunRequest(request.module.SAMPLE, day=about, overrides=overrides))
            assert done.evaluations is not None
            assert done.version is not None
            assert done.report is not None
            listed = work.store.read_json(done.evaluations.details)["evaluations"]
            return Retrained(
                decision=done.version.decision,
                evaluations=tuple(Evaluation.load(each) for each in listed),
                best=str(done.evaluations.best),
                report=home / str(done.report.path),
            )

    return retrain
