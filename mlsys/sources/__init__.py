"""The table of sources."""

from mlsys.components import Table
from mlsys.sources.base import Source
from mlsys.sources.excel import ExcelSource
from mlsys.sources.files import FilesSource
from mlsys.sources.mongodb import MongodbSource
from mlsys.sources.sql import SqlSource

SOURCES = Table(
    "source",
    "mlsys.sources",
    Source,
    [FilesSource, ExcelSource, SqlSource, MongodbSource],
    hints={
        "csv": "files",
        "parquet": "files",
        "xlsx": "excel",
        "xls": "excel",
        "workbook": "excel",
        "sqlite": "sql",
        "postgres": "sql",
        "database": "sql",
        "mongo": "mongodb",
        "pymongo": "mongodb",
    },
)
