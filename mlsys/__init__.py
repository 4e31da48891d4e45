"""mlsys: retraining that can be trusted with a production model.

What stands in `__all__` is the public interface: it changes with a note in the changelog alone. Each name is loaded
when it is first used, so that `import mlsys` costs nothing in a process that parses DAG files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlsys.checks.base import Check as Check
    from mlsys.errors import DataError as DataError
    from mlsys.errors import IntegrityError as IntegrityError
    from mlsys.errors import LostRaceError as LostRaceError
    from mlsys.errors import MlsysError as MlsysError
    from mlsys.errors import NotUnderstoodError as NotUnderstoodError
    from mlsys.errors import RunError as RunError
    from mlsys.errors import SpecError as SpecError
    from mlsys.errors import TransientError as TransientError
    from mlsys.errors import UsageError as UsageError
    from mlsys.features.base import Features as Features
    from mlsys.flaws.base import Flaw as Flaw
    from mlsys.gates.base import Gate as Gate
    from mlsys.metrics.base import Metric as Metric
    from mlsys.models.base import Model as Model
    from mlsys.monitors.base import Monitor as Monitor
    from mlsys.pipeline import run as run
    from mlsys.planning.plan import RunRequest as RunRequest
    from mlsys.registries.base import Registry as Registry
    from mlsys.serving import Champion as Champion
    from mlsys.serving import load_champion as load_champion
    from mlsys.sources.base import Source as Source
    from mlsys.spec import Spec as Spec
    from mlsys.spec import load_spec as load_spec
    from mlsys.splits.base import Splitter as Splitter
    from mlsys.targets.base import Target as Target
    from mlsys.workspace import Workspace as Workspace
    from mlsys.workspace import open_workspace as open_workspace

__version__ = "0.1.0"

_HOMES = {
    "mlsys.pipeline": ("run",),
    "mlsys.planning.plan": ("RunRequest",),
    "mlsys.serving": ("Champion", "load_champion"),
    "mlsys.spec": ("Spec", "load_spec"),
    "mlsys.workspace": ("Workspace", "open_workspace"),
    **{
        f"mlsys.{folder}.base": (contract,)
        for folder, contract in (
            ("sources", "Source"),
            ("checks", "Check"),
            ("splits", "Splitter"),
            ("features", "Features"),
            ("models", "Model"),
            ("metrics", "Metric"),
            ("gates", "Gate"),
            ("registries", "Registry"),
            ("monitors", "Monitor"),
            ("targets", "Target"),
            ("flaws", "Flaw"),
        )
    },
    "mlsys.errors": (
        "MlsysError",
        "UsageError",
        "SpecError",
        "DataError",
        "TransientError",
        "RunError",
        "IntegrityError",
        "NotUnderstoodError",
        "LostRaceError",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604 - texts, gathered


def __getattr__(name: str) -> Any:
    """Load a public name."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mlsys' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
