"""Simulated days of a walk-forward whose scores are drawn: no data, no models, and a truth that is known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from given import records_samples, small_world

from mlsys.backfill.days import SimulatedDay, Simulation
from mlsys.spec import Spec

FIRST = date(2026, 3, 1)


def nth_day(n: int) -> date:
    """Return a day of the simulation, counted from 0."""
    return FIRST + timedelta(days=n)


def drawn_days(n_days: int, *, seed: int) -> Simulation:
    """Return a simulation with one model a day; whoever uses it draws what they score."""
    spec = Spec.model_validate({**small_world.SPEC, "metrics": {"replicates": 200}})
    spec = spec.model_copy(update={"training": spec.training.model_copy(update={"seed": seed})})
    rest: Any = None
    models = tuple(
        SimulatedDay(
            records_samples.prepared(records_samples.plan().model_copy(update={"day": nth_day(n)})), rest, rest, ""
        )
        for n in range(n_days)
    )
    return Simulation("world", nth_day(0), nth_day(n_days - 1), spec, "", models, {}, ())
