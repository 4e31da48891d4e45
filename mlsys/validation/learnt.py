"""The check that nobody writes: a day that looks unlike all days before it, as `checks.learnt` wants it taken.

As a warning it is said of the newest day alone. What was found of a day depends on its own content and on that of the
days before it, and is remembered by these. A day that the spec trusts is never odd, and belongs to the past of the days
after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlsys.events import get_logger
from mlsys.records import CheckResult
from mlsys.snapshot.manifest import ManifestEntry, read_manifest
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json, recall, remember
from mlsys.validation.portraits import Portrait, portraits
from mlsys.validation.usual import MOST_PAST, OddTrait, odd_traits
from mlsys.wording import counted, number

log = get_logger(__name__)

KIND = "looks_usual"
NAME = "the newest day looks like those before it"
_FORMAT = 1  # of what is remembered
_SAID = 3  # odd traits of a day, in words


@dataclass(frozen=True)
class FromPast:
    """What the past says of each day.

    Attributes:
        result: of the newest day, or None where too few days came before it, or the spec does not want to know.
        odd: days before it that were odd, by their places among the partitions: they are set aside where the severity
            is `critical`.
    """

    result: CheckResult | None = None
    odd: frozenset[int] = frozenset()


def learnt(spec: Spec, manifest: str, *, store: Store, home: Path) -> FromPast:
    """Return what the past says of each day of a snapshot, given its manifest's SHA-256."""
    wanted, partitions = spec.checks.learnt, read_manifest(manifest, store).partitions
    if wanted.severity == "ignored" or not partitions:
        return FromPast()
    # Only where odd days are set aside does it matter which of those before were odd: a long past costs minutes once.
    newest = None if wanted.severity == "critical" else MOST_PAST + 1
    partitions = partitions[-(newest or 0) :]
    first = 0 if newest is None else len(partitions) - 1
    found_before = portraits(spec, manifest, store=store, home=home, newest=newest)
    drawn = [_without(each, set(wanted.ignore)) for each in found_before]
    usual: list[int] = []
    said: list[tuple[str, ...]] = []
    for i, partition in enumerate(partitions):
        past = usual[-MOST_PAST:]
        found: tuple[str, ...] = ()
        if i >= first and len(past) >= wanted.min_days and partition.day not in wanted.trusted_days:
            found = _judged(home, spec, partitions, drawn, (past, i))
        if not found:
            usual.append(i)
        said.append(found)
    last = len(partitions) - 1
    n_past = sum(i < last for i in usual)
    if n_past < wanted.min_days:
        return FromPast()
    result = CheckResult(
        name=NAME,
        kind=KIND,
        severity=wanted.severity,
        state="fail" if said[last] else "pass",
        n_rows=partitions[last].n_rows,
        sentence=_sentence(partitions[last], said[last], counted(n_past, "day")),
    )
    set_aside = {i for i in range(last) if said[i]} if wanted.severity == "critical" else set()
    return FromPast(result, frozenset(set_aside))


def _sentence(partition: ManifestEntry, said: Sequence[str], days: str) -> str:
    if not said:
        return f"{partition.day} looks like {days} before it"
    more = f"; and {len(said) - _SAID} more" if len(said) > _SAID else ""
    return f"{partition.day} is unlike {days} before it: {'; '.join(said[:_SAID])}{more}"


def _without(portrait: Portrait, columns: set[str]) -> Portrait:
    if not columns:
        return portrait
    traits = tuple(trait for trait in portrait.traits if trait.column not in columns)
    return Portrait(traits, {name: counts for name, counts in portrait.counts.items() if name not in columns})


def _judged(
    home: Path,
    spec: Spec,
    partitions: Sequence[ManifestEntry],
    drawn: Sequence[Portrait],
    places: tuple[list[int], int],
) -> tuple[str, ...]:
    """Return what is odd about the day at a place, given those of its past; remembered by the contents of all."""
    past, i = places
    contents = [[partitions[j].day.isoformat(), partitions[j].content, partitions[j].n_rejected] for j in (*past, i)]
    told_by = [_FORMAT, sorted(spec.checks.learnt.ignore), contents]
    path = home / "cache" / "usual" / spec.pipeline / f"{hashlib.sha256(canonical_json(told_by)).hexdigest()[:32]}.json"
    known = recall(path)
    if known is not None:
        return tuple(json.loads(known))
    odd = odd_traits([drawn[j] for j in past], [partitions[j].day for j in past], drawn[i], partitions[i].day)
    found = tuple(_words(each) for each in odd)
    try:
        remember(path, canonical_json(list(found)))
    except OSError as error:
        log.warning("verdict_not_remembered", path=path, error=error)
    return found


def _words(odd: OddTrait) -> str:
    trait = odd.trait
    value = round(float(f"{trait.value:.6g}"), 9)
    if trait.scale == "share":
        compared = f"{value:.1%} in place of about {odd.expected:.1%}"
    elif trait.scale == "size":
        compared = f"{trait.n:,} in place of about {round(odd.expected):,}"
    else:
        compared = f"{number(value, odd.expected)} in place of about {number(odd.expected, value)}"
    return f"{trait.column}: {trait.what} {compared}" if trait.column else f"{trait.what} {compared}"
