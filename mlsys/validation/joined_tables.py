"""The rules about joined tables, with those about the pipeline's own rows in one verdict.

No row of such a table is set aside for a rule: it stands in no split, and what is joined must be what a champion finds
when it joins the same rows. Too many of them stop the run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.manifest import Manifest, read_manifest
from mlsys.spec import Spec
from mlsys.spec.joins import AsOfJoin
from mlsys.store import Store
from mlsys.validation.judged import (
    JudgedRule,
    over_rows,
    over_summaries,
    short,
    summaries_of,
    unread,
    within_tolerance,
    worst_bad_share,
)
from mlsys.validation.partition_checks import examine


def over_joined(spec: Spec, manifest: Manifest, *, store: Store, home: Path) -> list[JudgedRule]:
    """Return what is said of the tables that a snapshot's manifest names, in the order of the spec's joins."""
    found: list[JudgedRule] = []
    for table, join, taken in zip(table_specs(spec), spec.joins, manifest.joins, strict=True):
        for each in _over_table(table, join, read_manifest(taken.manifest, store), store=store, home=home):
            name = short(f"{join.name}: {each.result.name}")
            found.append(replace(each, result=each.result.model_copy(update={"name": name})))
    return found


def _over_table(table: Spec, join: AsOfJoin, manifest: Manifest, *, store: Store, home: Path) -> list[JudgedRule]:
    partitions = manifest.partitions
    if not join.rules:
        return unread(partitions)
    rules = [rule for rule in join.rules if rule.scope == "partition"]
    named = table.model_copy(update={"key": (join.key,)})
    found = examine(named, rules, _as_stored(manifest).write(store), store=store, home=home, paged=False)
    strict = [i for i, rule in enumerate(rules) if rule.rowwise and rule.severity == "critical"]
    broken = [sorted({row for i in strict for row in findings.rules[i].failed}) for findings in found.partitions]
    return [
        *(over_rows(rule, i, found, partitions) for i, rule in enumerate(rules)),
        *over_summaries(join.rules, summaries_of(partitions, manifest.cutoff)),
        within_tolerance(worst_bad_share(partitions, broken), join.tolerated_share),
        *unread(partitions),
    ]


def _as_stored(manifest: Manifest) -> Manifest:
    """Return the manifest with the keys that the cutoff hides: a row that is known later is not one without a key."""
    entries = tuple(replace(entry, masked_fingerprint=None) for entry in manifest.partitions)
    return replace(manifest, partitions=entries)
