"""The table of registries."""

from mlsys.components import Table
from mlsys.registries.base import Registry
from mlsys.registries.files import FileRegistry
from mlsys.registries.mlflow_registry import MlflowRegistry

REGISTRIES = Table(
    "registry",
    "mlsys.registries",
    Registry,
    [MlflowRegistry, FileRegistry],
    hints={"file": "files", "folder": "files", "filesystem": "files", "local": "files"},
)
