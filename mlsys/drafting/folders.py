"""A folder of table files: which of them to read, and what their places say, as clusters write `day=2026-03-09/`."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mlsys.errors import DataError, UsageError
from mlsys.sources.reading.file_drops import HALF_WRITTEN

CSV_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zst", ".tsv.gz", ".tab")
PARQUET_ENDINGS = (".parquet", ".pq")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_PARTITION = re.compile(r"([^=/]+)=[^/]*")
_IN_FOLDERS = (
    r"[^=/]+=(\d{4}-\d{2}-\d{2})/",
    r"[^=/]+=(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})/",
    r"year=(?P<year>\d{4})/month=(?P<month>\d{1,2})/day=(?P<day>\d{1,2})/",
)
_IN_NAMES = (
    (r"(\d{4}-\d{2}-\d{2})", r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)"),
    (
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?<!\d)((?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)",
    ),
    (
        r"(?P<year>\d{4})[/_](?P<month>\d{2})[/_](?P<day>\d{2})",
        r"(?<!\d)((?:19|20)\d{2}[/_](?:0[1-9]|1[0-2])[/_](?:0[1-9]|[12]\d|3[01]))(?!\d)",
    ),
)
# Tables that keep files which no longer count, by what lies beside these.
_LOGS = (("Delta", "_delta_log"), ("Iceberg", "metadata/*.metadata.json"), ("Hudi", ".hoodie"))


def pattern_of(folder: Path) -> str:
    """Return a pattern for the table files of a folder, else of those below it: those of its most frequent ending.

    Raises:
        DataError: there are none.
        UsageError: it is a table whose own log says which files count.
    """
    _refuse_logs(folder)
    endings = (*CSV_ENDINGS, *PARQUET_ENDINGS)
    for below in ("*", "**/*"):
        files = glob.glob(f"{glob.escape(str(folder))}/{below}", recursive=True)  # noqa: PTH207
        paths = [Path(name) for name in files if name.lower().endswith(endings)]
        seen = Counter(_ending(path) for path in paths if path.is_file() and not _half_written(path, folder))
        if seen:
            return f"{glob.escape(str(folder))}/{below}{seen.most_common(1)[0][0]}"
    rule = "The folder has no table files, nor has one below it"
    raise DataError(rule, where=str(folder), remedy=f"Known endings: {', '.join(endings)}")


def _ending(path: Path) -> str:
    return "".join(path.suffixes[-2:]) if path.suffix.lower() in _COMPRESSED else path.suffix


def _half_written(path: Path, folder: Path) -> bool:
    return not HALF_WRITTEN.isdisjoint(path.relative_to(folder).parts)


def _refuse_logs(folder: Path) -> None:
    for name, mark in _LOGS:
        if any(folder.glob(mark)):
            raise UsageError(
                f"The folder is a table of {name}, and its log says which of its files still count",
                where=str(folder),
                remedy="Read it with its own library and write it as Parquet, or give a database that reads it",
            )


def day_pattern(names: Sequence[str]) -> str | None:
    """Return a `day_pattern` where each of several files has another day in its name, or folders are of days, or None.

    A name is a path below the fixed part of the files' pattern, as the source sees it.
    Several files may lie in the folder of a day; a day that names of files repeat may be something else.
    """
    if len(names) < 2:
        return None
    for pattern in _IN_FOLDERS:
        found = [re.search(pattern, name) for name in names]
        if all(found) and len({match[0] for match in found if match}) > 1:
            return pattern
    for pattern, looks in _IN_NAMES:
        found = [re.search(looks, name) for name in names]
        if all(found) and len({match[1] for match in found if match}) == len(names):
            return pattern
    return None


def of_partitions(names: Sequence[str], day_pattern: str | None) -> dict[str, str]:
    """Return the columns that stand in names of folders, as `region=eu`, each with why it is not read."""
    found: dict[str, str] = {}
    for name in names:
        day = re.search(day_pattern, name) if day_pattern else None
        for part in Path(name).parts[:-1]:
            match = _PARTITION.fullmatch(part)
            if match is not None and match[1] not in found:
                of_day = day is not None and f"{part}/" in day[0]
                said = "source.day_pattern reads the day" if of_day else "it stands in names of folders alone"
                found[match[1]] = f"{said} ({part})"
    return found
