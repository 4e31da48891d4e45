"""What was found in a table, in a few lines for a person."""

from __future__ import annotations

from mlsys.drafting.draft import Draft
from mlsys.drafting.target import TargetFound
from mlsys.wording import counted

_SHOWN = 6


def summary(draft: Draft) -> list[str]:
    """Return the lines."""
    target, roles = draft.target, draft.roles
    n_columns = counted(len(draft.columns) + len(draft.left_out), "column")
    lines = [f"{draft.origin.spoken}: {counted(draft.table.n_rows, 'row')}, {n_columns}"]
    named = f"{', '.join(draft.features[:_SHOWN])}{' ...' if len(draft.features) > _SHOWN else ''}"
    lines.append(f"target   {target.column.name}: {_what(target)}{_why(target.why)}")
    lines.append(f"key      {', '.join(roles.key) or 'none'}{_why(roles.key_why)}")
    time = roles.time or ("the day in each file's name" if draft.origin.dated else "none")
    lines.append(f"time     {time}{_why(roles.time_why)}")
    lines.append(f"split    {draft.sides.rule['kind'][0]}{_why(draft.sides.why)}")
    lines.append(f"features {len(draft.features):,}: {named}")
    lines += [f"drop     {name}: {why}" for name, why in roles.dropped.items()]
    lines += [f"not read {name!r}: {why}" for name, why in draft.left_out.items()]
    return lines + [f"look at  {remark}" for remark in draft.remarks]


def _what(target: TargetFound) -> str:
    """Return in words what is predicted."""
    if not target.counts:
        return "a number"
    name = target.positive or max(target.counts, key=lambda each: target.counts[each])
    share = f"{target.counts[name] / target.n_labelled:.1%} of {target.n_labelled:,}".replace("%", " %")
    return f"'{name}' of two classes, {share}" if target.positive else f"{len(target.counts)} classes, '{name}' {share}"


def _why(text: str) -> str:
    return f" ({text})" if text else ""
