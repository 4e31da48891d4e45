"""Every flaw of the table keeps the contract: quiet on honest rows, found where it is planted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mlsys.flaws import FLAWS
from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Inspected
from mlsys.testing.flaws import FlawContract, frame
from mlsys.testing.planted import PLANTED, Honest


def _honest(*, numbers: bool, n_rows: int = 2000) -> Honest:
    columns, signal = frame(n_rows)
    noisy = signal + np.random.default_rng(5).normal(0, 1, n_rows)
    if numbers:
        return Honest(columns, noisy, scores=signal)
    return Honest(columns, (noisy > 0).astype(np.int64), ("no", "yes"), scores=1 / (1 + np.exp(-signal)))


def test_every_flaw_is_planted() -> None:
    assert sorted({kind for kind, _ in PLANTED.values()}) == FLAWS.names()


class TestEveryFlaw(FlawContract):
    @pytest.fixture(params=FLAWS.names())
    def flaw(self, request: pytest.FixtureRequest) -> Flaw:
        return FLAWS.parse(request.param)

    @pytest.fixture
    def flawed(self, flaw: Flaw) -> Sequence[Inspected]:
        plants = [plant for kind, plant in PLANTED.values() if kind == flaw.kind]
        sets = [_honest(numbers=False), _honest(numbers=True)]
        return [plant(honest, np.random.default_rng(7)) for plant in plants for honest in sets]


def test_what_is_critical_by_itself() -> None:
    critical = {kind for kind, flaw in FLAWS.built_in().items() if flaw.usual == "critical"}
    assert critical == {"leaking_column", "telling_gap", "late_column", "linear_target", "flipped_labels"}
