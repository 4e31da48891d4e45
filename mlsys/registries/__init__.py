"""The table of registries."""

from mlsys.registries.base import Registry
from mlsys.components import Table

REGISTRIES = Table("registry", "mlsys.registries", Registry, [])
