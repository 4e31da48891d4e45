"""The table of sources."""

from mlsys.sources.base import Source
from mlsys.components import Table

SOURCES = Table("source", "mlsys.sources", Source, [])
