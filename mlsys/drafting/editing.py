"""What has changed in a source since its spec was written, as a change of the spec's text; comments stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlsys.drafting.declaring import Column
from mlsys.drafting.draft import Draft, Wishes, draft_of, spec_of
from mlsys.drafting.places import given_by
from mlsys.drafting.questions import Answerer
from mlsys.drafting.roles import NO_TIME, RolesWish
from mlsys.drafting.splicing import Splices
from mlsys.drafting.target import TargetWish
from mlsys.drafting.writing import beside, declaration
from mlsys.drafting.yaml_text import in_flow, key, line, nice
from mlsys.errors import DataError
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.spec.text import read

_UNREADABLE = 0.02  # share of the values from which on a declaration is taken to be out of date


@dataclass
class Proposal:
    """A changed spec.

    Attributes:
        before, after: the texts.
        remarks: what was found, and what must be done by hand.
    """

    before: str
    after: str
    remarks: list[str] = field(default_factory=list)


def proposal(path: Path, ask: Answerer) -> Proposal:
    """Return the spec in `path` as the newest data want it.

    Raises:
        SpecError: the file holds no spec.
        DataError: the source can't be read, or has lost its target.
    """
    document = read(path)
    spec = spec_of(path, document.text)
    origin = given_by(spec.source)
    _require_kept(spec, origin.names(), origin.spoken)
    found = draft_of(spec.pipeline, origin, _wishes(spec), ask)
    proposed = Proposal(document.text, document.text)
    splices = Splices(document)
    _columns(spec, found, splices, proposed)
    _rules(spec, found, splices, proposed)
    proposed.after = splices.text()
    spec_of(path, proposed.after)
    return proposed


def _require_kept(spec: Spec, present: Iterable[str], origin: str) -> None:
    event_time = getattr(spec.source, "event_time", None)
    names = {"target": (spec.target.column,), "key": spec.key, "source.event_time": (event_time,) if event_time else ()}
    for role, columns in names.items():
        for name in columns:
            if name not in present:
                rule = f"The source has lost the column '{name}', which is the spec's `{role}`"
                raise DataError(rule, where=origin, remedy="Say by hand what takes its place")


def _wishes(spec: Spec) -> Wishes:
    """Return what the spec has settled already."""
    formats = [column.format or "" for column in spec.columns.values()]
    order: Any = next(
        ("day" if text.startswith("%d") else "month" for text in formats if text[:2] in ("%d", "%m")), None
    )
    marks = [column.decimal for column in spec.columns.values() if column.decimal]
    time = getattr(spec.source, "event_time", None) or NO_TIME
    target = TargetWish(spec.target.column, spec.target.task, getattr(spec.target, "positive", None) or None)
    decimal = next(iter(marks), getattr(spec.source, "decimal", None))
    return Wishes("", target=target, roles=RolesWish(spec.key, time), date_order=order, decimal=decimal)


def _columns(spec: Spec, found: Draft, splices: Splices, proposed: Proposal) -> None:
    present = set(found.columns) | set(found.left_out)
    for name in spec.columns:
        if name not in present:
            proposed.remarks.append(f"{name}: gone from the source")
            splices.remove_key(("schema", name))
            splices.remove_items(("drop",), name)
            if spec.split.group_column == name:
                proposed.remarks.append(f"{name}: the split goes by it; say by hand what takes its place")
    for name, column in found.columns.items():
        if name not in spec.columns and not splices.mentions(f"# not read: {in_flow(name)}"):
            why = found.roles.dropped.get(name, "")
            proposed.remarks.append(f"{name}: new, {column.type}{f'; dropped: {why}' if why else ''}")
            splices.append_entry(("schema",), line(f"{key(name)}: {declaration(column)}", beside(found, column)))
            if why:
                splices.append_item(("drop",), name, why)
        elif name in spec.columns and _no_longer_fits(spec, spec.columns[name], column, found):
            was, new = spec.columns[name].type, declaration(column)
            proposed.remarks.append(f"{name}: its values no longer fit {was}; {new} is what they look like")
            splices.replace_value(("schema", name), new)


def _no_longer_fits(spec: Spec, declared: ColumnSpec, column: Column, found: Draft) -> bool:
    """Return whether too many of a column's sampled values can't be read as they are declared."""
    from mlsys.sources.reading.values import logical_values

    if declared.type in ("text", "category"):
        return False
    updates: dict[str, Any] = {}
    if declared.type == "timestamp" and declared.timezone is None:
        updates["timezone"] = "UTC"
    source = spec.source
    if declared.type in ("integer", "number") and declared.decimal is None and declared.thousands is None:
        updates |= {"decimal": getattr(source, "decimal", None), "thousands": getattr(source, "thousands", None)}
    raw = found.table.sample[column.name].combine_chunks()
    _, bad = logical_values(raw, declared.model_copy(update=updates), column.name)
    n_bad = 0 if bad is None else int(bad.to_numpy(zero_copy_only=False).sum())
    n_known: int = len(raw) - raw.null_count
    return n_bad > _UNREADABLE * max(1, n_known)


def _rules(spec: Spec, found: Draft, splices: Splices, proposed: Proposal) -> None:
    for number, rule in enumerate(spec.checks.rules):
        keys = ("checks", "rules", str(number))
        gone = [name for name in rule.looks_at if name not in found.columns and name not in found.left_out]
        if gone:
            splices.remove_item(keys)
            continue
        column = found.columns.get(getattr(rule, "column", None) or "")
        if column is None:
            continue
        for text, change in _outgrown(rule.model_dump(), column):
            proposed.remarks.append(f"{column.name}: {text}")
            for field_name, value in change.items():
                if isinstance(value, list):
                    splices.extend((*keys, field_name), value)
                else:
                    splices.replace_value((*keys, field_name), in_flow(value))


def _outgrown(rule: Mapping[str, Any], column: Column) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield what values there are beyond a rule, in words, and the fields that would take them in."""
    values = column.profile.values
    if rule.get("values") and values is not None and column.type == "category":
        known = {str(value) for value in rule["values"]}
        new = sorted(text for text in values if text not in known and text not in column.spec.nulls)
        if new and len(new) <= len(known):
            yield f"{', '.join(map(repr, new[:5]))} not listed so far", {"values": new}
    if column.numeric and column.low is not None and column.high is not None:
        low, high = rule.get("min"), rule.get("max")
        if isinstance(high, int | float) and column.high > high:
            yield f"reaches up to {column.high:g}, beyond {high:g}", {"max": nice(column.high * 1.5, up=True)}
        if isinstance(low, int | float) and column.low < low:
            yield f"reaches down to {column.low:g}, below {low:g}", {"min": nice(column.low * 1.5, up=False)}
