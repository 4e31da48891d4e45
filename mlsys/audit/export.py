"""`mlsys audit`: one file with all that a model-risk reviewer or an auditor asks for, and a verifier in it.

Members are written one after the other and never held together, so that ten thousand decisions need no more memory
than one; only their table is kept. The same content gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from mlsys import clock
from mlsys.audit import pages, verify
from mlsys.errors import IntegrityError, UsageError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange
from mlsys.ledger.anchors import newest_before, streamed
from mlsys.records import ChainAnchor
from mlsys.shortages import in_words
from mlsys.store import settle, sha256_of
from mlsys.temporary import remove_abandoned, temporary_file
from mlsys.upkeep.anchored import anchors
from mlsys.workspace import Workspace

log = get_logger(__name__)

_LEVEL = 6
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can name
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        sha256: of the file: kept apart from it, it says that nothing in it was changed since.
        head: the newest row of the chain in it.
        n_anchors: rows that are remembered outside the ledger and were held against the chain.
        missing: what the export should have and has not, in words.
        right, wrong: what its own verifier says of it; `wrong` names what does not fit in the ledger itself.
    """

    path: Path
    sha256: str
    n_bytes: int
    head: ChainAnchor
    n_decisions: int
    n_versions: int
    n_reports: int
    n_anchors: int
    missing: tuple[str, ...]
    right: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass
class _Archive:
    """A zip file that is being written, with what the manifest will say of it."""

    zipped: zipfile.ZipFile
    written: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write a member, piece by piece."""
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
        digest, size = hashlib.sha256(), 0
        with self.zipped.open(info, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.written[name] = (digest.hexdigest(), size)


def audit(work: Workspace, pipeline: str, *, out: Path, first: date | None = None, last: date | None = None) -> Export:
    """Export what was decided about a pipeline on the UTC days `first` to `last`; by default from the beginning to now.

    Raises:
        UsageError: the file exists already, there is nothing to export, or `first` lies after `last`.
        RunError: the disk is full or not writable.
    """
    if first and last and first > last:
        raise UsageError("The first day lies after the last one", where="--from", got=f"{first} to {last}")
    head = newest_before(work.ledger, pipeline, clock.cutoff_of(last) if last else None)
    if not head.seq:
        raise UsageError("The ledger has nothing about this pipeline in that time", got=pipeline)
    with _new_file(out) as temporary:
        with temporary.open("wb") as file, zipfile.ZipFile(file, "w", compresslevel=_LEVEL) as zipped:
            found = _write(work, pipeline, _Archive(zipped), head=head, span=(first, last))
        right, wrong = verify.verify(temporary)
        size, digest = temporary.stat().st_size, sha256_of(temporary)
        _publish(temporary, out)
    log.info("audited", pipeline=pipeline, path=out, n_bytes=size, sha256=digest, wrong=len(wrong))
    return Export(out, digest, size, head, *found, right=tuple(right), wrong=tuple(wrong))


@contextmanager
def _new_file(out: Path) -> Iterator[Path]:
    """Give a file beside `out`, which must not exist; what a killed export left there goes."""
    if out.exists():
        raise UsageError(
            "The file exists already, and an export is never written over",
            where="--out",
            got=str(out),
            remedy="Choose another name",
        )
    with in_words(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned([out.parent])
        with temporary_file(out.parent) as temporary:
            yield temporary


def _publish(temporary: Path, out: Path) -> None:
    """Give the finished file its name as well; one that somebody has made meanwhile stays."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    try:
        os.link(temporary, out)  # fails where a rename would replace
    except FileExistsError:
        raise UsageError("The file was made by somebody else meanwhile", where="--out", got=str(out)) from None
    except OSError:  # a file system without links
        settle(temporary, out)


def _write(
    work: Workspace, pipeline: str, archive: _Archive, *, head: ChainAnchor, span: tuple[date | None, date | None]
) -> tuple[int, int, int, int, tuple[str, ...]]:
    """Write all members; return how many decisions, versions, reports and anchors there are, and what is missing."""
    days = {"pipeline": pipeline, "from": _text(span[0]), "to": _text(span[1])}
    table, changes = verify.DecisionTable(days), _Changes()
    archive.add(verify.RANGE, [_json(days)])
    archive.add(verify.CHAIN, _chain(work, pipeline, head, table, changes))
    known = [anchor for anchor in anchors(work, pipeline) if anchor.seq <= head.seq]
    archive.add(verify.ANCHORS, [_json([anchor.dump() for anchor in known])])
    archive.add(verify.DECISIONS, table.csv())
    runs = list(dict.fromkeys(str(row["run"]) for row in table.rows()))
    missing = [*_specs(work, archive, runs)]
    reports = _reports(work, archive, pipeline, runs)
    missing += [f"the report card of run {run}" for run in runs if run not in reports]
    served = changes.within(table.first, table.last)
    for change, until in served:
        try:
            page = pages.model_card(work, change, until=until)
            archive.add(f"versions/{_name_of(change)}.html", [page.encode()])
        except IntegrityError as error:
            missing.append(f"the model card of version {change.version}: {error}")
    rows = table.rows()
    index = pages.index(
        days, head=head, table=table, reports=reports, served=[(c, u, _name_of(c)) for c, u in served],
        anchors=known, missing=missing,
    )  # fmt: skip
    archive.add("index.html", [index.encode()])
    archive.add("verify.py", [Path(verify.__file__).read_bytes()])
    manifest = verify.manifest_of(archive.written)
    archive.add(verify.MANIFEST, [manifest])
    return len(rows), len(served), len(reports), len(known), tuple(missing)


@dataclass
class _Changes:
    """The changes of champions that went by in the chain."""

    seen: list[ChampionChange] = field(default_factory=list)

    def within(self, first: str, last: str) -> list[tuple[ChampionChange, datetime | None]]:
        """Return those whose term reaches into a range of days, each with when it ended, or None."""
        found = []
        for place, change in enumerate(self.seen):
            after = self.seen[place + 1] if place + 1 < len(self.seen) else None
            until = after.at if after else None
            began = change.at.isoformat() if change.at else ""
            if began[:10] <= last and (until is None or until.isoformat()[:10] >= first):
                found.append((change, until))
        return found


def _chain(
    work: Workspace, pipeline: str, head: ChainAnchor, table: verify.DecisionTable, changes: _Changes
) -> Iterator[bytes]:
    for entry in streamed(work.ledger, pipeline, upto=head.seq):
        row = dict(entry.columns)
        table.take(entry.table, row)
        if entry.table == "champion_changes":
            changes.seen.append(ChampionChange.load({**json.loads(entry.record), "at": row["at"]}))
        yield verify.line_of(entry.table, row)


def _specs(work: Workspace, archive: _Archive, runs: Sequence[str]) -> Iterator[str]:
    """Write the specs of runs, each once, and yield in words which are gone."""
    done: set[str] = set()
    for run in runs:
        digest = work.ledger.plan(run).spec
        if digest in done:
            continue
        done.add(digest)
        try:
            archive.add(f"specs/{digest}.json", [work.store.read_bytes(digest)])
        except IntegrityError as error:
            yield f"the spec of run {run}: {error}"


def _reports(work: Workspace, archive: _Archive, pipeline: str, runs: Sequence[str]) -> set[str]:
    """Write the report cards of runs as they lie there, and return the runs that have one."""
    found = set()
    for run in runs:
        path = work.home / "reports" / pipeline / f"{run}.html"
        if path.is_file():
            archive.add(f"reports/{run}.html", _pieces(path))
            found.add(run)
    return found


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _name_of(change: ChampionChange) -> str:
    """Return the name of a model card: a version that served twice has one for each time."""
    return f"{change.generation:04d}-v{change.version}"


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
