"""What is odd in a column whatever the spec's rules are: a warning names it and counts it, and nothing else changes.

Numbers that no model can hold count as missing. A whole number that a text column spells in two ways (`1`, `1.0`) is
two categories, or two keys; so is a word with and without a character that nobody sees, or with accents of their own.
What a partition holds of both is kept below MLSYS_HOME/cache, which may be deleted at any
time, so that nightly work is proportional to the new day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import pyarrow as pa
import pyarrow.compute as pc

from mlsys.events import get_logger
from mlsys.records import CheckResult
from mlsys.schema import LARGEST, Schema
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json, recall, remember

log = get_logger(__name__)

_FORMAT = 2  # of the memory; a change forgets what older versions saw
_SHOWN = 60  # characters of an example
# What is looked for: the first among numbers, the others among texts.
_BEYOND, _INTEGER, _DECIMAL, _UNSEEN = "beyond", "integer", "decimal", "unseen"
_SPELLINGS = {_INTEGER: r"^-?[0-9]+$", _DECIMAL: r"^-?[0-9]+\.0+$"}
# Soft hyphens, blanks without width, marks of direction and of byte order; joiners are letters' own in some scripts.
_NO_INK = r"[\x{AD}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{FEFF}]"


@dataclass(frozen=True)
class Tally:
    """How many values of a kind a column holds, and the smallest of them by length and letters."""

    n: int = 0
    example: str = ""

    def __add__(self, other: Tally) -> Tally:
        examples = [seen.example for seen in (self, other) if seen.n]
        return Tally(self.n + other.n, min(examples, key=_by_length, default=""))


Findings = dict[str, dict[str, Tally]]  # {column: {kind: seen}}, without what does not occur


def oddities(spec: Spec, manifest: str, *, store: Store, home: Path) -> list[CheckResult]:
    """Return a warning per column of a snapshot, given its manifest's SHA-256, that holds something odd."""
    partitions = read_manifest(manifest, store).partitions
    columns = {name: column for name, column in spec.columns.items() if column.type in ("number", "text", "category")}
    if not columns:
        return []
    memory = _memory(home, spec.pipeline, columns)
    known = _recall(memory)
    unknown = [partition for partition in partitions if partition.content not in known]
    if unknown:
        days = {partition.day for partition in unknown}
        table, start = read_rows(manifest, store, list(columns), days=days), 0
        odd = _look(table, columns)  # one look at each whole column spares one at each day of most columns
        suspects = {name: column for name, column in columns.items() if name in odd}
        for partition in unknown:
            known[partition.content] = _look(table.slice(start, partition.n_rows), suspects)
            start += partition.n_rows
        _remember(memory, known)
    n_rows = sum(partition.n_rows for partition in partitions)
    return list(_warnings([known[partition.content] for partition in partitions], columns, n_rows))


def _look(rows: pa.Table, columns: Schema) -> Findings:
    found: Findings = {}
    for name, column in columns.items():
        values = rows[name]
        kinds = {_BEYOND: _beyond(values)} if column.type == "number" else _spellings(values)
        occurring = {kind: seen for kind, seen in kinds.items() if seen.n}
        if occurring:
            found[name] = occurring
    return found


def _beyond(numbers: pa.ChunkedArray) -> Tally:
    odd = numbers.filter(pc.greater(pc.abs(numbers), LARGEST))
    return Tally(len(odd), min(map(repr, odd.unique().to_pylist()), key=_by_length, default=""))


def _spellings(texts: pa.ChunkedArray) -> dict[str, Tally]:
    counted = pc.value_counts(texts.drop_null())
    values, counts = counted.field(0), counted.field(1)
    found = {}
    odd = {kind: pc.match_substring_regex(values, spelling) for kind, spelling in _SPELLINGS.items()}
    if not pc.all(pc.string_is_ascii(values)).as_py():
        composed = pa.array([is_normalized("NFC", value) for value in values.to_pylist()], pa.bool_())
        odd[_UNSEEN] = pc.or_(pc.match_substring_regex(values, _NO_INK), pc.invert(composed))
    for kind, alike in odd.items():
        examples = values.filter(alike).to_pylist()
        found[kind] = Tally(
            pc.sum(counts.filter(alike)).as_py() or 0, min(examples, key=_by_length, default="")[:_SHOWN]
        )
    return found


def _warnings(partitions: Sequence[Findings], columns: Schema, n_rows: int) -> Iterator[CheckResult]:
    for name in columns:
        of_column = [findings[name] for findings in partitions if name in findings]
        total = {
            kind: sum((kinds.get(kind, Tally()) for kinds in of_column), Tally())
            for kind in (_BEYOND, _INTEGER, _DECIMAL, _UNSEEN)
        }
        beyond, integer, decimal, unseen = total.values()
        if beyond.n:
            sentence = (
                f"{beyond.n:,} of {n_rows:,} values of '{name}' are larger than models can hold: they count as missing"
            )
            yield _warning(
                "beyond_models", name, f"no number beyond {LARGEST:.1e}", beyond, n_rows=n_rows, sentence=sentence
            )
        if integer.n and decimal.n:
            sentence = (
                f"column '{name}' holds {integer.n:,} values such as '{integer.example}' and {decimal.n:,} such as"
                f" '{decimal.example}': as text these are different values, and different keys; write them in one way,"
                " or declare the column as integer or number"
            )
            yield _warning(
                "two_spellings", name, "one spelling of whole numbers", decimal, n_rows=n_rows, sentence=sentence
            )
        if unseen.n:
            sentence = (
                f"{unseen.n:,} of {n_rows:,} values of '{name}' hold characters that can't be seen, or accents apart"
                f" from their letters, such as {unseen.example!a}: they are other values and keys than those that"
                " look the same; clean them where the data are made (Unicode NFC)"
            )
            yield _warning(
                "unseen_characters", name, "no characters that can't be seen", unseen, n_rows=n_rows, sentence=sentence
            )


def _warning(kind: str, column: str, wanted: str, seen: Tally, *, n_rows: int, sentence: str) -> CheckResult:
    return CheckResult(
        name=f"{column} holds {wanted}",
        kind=kind,
        column=column,
        severity="warning",
        state="fail",
        n_rows=n_rows,
        n_failed=seen.n,
        sentence=sentence,
        examples=(seen.example,),
    )


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text


def _memory(home: Path, pipeline: str, columns: Schema) -> Path:
    told_by = [_FORMAT, {name: column.type for name, column in columns.items()}]
    return home / "cache" / "oddities" / f"{pipeline}-{hashlib.sha256(canonical_json(told_by)).hexdigest()[:16]}.json"


def _recall(memory: Path) -> dict[str, Findings]:
    stored: Mapping[str, Any] = json.loads(recall(memory) or b"{}")
    return {
        key: {name: {kind: Tally(*seen) for kind, seen in kinds.items()} for name, kinds in findings.items()}
        for key, findings in stored.items()
    }


def _remember(memory: Path, known: Mapping[str, Findings]) -> None:
    stored = {
        key: {name: {kind: [seen.n, seen.example] for kind, seen in kinds.items()} for name, kinds in findings.items()}
        for key, findings in known.items()
    }
    try:
        remember(memory, canonical_json(stored))
    except OSError as error:
        log.warning("oddities_not_remembered", path=memory, error=error)
