"""The table of sources."""

from mlsys.components import Table
from mlsys.sources.base import Source
from mlsys.sources.files import FilesSource
from mlsys.sources.sql import SqlSource

SOURCES = Table(
    "source",
    "mlsys.sources",
    Source,
    [FilesSource, SqlSource],
    hints={"csv": "files", "parquet": "files", "sqlite": "sql", "postgres": "sql", "database": "sql"},
)
