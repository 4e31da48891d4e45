"""A year of nights in worlds whose truth is known: what each rule of promotion does to what serves.

    make bench-trust
    make bench-trust ARGS="-n 20 --only stationary"

Each world is drawn `-n` times and every rule decides on the same rows. It goes on where it was stopped: what is known
stands in `var/trust-year.jsonl`, one line a year. Writes bench/results-trust-year.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from run import HERE
from threadpoolctl import threadpool_limits
from trust_rules import RULES, Served
from trust_worlds import CHANGE, GAINS, NIGHTS, WORLDS, Year, make_table, make_year

RAW = HERE.parent / "var" / "trust-year.jsonl"
RESULTS = HERE / "results-trust-year.md"
ABOUT = (
    "# A year of nights",
    "",
    "Written by `make bench-trust`: years of a logistic world whose truth is known, 175 rows a day, decided night by",
    "night by each rule on the same rows (bench/trust_rules.py says each exactly). `needless` are promotions where",
    "nothing changes, `worse` those of a truly worse model, `gap` what serves loses in true ROC AUC against the model",
    "that the newest 30 days would give, in thousandths, the mean of all nights; nights are medians.",
)
Row = dict[str, Any]


def measure(year: Year, served: Served, world: str) -> Row:
    """Return what a rule did in a year."""
    truth = [year.truth(model, night) for night, model in enumerate(served)]
    best = [year.truth(year.model("all", night), night) for night in range(NIGHTS)]
    changed = [night for night in range(1, NIGHTS) if served[night] != served[night - 1]]
    row: Row = {
        "promotions": len(changed),
        "worse": sum(truth[night] <= year.truth(served[night - 1], night) for night in changed),
        "gap": statistics.fmean(b - t for b, t in zip(best, truth, strict=True)),
    }
    if world == "abrupt":
        before, after = truth[CHANGE - 1], year.truth(served[CHANGE - 1], CHANGE)
        row["first"] = _since_change(night for night in changed if night >= CHANGE)
        for name, share in (("half", 0.5), ("most", 0.9)):
            wanted = after + share * (before - after)
            row[name] = _since_change(night for night in range(CHANGE, NIGHTS) if truth[night] >= wanted)
    if world in GAINS:
        row["first"] = _since_change(night for night in range(CHANGE, NIGHTS) if served[night][1] >= CHANGE)
    return row


def _since_change(nights: Iterable[int]) -> int:
    """Return how many nights after the change the first one lies; all that are left where there is none."""
    return next(iter(nights), NIGHTS) - CHANGE


def simulate(n_years: int, worlds: Sequence[str], raw: Path) -> list[Row]:
    """Simulate what is missing of the years asked for, and return all that is known of them."""
    raw.parent.mkdir(parents=True, exist_ok=True)
    known: dict[tuple[str, int], Row] = {}
    for line in raw.read_text().splitlines() if raw.exists() else []:
        row = json.loads(line)
        known.setdefault((row["world"], row["seed"]), {}).update(row["rules"])
    table = make_table()
    for seed in range(n_years):
        for world in worlds:
            found = known.setdefault((world, seed), {})
            missing = {name: rule for name, rule in RULES.items() if name not in found}
            if not missing:
                continue
            year = make_year(world, seed, table)
            rules = {name: measure(year, rule(year), world) for name, rule in missing.items()}
            with raw.open("a") as file:
                file.write(json.dumps({"world": world, "seed": seed, "rules": rules}) + "\n")
            found.update(rules)
        print(f"year {seed + 1} of {n_years}", flush=True)
    return [{"world": world, "seed": seed, "rules": rules} for (world, seed), rules in known.items()]


def tables(rows: Sequence[Row]) -> list[str]:
    """Return one table of the four worlds that go on, and one of the gains."""
    by_world = {world: [row["rules"] for row in rows if row["world"] == world] for world in WORLDS}
    counts = ", ".join(f"{world} {len(found)}" for world, found in by_world.items())
    lines = [f"Years: {counts}.", "", *_head()]
    for rule in RULES:
        cells = [
            _calm(_of(by_world["stationary"], rule)),
            *(_moving(_of(by_world[world], rule)) for world in ("slow drift", "seasonal")),
            _abrupt(_of(by_world["abrupt"], rule)),
            *(_delay(_of(by_world[world], rule)) for world in GAINS),
        ]
        lines.append(f"| {rule} | {' | '.join(cells)} |")
    return lines


def _head() -> list[str]:
    gains = [f"nights to a {name}" for name in GAINS]
    columns = (
        "Rule",
        "stationary: needless, worse; years with any; gap",
        "slow drift: promotions, worse; gap",
        "seasonal: promotions, worse; gap",
        "abrupt: nights to the first, half, 90 %; gap",
        *gains,
    )
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def _of(years: Sequence[Mapping[str, Row]], rule: str) -> list[Row]:
    return [year[rule] for year in years if rule in year]


def _mean(rows: Sequence[Row], name: str) -> float:
    return statistics.fmean(row[name] for row in rows)


def _gap(rows: Sequence[Row]) -> str:
    return f"{1000 * _mean(rows, 'gap'):.2f}"


def _calm(rows: Sequence[Row]) -> str:
    if not rows:
        return "-"
    share = statistics.fmean(row["promotions"] > 0 for row in rows)
    return f"{_mean(rows, 'promotions'):.1f}, {_mean(rows, 'worse'):.1f}; {100 * share:.0f} %; {_gap(rows)}"


def _moving(rows: Sequence[Row]) -> str:
    return f"{_mean(rows, 'promotions'):.1f}, {_mean(rows, 'worse'):.1f}; {_gap(rows)}" if rows else "-"


def _abrupt(rows: Sequence[Row]) -> str:
    if not rows:
        return "-"
    nights = ", ".join(f"{statistics.median(row[name] for row in rows):.0f}" for name in ("first", "half", "most"))
    return f"{nights}; {_gap(rows)}"


def _delay(rows: Sequence[Row]) -> str:
    if not rows:
        return "-"
    median = statistics.median(row["first"] for row in rows)
    return "not within the year" if median >= NIGHTS - CHANGE else f"{median:.0f}"


def main() -> int:
    """Simulate, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=100, help="years of each world")
    parser.add_argument("--only", choices=WORLDS, help="one world alone")
    parser.add_argument("--raw", type=Path, default=RAW, help="where the years are kept")
    asked = parser.parse_args()
    os.nice(10)
    with threadpool_limits(limits=1):
        rows = simulate(asked.n, (asked.only,) if asked.only else WORLDS, asked.raw)
    text = "\n".join([*ABOUT, "", *tables(rows), ""])
    RESULTS.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
