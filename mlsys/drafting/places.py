"""What a path, a pattern or a URL names: one entry for each kind of table that a draft is made from."""

from __future__ import annotations

from collections.abc import Callable

from mlsys.drafting.given import Given, TableGiven, database_given, files_given
from mlsys.drafting.given_collection import CollectionGiven, collection_given
from mlsys.drafting.given_workbooks import WorkbooksGiven, workbooks_given
from mlsys.drafting.questions import Answerer
from mlsys.errors import UsageError
from mlsys.settings import expand
from mlsys.sources.base import Source
from mlsys.sources.excel import ExcelSource
from mlsys.sources.files import FilesSource
from mlsys.sources.mongodb import MongodbSource
from mlsys.sources.sql import SqlSource

Recognise = Callable[[str, "str | None", Answerer], "Given | None"]
_KINDS: tuple[Recognise, ...] = (collection_given, database_given, workbooks_given)  # else files of text or Parquet


def given(place: str, *, table: str | None, ask: Answerer) -> Given:
    """Return what a path, a pattern or a URL names.

    Raises:
        DataError: nothing is there, or it holds nothing.
        UsageError: it is of no kind that can be read, or the table is not said.
    """
    for kind in _KINDS:
        found = kind(place, table, ask)
        if found is not None:
            return found
    return files_given(place)


def given_by(source: Source) -> Given:
    """Return what the source of a spec holds.

    Raises:
        UsageError: it is of a kind that no draft is made from.
    """
    if isinstance(source, SqlSource):
        params = {name: expand(value) if isinstance(value, str) else value for name, value in source.params.items()}
        return TableGiven(source.url, source.table or "", query=source.query, params=params)
    if isinstance(source, MongodbSource) and not source.filter:
        return CollectionGiven(source.url, source.database, source.collection, names=source.fields)
    found: Given | None = None
    if isinstance(source, ExcelSource):
        found = WorkbooksGiven.at(source.path, source.sheet, source.header_row)
    elif isinstance(source, FilesSource):
        found = files_given(source.path)
    if found is not None:
        return found
    raise UsageError(f"No draft is made from a source of kind '{source.kind}'", remedy="Edit the spec by hand")
