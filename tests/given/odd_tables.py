"""Tables as people have them, each with a quirk; what is bought follows from amount and channel."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

Columns = dict[str, Sequence[object]]


def plain(n: int = 400, *, share: float | None = None) -> Columns:
    """Return columns without a quirk: customer_id, amount, visits, channel, bought."""
    draw = random.Random(n)
    amount = [round(draw.uniform(1, 200), 2) for _ in range(n)]
    channel = [draw.choice(["web", "app", "store"]) for _ in range(n)]
    chance = [0.1 + a / 400 + 0.3 * (c == "web") for a, c in zip(amount, channel, strict=True)]
    bought = ["yes" if draw.random() < p else "no" for p in chance]
    if share is not None:
        best = sorted(range(n), key=lambda i: -chance[i] - draw.random())[: round(share * n)]
        bought = ["yes" if i in set(best) else "no" for i in range(n)]
    return {
        "customer_id": [f"C{number:05d}" for number in draw.sample(range(90_000), n)],
        "amount": amount,
        "visits": [draw.randint(0, 40) for _ in range(n)],
        "channel": channel,
        "bought": bought,
    }


def with_columns(columns: Columns, /, **more: Sequence[object]) -> Columns:
    """Return the columns with others before the last one."""
    *before, last = columns
    return {**{name: columns[name] for name in before}, **more, last: columns[last]}


def each(columns: Columns, make: Callable[[int], object]) -> list[object]:
    """Return one value per row, by its number."""
    return [make(number) for number in range(len(next(iter(columns.values()))))]


def times(columns: Columns, pattern: str, *, hours: float = 6) -> list[object]:
    """Return a time per row, from the first of January 2025 on."""
    first = datetime(2025, 1, 1)
    return each(columns, lambda number: (first + timedelta(hours=hours * number)).strftime(pattern))


def write_csv(
    path: Path,
    columns: Mapping[str, Sequence[object]] | Sequence[tuple[str, Sequence[object]]],
    *,
    separator: str = ",",
    encoding: str = "utf-8",
    header: bool = True,
) -> Path:
    """Write a table as a CSV file; pairs instead of a mapping allow a name twice."""
    pairs = list(columns.items()) if isinstance(columns, Mapping) else list(columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        if header:
            writer.writerow([name for name, _ in pairs])
        writer.writerows(zip(*(values for _, values in pairs), strict=True))
    return path
