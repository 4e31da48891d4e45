"""A collection of MongoDB that a draft is made from: its fields by path, as columns of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlsys.drafting.given import Block, one_of, portable, refuse_password
from mlsys.drafting.questions import Answerer
from mlsys.errors import UsageError, near_match
from mlsys.schema import ColumnSpec
from mlsys.settings import expand
from mlsys.sources.reading.documents import document_batch, paths_of
from mlsys.sources.reading.mongo_collection import collection_names, opened

if TYPE_CHECKING:
    import pyarrow as pa

_SCHEMES = ("mongodb://", "mongodb+srv://")
_LOOKED_AT = 1_000  # documents whose fields are the columns
_AT_ONCE = 5_000


class CollectionGiven:
    """The documents of a collection; a field inside another one is a column named by its path."""

    dated = False
    typed = False  # a field may hold values of any type: they are read as the texts that a CSV file would hold

    def __init__(self, url: str, database: str, collection: str, *, names: Mapping[str, str] | None = None) -> None:
        self._url, self._place = url, (database, collection)
        self._n_broken, self.broken_example = 0, ""
        with opened(expand(url), *map(expand, self._place)) as found:
            self.spoken = found.origin
            documents = found.whole(_LOOKED_AT)
        paths = _columns(Counter(path for document in documents for path in paths_of(document)))
        called = {path: name for name, path in (names or {}).items()}
        taken = Counter(called.get(path, path.replace(".", "_")) for path in paths)
        self.left_out = {name: "two fields would have this name" for name, n in taken.items() if n > 1}
        self._paths = {called.get(path, path.replace(".", "_")): path for path in paths}

    def names(self) -> list[str]:
        """Return the columns that can be read."""
        return [name for name in self._paths if name not in self.left_out]

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all documents; one with a list or a document where a value should be counts as broken."""
        columns = {name: ColumnSpec(type="text") for name in names}
        paths = {name: self._paths[name] for name in names}
        self._n_broken, self.broken_example = 0, ""
        with opened(expand(self._url), *map(expand, self._place), batch_size=_AT_ONCE) as found:
            documents = found.documents({}, list(paths.values()))
            while chunk := list(islice(documents, _AT_ONCE)):
                batch, faults = document_batch(chunk, columns, paths)
                faulty = {row: fault for rows in faults.values() for row, fault in rows.items()}
                self._n_broken += len(faulty)
                self.broken_example = self.broken_example or (faulty[min(faulty)] if faulty else "")
                yield batch

    def broken(self) -> int:
        """Return how many documents have a field that is no value."""
        return self._n_broken

    def days(self) -> dict[date, int]:
        """Return nothing: the days of documents stand in a field."""
        return {}

    def block(self) -> Block:
        """Return the keys that read this collection."""
        found: Block = {"kind": ("mongodb", ""), "url": (portable(self._url), "")}
        found |= {key: (value, "") for key, value in zip(("database", "collection"), self._place, strict=True)}
        inner = {name: path for name, path in self._paths.items() if name != path and name not in self.left_out}
        if inner:
            found["fields"] = (inner, "")
        return found


def _columns(n_documents: Counter[str]) -> list[str]:
    """Return the paths that are columns: of a field and what stands inside it in other documents, the more frequent."""

    def inside(path: str) -> list[str]:
        return [other for other in n_documents if other.startswith(f"{path}.")]

    rarer: set[str] = set()
    for path, n in n_documents.items():
        within = inside(path)
        if within:
            rarer |= {path} if n < max(n_documents[other] for other in within) else set(within)
    return [path for path in n_documents if path not in rarer]


def collection_given(place: str, table: str | None, ask: Answerer) -> CollectionGiven | None:
    """Return the collection of a MongoDB URL whose path is the database, or None where the place is no such URL.

    Raises:
        UsageError: no database in the URL, a password; several collections and nobody says which; no library.
        DataError, TransientError: it can't be reached or read.
    """
    if not place.startswith(_SCHEMES):
        return None
    refuse_password(place)
    database = urlsplit(place).path.strip("/")
    if not database:
        remedy = "Write it behind the host: mongodb://host:27017/DATABASE"
        raise UsageError("The URL names no database", where="--from", got=place, remedy=remedy)
    known = collection_names(expand(place), expand(database))
    if table is None:
        table = one_of(known, place, ask, what="collection")
    elif table not in known:
        raise UsageError(f"There is no collection '{table}'. {near_match(table, known)}", where=place)
    return CollectionGiven(place, database, table)
