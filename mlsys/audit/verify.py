"""Checks a file that `mlsys audit` made. It needs Python 3.9 or newer and nothing else.

    python verify.py EXPORT.zip        or, where the file was unpacked:  python verify.py FOLDER

What is checked: the members are those of the manifest, byte for byte; the chain is whole from its first row on; every
anchor names a row of it; the table of decisions says what the chain says; specs are those that the chain names by
their SHA-256; reports and model cards carry rows of this chain. The exit code is 0 when all of it holds, else 1.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple  # noqa: UP035 - Python 3.9 builds aliases with them

GENESIS = "0" * 64
MANIFEST, CHAIN, ANCHORS, DECISIONS, RANGE = (
    "manifest.json", "chain.jsonl", "anchors.json", "decisions.csv", "range.json"
)  # fmt: skip
COLUMNS = (
    *("row", "decided_at", "run", "day", "mode", "outcome", "reason", "sentence", "challenger", "champion"),
    *("envelope", "answer", "answered_by", "answer_reason", "version", "serves_since", "kind", "who", "why"),
)
_ANCHORED = re.compile(rb'<meta name="mlsys-anchor" content="([0-9]+):([0-9a-f]{64})">')
_CHUNK = 1 << 20
ChainRow = Dict[str, Any]  # noqa: UP006 - evaluated by Python 3.9


class Members:
    """The members of an export, in a zip file or in the folder that it was unpacked into."""

    def __init__(self, place: Path) -> None:
        self.folder = place if place.is_dir() else None
        self.archive = None if self.folder else zipfile.ZipFile(place)

    def __enter__(self) -> Members:
        """Give the members."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archive."""
        if self.archive is not None:
            self.archive.close()

    def names(self) -> list[str]:
        """Return the names of all members, sorted; a name that stands twice in the archive stands twice."""
        if self.archive is not None:
            return sorted(self.archive.namelist())
        assert self.folder is not None
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())

    def open(self, name: str) -> BinaryIO:
        """Open a member for reading."""
        if self.archive is not None:
            return self.archive.open(name)  # type: ignore[return-value]
        assert self.folder is not None
        return (self.folder / name).open("rb")

    def read(self, name: str) -> bytes:
        """Return all bytes of a member."""
        with self.open(name) as file:
            return file.read()


def verify(place: Path) -> tuple[list[str], list[str]]:
    """Return what was found right and what was found wrong, in words; an empty second list is a whole export."""
    right: list[str] = []
    wrong: list[str] = []
    try:
        with Members(place) as members:
            wrong += _against_manifest(members, right)
            hashes = _Chain(members)
            wrong += hashes.wrong
            right.append(f"chain: {len(hashes.hashes)} rows, whole from the first one on")
            for check in (_anchors, _decisions, _named_by_digest, _pages):
                wrong += check(members, hashes, right)
    except Exception as error:  # noqa: BLE001 - a changed byte may break a decompressor in any way
        wrong.append(f"it can't be read to its end: {type(error).__name__}: {error}")
    return right, wrong


def manifest_of(members: dict[str, tuple[str, int]]) -> bytes:
    """Return the manifest of members, each with its SHA-256 and its number of bytes."""
    listed = {name: {"n_bytes": size, "sha256": digest} for name, (digest, size) in members.items()}
    return (json.dumps({"format": 1, "members": listed}, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def digest_of(file: BinaryIO) -> tuple[str, int]:
    """Return the SHA-256 of what is left in a file, and its number of bytes."""
    digest, size = hashlib.sha256(), 0
    while True:
        chunk = file.read(_CHUNK)
        if not chunk:
            return digest.hexdigest(), size
        digest.update(chunk)
        size += len(chunk)


def row_hash(table: str, row: ChainRow) -> str:
    """Return the hash of a row: the SHA-256 of its table and all its columns but the hash, as canonical JSON."""
    covered = {key: value for key, value in row.items() if key != "hash"}
    return hashlib.sha256(_canonical([table, covered])).hexdigest()


def line_of(table: str, row: ChainRow) -> bytes:
    """Return a row as a line of `chain.jsonl`."""
    return _canonical([table, row]) + b"\n"


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _against_manifest(members: Members, right: list[str]) -> Iterator[str]:
    names = members.names()
    found: dict[str, tuple[str, int]] = {}
    for name in names:
        if name != MANIFEST:
            with members.open(name) as file:
                found[name] = digest_of(file)
    if len(set(names)) != len(names):
        yield "a member stands twice in it"
    told = members.read(MANIFEST)
    if told == manifest_of(found):
        right.append(f"manifest: {len(found)} members, byte for byte")
        return
    listed = json.loads(told).get("members", {})
    differing = [name for name in sorted({*listed, *found}) if listed.get(name) != _listed(found.get(name))]
    yield f"the manifest does not fit: {', '.join(differing[:5]) or 'the manifest itself was changed'}"


def _listed(found: tuple[str, int] | None) -> ChainRow | None:
    return None if found is None else {"n_bytes": found[1], "sha256": found[0]}


class _Chain:
    """The hashes of the chain by row, the table of decisions made of it, and every digest that it names."""

    def __init__(self, members: Members) -> None:
        self.hashes: List[str] = []  # noqa: UP006
        self.wrong: List[str] = []  # noqa: UP006
        self.specs: Dict[str, str] = {}  # noqa: UP006 - by run
        self.runs: set[str] = set()
        self.table = DecisionTable(json.loads(members.read(RANGE)))
        previous = GENESIS
        with members.open(CHAIN) as file:
            for place, line in enumerate(file, start=1):
                table, row = json.loads(line)
                fits = row["seq"] == place and row["previous"] == previous and line == line_of(table, row)
                if not fits or row["hash"] != row_hash(table, row):
                    self.wrong.append(f"the chain is broken at row {place} ({table}): changed, removed or slipped in")
                    return
                previous = row["hash"]
                self.hashes.append(previous)
                self._note(table, row)

    def _note(self, table: str, row: ChainRow) -> None:
        self.table.take(table, row)
        if table == "runs":
            self.runs.add(row["run_id"])
            plan = json.loads(row["record"]).get("plan")
            if plan:
                self.specs[row["run_id"]] = plan["spec"]

    def holds(self, seq: int, digest: str) -> bool:
        """Whether a row has this hash."""
        return 0 < seq <= len(self.hashes) and self.hashes[seq - 1] == digest


class DecisionTable:
    """The table of decisions within a range of UTC days, made of the rows of a chain in their order."""

    def __init__(self, span: ChainRow) -> None:
        self.first, self.last = span["from"] or "", span["to"] or "9999-12-31"
        self._plans: Dict[str, Tuple[str, str]] = {}  # noqa: UP006
        self._decided: Dict[str, ChainRow] = {}  # noqa: UP006
        self.outcomes: Dict[str, int] = {}  # noqa: UP006

    def take(self, table: str, row: ChainRow) -> None:
        """Look at the next row."""
        if table == "runs":
            plan = json.loads(row["record"]).get("plan")
            if plan:
                self._plans[row["run_id"]] = (plan["day"], plan["mode"])
        elif table == "decisions" and self.first <= row["at"][:10] <= self.last:
            self._decided[row["decision_key"]] = self._decision(row)
            self.outcomes[row["outcome"]] = self.outcomes.get(row["outcome"], 0) + 1
        elif table == "champion_changes":
            change = json.loads(row["record"])
            decided = self._decided.get(change["decision_key"])
            if decided is not None and not decided["version"]:
                told = {"version": change["version"], "serves_since": row["at"], "kind": change["kind"]}
                decided.update(told, who=change["who"], why=change["reason"])

    def _decision(self, row: ChainRow) -> ChainRow:
        record = json.loads(row["record"])
        day, mode = self._plans.get(row["run_id"], ("", ""))
        answer = record.get("answer") or {}
        kept = {name: record.get(name) for name in ("outcome", "reason", "sentence", "challenger", "champion")}
        told = {"row": row["seq"], "decided_at": row["at"], "run": row["run_id"], "day": day, "mode": mode}
        said = {"answer": answer.get("answer"), "answered_by": answer.get("who"), "answer_reason": answer.get("reason")}
        envelope = (record.get("envelope") or {}).get("sentence")
        return {**dict.fromkeys(COLUMNS), **told, **kept, **said, "envelope": envelope}

    def rows(self) -> list[ChainRow]:
        """Return the decisions in the range, oldest first, with the columns of `COLUMNS`."""
        return list(self._decided.values())

    def csv(self) -> Iterator[bytes]:
        """Yield the lines of `decisions.csv`."""
        for values in (COLUMNS, *([row[name] for name in COLUMNS] for row in self.rows())):
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow(["" if value is None else value for value in values])
            yield line.getvalue().encode()


def _anchors(members: Members, chain: _Chain, right: list[str]) -> Iterator[str]:
    anchors = json.loads(members.read(ANCHORS))
    for anchor in anchors:
        if not chain.holds(anchor["seq"], anchor["hash"]):
            yield f"{anchor['where']} remembers another row {anchor['seq']}: the chain was rewritten"
    right.append(f"anchors: {len(anchors)} rows are remembered outside the ledger")


def _decisions(members: Members, chain: _Chain, right: list[str]) -> Iterator[str]:
    with members.open(DECISIONS) as file:
        told = digest_of(file)
    digest, size = hashlib.sha256(), 0
    for line in chain.table.csv():
        digest.update(line)
        size += len(line)
    if told != (digest.hexdigest(), size):
        yield f"{DECISIONS} does not say what the chain says"
    right.append(f"decisions: {len(chain.table.rows())}, as the chain has them")


def _named_by_digest(members: Members, chain: _Chain, right: list[str]) -> Iterator[str]:
    names = set(members.names())
    wanted = {chain.specs.get(str(row["run"]), "") for row in chain.table.rows()}
    present = {name[len("specs/") : -len(".json")] for name in names if name.startswith("specs/")}
    known = set(chain.specs.values())
    for digest in sorted(present):
        with members.open(f"specs/{digest}.json") as file:
            if digest_of(file)[0] != digest or digest not in known:
                yield f"specs/{digest}.json is not a spec that the chain names"
    lacking = wanted - present
    right.append(f"specs: {len(present)} by their SHA-256" + (f", {len(lacking)} not exported" if lacking else ""))


def _pages(members: Members, chain: _Chain, right: list[str]) -> Iterator[str]:
    counts = {"reports/": 0, "versions/": 0}
    for name in members.names():
        folder = name[: name.find("/") + 1]
        if folder not in counts:
            continue
        counts[folder] += 1
        anchor = _ANCHORED.search(members.read(name)[:4000])
        if anchor is not None and not chain.holds(int(anchor[1]), anchor[2].decode()):
            yield f"{name} was made of another row {int(anchor[1])} than the chain has"
        if folder == "reports/" and name[len(folder) : -len(".html")] not in chain.runs:
            yield f"{name} is about a run that the chain does not know"
    right.append(f"pages: {counts['reports/']} report cards, {counts['versions/']} model cards")


def main(arguments: list[str]) -> int:
    """Check the export named by the arguments, or the folder that this file lies in; return the exit code."""
    place = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    right, wrong = verify(place)
    for line in right if not wrong else ():
        sys.stdout.write(f"ok     {line}\n")
    for line in wrong:
        sys.stdout.write(f"WRONG  {line}\n")
    sys.stdout.write(f"{place}: {'not as it was exported' if wrong else 'whole'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
