"""A draft as the text of a spec: the keys in the order of a run's steps, each guess with its reason beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlsys import clock
from mlsys.drafting.choices import TASKS, Situation
from mlsys.drafting.declaring import Column
from mlsys.drafting.draft import Draft
from mlsys.drafting.instants import spoken_instant
from mlsys.drafting.rules import MOST_RULES, n_possible, rules
from mlsys.drafting.yaml_text import Text, block, in_flow, key, line
from mlsys.sources.reading.time_range import EARLIEST
from mlsys.wording import counted

_NAMED = 8  # classes up to which a comment names all
_TOLERATED = 0.02


def written(draft: Draft, path: Path) -> str:
    """Return the text of the spec file `path`."""
    parts = (
        _head(draft, path),
        _source(draft),
        _schema(draft),
        _roles(draft),
        _checks(draft),
        _split(draft),
        _models(draft),
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(draft: Draft, path: Path) -> list[str]:
    target = draft.target.column.name
    lines = []
    if (path.parent.parent / "pipelines.schema.json").is_file():
        lines.append("# yaml-language-server: $schema=../pipelines.schema.json")
    n_columns = counted(len(draft.columns) + len(draft.left_out), "column")
    lines += [
        f"# Drafted from {counted(draft.table.n_rows, 'row')} and {n_columns} of {_one_line(draft.origin.spoken)}.",
        "# What stands here held in these rows; the comments say what was guessed. What is left out has a default.",
    ]
    asked = f"Which {target} will a row have?" if draft.target.counts else f"How large will {target} be?"
    lines += line(f"pipeline: {draft.name}", "the same as the file's name")
    lines += line(f"description: {in_flow(asked)}", "say here what the model answers, and for whom")
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _source(draft: Draft) -> list[str]:
    items = [(f"{name}: {_source_value(value)}", note) for name, (value, note) in draft.origin.block().items()]
    if draft.roles.time is not None:
        items.append(
            (f"event_time: {in_flow(draft.roles.time)}", _and("the day a row belongs to", draft.roles.time_why))
        )
    if any(column.local for column in draft.columns.values()):
        items.append(("timezone: UTC", "of times written without an offset: a guess, which moves rows between days"))
    return block("source", items)


def _source_value(value: object) -> str:
    return in_flow(Text(value)) if isinstance(value, str) and len(value) == 1 else in_flow(value)


def _and(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _schema(draft: Draft) -> list[str]:
    items = [
        (f"{key(name)}: {declaration(column, timed=name == draft.roles.time)}", beside(draft, column))
        for name, column in draft.columns.items()
    ]
    lines = block("schema", items, "what is not listed is not read")
    for name, reason in draft.left_out.items():
        lines += line(f"  # not read: {in_flow(name)}: {_one_line(reason)}")
    return lines


def declaration(column: Column, *, timed: bool = False) -> str:
    """Return what stands behind a column's name in `schema`; `timed`: it is the time of a row, never far ahead."""
    """Return what stands behind a column's name in `schema`."""
    spec = column.spec
    updates: dict[str, Any] = {"timezone": None}
    if spec.type == "timestamp" and not timed and column.low is not None and column.high is not None:
        if spoken_instant(int(column.high)) > clock.now().replace(tzinfo=None) + timedelta(days=1):
            updates["latest"] = _year_end(spoken_instant(int(column.high)).year)
        if spoken_instant(int(column.low)).date() < EARLIEST:
            updates["earliest"] = EARLIEST.replace(year=max(1, spoken_instant(int(column.low)).year), month=1, day=1)
    dumped = spec.model_copy(update=updates).model_dump(mode="json")
    return in_flow(dumped)


def _year_end(year: int) -> Any:
    return EARLIEST.replace(year=min(9999, year + 10), month=12, day=31)


def beside(draft: Draft, column: Column) -> str:
    """Return the comment beside a column in `schema`."""
    name = column.name
    notes = [*column.notes, *column.doubts]
    if name == draft.roles.time:
        notes.insert(0, "a time is never a feature")
    elif column.type == "timestamp":
        notes.insert(0, f"no feature: a time{_may_be_arrival(draft, column)}")
    elif column.type == "category" and column.profile.values is not None and name in draft.features:
        notes.insert(0, counted(column.n_distinct, "value"))
    return "; ".join(notes)


def _may_be_arrival(draft: Draft, column: Column) -> str:
    """Return what to add where a time is there exactly where the label is, as a label's arrival would be."""
    target = draft.target.column.profile
    if draft.roles.time is not None and 0 < column.profile.n_missing == target.n_missing:
        return f"; when the label was known? Then write `label: {{arrival: {column.name}}}` below"
    return ""


def _roles(draft: Draft) -> list[str]:
    roles, target = draft.roles, draft.target
    lines: list[str] = []
    if roles.key:
        value = roles.key[0] if len(roles.key) == 1 else list(roles.key)
        lines += line(f"key: {in_flow(value)}", _and("names a row, and is no feature", roles.key_why))
    else:
        lines += line("# key: <column>", _and("what names a row? Without it all its values do", roles.key_why))
    named: dict[str, Any] = {"column": target.column.name, "task": target.task}
    if target.positive:
        named |= {"positive": Text(target.positive)}
    lines += line(f"target: {in_flow(named)}", _and(target.why, _target_note(draft), target.positive_why))
    dropped = [(f"- {in_flow(name)}", why) for name, why in roles.dropped.items()]
    if dropped:
        lines += block("drop", dropped, "no model sees these; take a line away where you know better")
    return lines


def _target_note(draft: Draft) -> str:
    target = draft.target
    n_missing = target.column.profile.n_missing
    largest = sorted(target.counts.items(), key=lambda item: -item[1])
    counts = ", ".join(f"{n:,} {name!r}" for name, n in largest[:_NAMED])
    if len(largest) > _NAMED:
        fewest, n = largest[-1]
        counts += f" and {len(largest) - _NAMED} more classes, the rarest {n:,} {fewest!r}"
    unlabelled = f"{counted(n_missing, 'row')} without a label sit out" if n_missing else ""
    return _and(counts, unlabelled)


def _checks(draft: Draft) -> list[str]:
    n_bad = draft.n_bad
    share = n_bad / max(1, draft.table.n_rows)
    newest = draft.rows_by_day[max(draft.rows_by_day)] if draft.rows_by_day else draft.table.n_rows
    share = max(share, draft.n_unplaced / max(1, newest + draft.n_unplaced))
    tolerated = min(1.0, round(max(_TOLERATED, 2 * share), 3))
    why = "of rows may break a critical rule: they are set aside; more stop the run"
    if n_bad:
        why = f"{counted(n_bad, 'value or line', 'values or lines')} can't be read so far; {why}"
    found = rules(draft)
    lines = block("checks", [(f"tolerated_share: {tolerated}", why)])
    lines += line("  rules:", "a warning stops nothing: without `severity` it sets rows aside")
    lines += [part for rule, note in found for part in line(f"- {rule}", note, indent=4)]
    left = n_possible(draft) + 5 - MOST_RULES
    if len(found) == MOST_RULES and left > 0:
        lines += line(f"    # so many rules are enough to begin with: about {left:,} more could be written")
    return lines


def _split(draft: Draft) -> list[str]:
    items = [(f"{name}: {in_flow(value)}", note) for name, (value, note) in draft.sides.rule.items()]
    return block("split", items, draft.sides.why)


def _models(draft: Draft) -> list[str]:
    lines: list[str] = []
    for part in _parts(draft):
        lines += ["", *part] if lines else part
    return lines


def _parts(draft: Draft) -> Iterator[list[str]]:
    choices, given = TASKS[draft.target.task], situation(draft)
    yield block("models", [(f"- {model}", note) for model, note in choices.models(given)])
    metrics = choices.metrics(given)
    yield block("metrics", [(f"{name}: {in_flow(value)}", note) for name, (value, note) in metrics.items()])
    yield block(
        "gates", [(f"- {gate}", note) for gate, note in choices.gates(given)], "all must pass, or the champion stays"
    )


def situation(draft: Draft) -> Situation:
    """Return what the choices of a task depend on."""
    target = draft.target
    n_holdout = round(target.n_labelled * draft.sides.holdout)
    rarest = min(target.counts.values()) / target.n_labelled if target.counts else 1.0
    per_class, spread = round(n_holdout * rarest), 0.0 if target.counts else draft.spread
    share, surprise = target.positive_share, target.surprise
    boosting = all(find_spec(library) is not None for library in ("catboost", "lightgbm"))
    return Situation(target.n_labelled, n_holdout, per_class, share, draft.timed, spread, surprise, boosting)
