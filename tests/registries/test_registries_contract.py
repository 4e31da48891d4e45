from __future__ import annotations

import pytest

from mlsys.registries import REGISTRIES
from mlsys.registries.base import Registry
from mlsys.testing.registries import RegistryContract


class TestEveryRegistry(RegistryContract):
    @pytest.fixture(params=list(REGISTRIES), ids=lambda member: member.__name__)
    def registry(self, request: pytest.FixtureRequest) -> Registry:
        return request.param()
