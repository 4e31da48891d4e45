"""Components of other packages: which are there, and which can't be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlsys.checks import CHECKS
from mlsys.components import Table
from mlsys.features import FEATURES
from mlsys.flaws import FLAWS
from mlsys.gates import GATES
from mlsys.metrics import METRICS
from mlsys.models import MODELS
from mlsys.monitors import MONITORS
from mlsys.registries import REGISTRIES
from mlsys.sources import SOURCES
from mlsys.splits import SPLITS
from mlsys.targets import TARGETS
from mlsys.upkeep.diagnosis import Diagnosis

TABLES: tuple[Table[Any], ...] = (
    SOURCES,
    CHECKS,
    SPLITS,
    FEATURES,
    MODELS,
    METRICS,
    GATES,
    REGISTRIES,
    MONITORS,
    TARGETS,
    FLAWS,
)


def plug_ins() -> Iterator[Diagnosis]:
    """Yield what can be used as one finding, and each component that can't as another; nothing where there are none."""
    usable: list[str] = []
    for table in TABLES:
        found, faults = table.outside()
        usable += [f"{table.noun} {name}" for name in found]
        yield from (Diagnosis("plug-ins", ok=False, sentence=f"{fault}.") for fault in faults)
    if usable:
        yield Diagnosis("plug-ins", ok=True, sentence=f"other packages bring: {', '.join(usable)}")
