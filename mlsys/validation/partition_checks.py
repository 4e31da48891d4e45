"""Rules about rows, partition by partition: what is not known yet is asked in one go, the rest is remembered.

What a rule finds in a partition depends on the partition's content, the rules and the schema alone, so it is kept
below MLSYS_HOME/cache and nightly work is proportional to the new day. The cache may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlsys.checks.base import Check
from mlsys.errors import RunError
from mlsys.events import get_logger
from mlsys.records import State
from mlsys.schema import DAY, arrow_type
from mlsys.snapshot.manifest import ManifestEntry, read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json, recall, remember
from mlsys.validation import data_docs
from mlsys.validation.apart import Looking, here
from mlsys.validation.gx_suite import SuiteRun, run_suite

logger = get_logger(__name__)

_FORMAT = 1  # of a cache entry; a change forgets what older versions found
_EXAMPLES = 3
_NAMED_ROWS = 1000  # rows per partition whose key is kept for the report


@dataclass(frozen=True)
class RuleFinding:
    """What one rule found in one partition: failing rows as offsets into it, ascending."""

    state: State
    failed: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class PartitionFindings:
    """What all rules found in one partition, in the order of the rules; `keys` name failing rows by offset."""

    rules: tuple[RuleFinding, ...]
    keys: Mapping[int, str]


@dataclass(frozen=True)
class Examination:
    """Findings per partition of the manifest, and what had to be looked at for them.

    Attributes:
        n_rows, n_partitions: looked at now, because nothing was remembered of them.
        docs: path of the Data Docs index relative to MLSYS_HOME, or None where there is none.
        docs_problem: why the page could not be written, or nothing.
    """

    partitions: tuple[PartitionFindings, ...]
    n_rows: int
    n_partitions: int
    docs: str | None = None
    docs_problem: str = ""


def examine(
    spec: Spec,
    rules: Sequence[Check],
    manifest: str,
    *,
    store: Store,
    home: Path,
    looking: Looking = here,
    paged: bool = True,
) -> Examination:
    """Return what `rules` (scope `partition`) find in each partition of a snapshot, given its manifest's SHA-256.

    What was not seen before is looked at by `looking`: in this process, or in a child. It gets a page of Data Docs
    where it is to be `paged`.
    """
    partitions = read_manifest(manifest, store).partitions
    paths = [_cache_path(home, spec, rules, partition) for partition in partitions]
    known = [_recall(path) for path in paths]
    unknown = [i for i, findings in enumerate(known) if findings is None]
    if not unknown or not rules:
        found = tuple(findings or PartitionFindings((), {}) for findings in known)
        # Not whether it is there: another process may be about to write it, and reports must not differ by that.
        return Examination(found, 0, 0, data_docs.index_path(spec.pipeline) if rules and paged else None)
    wanted = {paths[i]: partitions[i] for i in unknown}
    look = partial(_look, spec, rules, manifest, wanted, store=store, home=home, paged=paged)
    looked, problem = looking(look)
    for i, findings in zip(unknown, looked, strict=True):
        known[i] = findings
    n_rows = sum(partitions[i].n_rows for i in unknown)
    logger.info("partitions_examined", pipeline=spec.pipeline, partitions=len(unknown), rows=n_rows)
    found = tuple(findings for findings in known if findings is not None)
    docs = None if problem or not paged else data_docs.index_path(spec.pipeline)
    return Examination(found, n_rows, len(unknown), docs, problem)


def _look(
    spec: Spec,
    rules: Sequence[Check],
    manifest: str,
    wanted: Mapping[Path, ManifestEntry],
    *,
    store: Store,
    home: Path,
    paged: bool,
) -> tuple[list[PartitionFindings], str]:
    """Return what the rules find in partitions, remember it under their paths, and why there is no page of it."""
    frame = _read(spec, rules, manifest, list(wanted.values()), store)
    run = run_suite(frame, rules, spec.columns, name=spec.pipeline)
    found = _by_partition(run, rules, frame, [partition.n_rows for partition in wanted.values()], spec.key)
    if all(outcome.state != "error" for outcome in run.outcomes):
        # An error may pass (a library was mended), so it is not remembered.
        for path, findings in zip(wanted, found, strict=True):
            _remember(path, findings)
    if not paged:
        return found, ""
    cutoff = read_manifest(manifest, store).cutoff
    try:
        data_docs.write_page(run, pipeline=spec.pipeline, cutoff=cutoff, n_rows=len(frame), home=home)
    except (OSError, RunError) as error:
        # The findings are worth more than their page: the report names the problem, the run goes on.
        logger.warning("data_docs_not_written", pipeline=spec.pipeline, error=error)
        return found, str(error)
    return found, ""


def to_frame(table: pa.Table, spec: Spec) -> pd.DataFrame:
    """Return a table of schema columns as Great Expectations can compare them, missing values staying missing."""
    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    fields = [(name, arrow_type(spec.columns[name].type)) for name in table.column_names]
    frame: pd.DataFrame = table.cast(pa.schema(fields)).to_pandas(types_mapper=types.get)
    return frame


def _read(
    spec: Spec, rules: Sequence[Check], manifest: str, wanted: Sequence[ManifestEntry], store: Store
) -> pd.DataFrame:
    columns = sorted({*spec.key, *(name for rule in rules for name in rule.looks_at)})
    days = {partition.day for partition in wanted}
    frame = to_frame(read_rows(manifest, store, columns, days=days), spec)
    frame[DAY] = np.repeat(np.arange(len(wanted)), [partition.n_rows for partition in wanted])
    return frame


def _by_partition(
    run: SuiteRun, rules: Sequence[Check], frame: pd.DataFrame, sizes: Sequence[int], key: Sequence[str]
) -> list[PartitionFindings]:
    ends = np.cumsum(sizes)
    found = []
    for start, end in zip(ends - sizes, ends, strict=True):
        of_rules, named = [], set()
        for rule, outcome in zip(rules, run.outcomes, strict=True):
            if outcome.state == "error" or outcome.positions is None:
                of_rules.append(RuleFinding(outcome.state, message=outcome.message))
                continue
            low, high = np.searchsorted(outcome.positions, [start, end])
            inside = outcome.positions[low:high]
            named.update(inside[:_NAMED_ROWS].tolist())
            of_rules.append(
                RuleFinding(
                    "fail" if len(inside) else "pass",
                    tuple((inside - start).tolist()),
                    tuple(_example(rule, frame, int(i), key) for i in inside[:_EXAMPLES]),
                )
            )
        keys = {i - int(start): _named(frame, i, key) for i in sorted(named)[:_NAMED_ROWS]}
        found.append(PartitionFindings(tuple(of_rules), keys))
    return found


def _example(rule: Check, frame: pd.DataFrame, position: int, key: Sequence[str]) -> str:
    shown = ", ".join(f"{name} {_value(frame, position, name)}" for name in rule.looks_at)
    name = _named(frame, position, [column for column in key if column not in rule.looks_at])
    return f"{shown} ({name})" if name else shown


def _named(frame: pd.DataFrame, position: int, key: Sequence[str]) -> str:
    return ", ".join(f"{column} {_value(frame, position, column)}" for column in key)


def _value(frame: pd.DataFrame, position: int, name: str) -> str:
    value: Any = frame[name].iat[position]
    text = "missing" if pd.isna(value) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _cache_path(home: Path, spec: Spec, rules: Sequence[Check], partition: ManifestEntry) -> Path:
    columns = {*spec.key, *(name for rule in rules for name in rule.looks_at)}
    key = [
        _FORMAT,
        [rule.model_dump(mode="json", exclude={"severity"}) for rule in rules],
        {name: spec.columns[name].type for name in sorted(columns)},
        list(spec.key),
        partition.content,
    ]
    digest = hashlib.sha256(canonical_json(key)).hexdigest()
    return home / "cache" / "checks" / f"{digest}.json"


def _recall(path: Path) -> PartitionFindings | None:
    known = recall(path)
    if known is None:
        return None
    data = json.loads(known)
    rules = tuple(
        RuleFinding(item["state"], tuple(item["failed"]), tuple(item["examples"]), item["message"])
        for item in data["rules"]
    )
    return PartitionFindings(rules, {int(offset): name for offset, name in data["keys"].items()})


def _remember(path: Path, findings: PartitionFindings) -> None:
    keys = {str(offset): name for offset, name in findings.keys.items()}
    rules = [vars(rule) for rule in findings.rules]
    remember(path, canonical_json({"rules": rules, "keys": keys}))
