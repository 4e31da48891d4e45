"""What is still needed of the store: from the ledger's rows over manifests to segments, whatever names a file keeps it.

A row or a JSON file names a file of the store by its SHA-256, and a partition by its fingerprint; the notes beside the
segments say which segments hold it. Nothing here knows the fields of a record: what looks like a digest is followed,
so that a record which learns to name another file keeps that one too.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mlsys.errors import IntegrityError
from mlsys.ledger import Entry, Ledger
from mlsys.records import Candidate
from mlsys.store import Store

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_OF_RUNS = frozenset({"requests", "runs", "candidates", "evaluations", "decisions"})


@dataclass
class Roots:
    """Digests that ledger rows name.

    Attributes:
        followed: needed with all that they name in their turn.
        alone: needed themselves: the small records of old runs.
        models: of all candidates, needed or not.
    """

    followed: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    def take(self, other: Roots) -> None:
        """Add another pipeline's."""
        self.followed |= other.followed
        self.alone |= other.alone
        self.models |= other.models


def roots(ledger: Ledger, *, since: datetime) -> Roots:
    """Return what the rows of all pipelines need: runs of which anything was written at or after `since`, runs of
    models that ever served, the newest version of every partition, and any row of a kind that is no run's."""
    found = Roots()
    for name in ledger.pipelines(tables_too=True):
        found.take(_roots(ledger.entries(name), since))
    return found


def needed(found: Roots, naming: Iterable[Path], store: Store) -> set[str]:
    """Return the digests of all files that roots and the JSON files `naming` need, whether they are there or not."""
    pending = set(found.followed)
    for path in naming:
        pending |= digests(path.read_bytes())
    segments = _segments(store)
    reached: set[str] = set()
    while pending:
        digest = pending.pop()
        if digest in reached:
            continue
        reached.add(digest)
        pending |= segments.get(digest, set())
        pending |= digests(_json_of(store, digest))
    return reached | found.alone


def notes(store: Store) -> Iterator[tuple[str, Path]]:
    """Yield each segment that has a note on where its partitions begin, with the note."""
    for path in store.root.glob("segments/*/*.json"):
        yield path.stem, path


def digests(data: bytes) -> set[str]:
    """Return what looks like a SHA-256 in a text."""
    return {match.decode() for match in _DIGEST.findall(data)}


def _roots(entries: Sequence[Entry], since: datetime) -> Roots:
    # Runs with the same training key share their candidates, and often the decision: they stay or go together.
    keys = {e.columns["run_id"]: e.columns["training_key"] for e in entries if e.table == "runs"}
    changes = [json.loads(entry.record) for entry in entries if entry.table == "champion_changes"]
    served = {change["candidate_id"] for change in changes}
    # With the judged twins of refitted ones, which are compared in their place.
    served |= {name.removesuffix(Candidate.refitted("")) for name in served}
    promoted = {keys.get(change["run_id"]) for change in changes}
    young = {keys.get(e.columns["run_id"]) for e in entries if e.table in _OF_RUNS and e.at >= since}
    newest = _newest_partitions(entries)
    found = Roots()
    for entry in entries:
        names = digests(entry.record.encode())
        key = keys.get(entry.columns["run_id"]) if entry.table in _OF_RUNS else None
        if entry.table == "candidates":
            found.models |= names
        if entry.table == "partitions":
            kept = entry.seq in newest
        elif entry.table not in _OF_RUNS:
            kept = True
        elif key is None:  # a request that became no run
            kept = entry.at >= since
        elif entry.table == "candidates" and key not in young:
            kept = entry.columns["candidate_id"] in served
        else:
            kept = key in young or key in promoted
        if kept:
            found.followed |= names
        elif entry.table == "runs":
            found.alone |= _small_records(entry)
    return found


def _newest_partitions(entries: Sequence[Entry]) -> set[int]:
    """Return the rows of the newest version of each partition: runs to come build on them, of whatever layout."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if entry.table == "partitions":
            place = (entry.columns["layout"], entry.columns["day"])
            if place not in newest or newest[place].columns["version"] < entry.columns["version"]:
                newest[place] = entry
    return {entry.seq for entry in newest.values()}


def _small_records(entry: Entry) -> set[str]:
    """Return what stays of an old run: its spec, environment, and the records of its checks, split and version."""
    record = json.loads(entry.record)
    plan = record.get("plan") or {}
    return {*record.get("parts", {}).values(), *([plan["spec"]] if "spec" in plan else [])}


def _segments(store: Store) -> Mapping[str, set[str]]:
    """Return the segments that hold each partition, by its fingerprint."""
    found: dict[str, set[str]] = defaultdict(set)
    for segment, path in notes(store):
        for fingerprint in json.loads(path.read_bytes()):
            found[fingerprint].add(segment)
    return found


def _json_of(store: Store, digest: str) -> bytes:
    try:
        path = store.path(digest)
    except IntegrityError:  # not a file's digest, or a file that is gone
        return b""
    with path.open("rb") as file:
        first = file.read(1)
        return first + file.read() if first in (b"{", b"[") else b""
