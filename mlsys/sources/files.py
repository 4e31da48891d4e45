"""Rows of CSV or Parquet files that match a pattern, one drop a day or all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.csv_file import CsvFile, Dialect
from mlsys.sources.reading.file_drops import FileDrops
from mlsys.sources.reading.parquet_file import ParquetFile

_PARQUET_ENDINGS = (".parquet", ".pq")


class FilesSource(FileDrops):
    """Files found by a pattern. Compression is seen from their first bytes, a byte order mark is heeded.

    Attributes:
        format: `auto` goes by a file's ending.
        encoding, separator, quote: of CSV files; `separator: auto` looks at the header line for , ; | or a tab. With
            `quote: none` a quotation mark is a character like any other, as in files of programs that quote nothing.
        header: column names of CSV files that have no header line.
    """

    kind: Literal["files"] = "files"
    format: Literal["csv", "parquet", "auto"] = "auto"
    encoding: str = "utf-8"
    separator: str = Field(default=",", pattern=r"^([^\r\n]|auto)$")
    quote: str = Field(default='"', pattern=r"^([^\r\n]|none)$")
    header: tuple[str, ...] | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"no encoding '{value}'; for example utf-8, utf-16, latin-1") from None
        return value

    @model_validator(mode="after")
    def _two_characters(self) -> FilesSource:
        if self.separator == self.quote:
            raise ValueError(
                f"{self.quote!r} can't be both `separator` and `quote`; a file without quotes has `quote: none`"
            )
        return self

    def opened(self, path: Path, columns: Mapping[str, ColumnSpec]) -> CsvFile | ParquetFile:  # noqa: ARG002
        """Return one file; its columns are typed when they are conformed."""
        chosen = self.format
        if chosen == "auto":
            chosen = "parquet" if path.suffix.lower() in _PARQUET_ENDINGS else "csv"
        if chosen == "parquet":
            return ParquetFile(path)
        quote = None if self.quote == "none" else self.quote
        return CsvFile(path, Dialect(self.encoding, self.separator, quote, self.header))
