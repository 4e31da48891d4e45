"""A sample's maker and the spec that goes with it; a test module names its sample in `SAMPLE`."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from mlsys.cli.sample_makers import load_maker
from mlsys.settings import Settings
from mlsys.spec import Spec, load_spec

INCLUDE = Path(__file__).parents[2] / "include"


@pytest.fixture(scope="module")
def maker(request: pytest.FixtureRequest) -> ModuleType:
    """The maker, loaded as `mlsys samples make` does."""
    return load_maker(Settings(samples=INCLUDE / "samples"), request.module.SAMPLE)


@pytest.fixture(scope="module")
def spec(request: pytest.FixtureRequest) -> Spec:
    """The spec of the pipeline that learns from the sample."""
    return load_spec(INCLUDE / "pipelines" / f"{request.module.SAMPLE}.yaml")
