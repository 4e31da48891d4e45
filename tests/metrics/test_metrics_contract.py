from __future__ import annotations

import pytest

from mlsys.metrics import METRICS
from mlsys.metrics.base import Metric
from mlsys.testing.metrics import MetricContract


class TestEveryMetric(MetricContract):
    @pytest.fixture(params=METRICS.names())
    def metric(self, request: pytest.FixtureRequest) -> Metric:
        return METRICS.parse(request.param)
