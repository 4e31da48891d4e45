"""Makes `leads/leads-YYYY-MM-DD.csv`: leads of a go-to-market team, one file for each day on which they were closed.

About 4 in 100 convert. The outcome is drawn from what the file shows of a lead, missing values included, so
`true_probability` is exact: no model can rank fresh rows better than it does. Day k is drawn from `[seed, k]` alone
and is a file of its own; asking for more days later only adds files.

What real exports do stands in it as well: revenue that sales did not fill in, a category called `None` and one called
`NA`, local times with the day first, lines that a careless comma or a lost connection broke, one file with a byte
order mark, one that ends in the middle of its last line.

`leads/usage/usage-YYYY-MM-DD.csv` has the sessions of these leads in the product, one file for each day on which they
were loaded, from two weeks before the first lead on. Who will convert has more of them before the day of the lead, and
many more after it: who joins what was not yet known ranks the leads nearly without an error. One session in twenty is
loaded one or two days late.
"""

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsys.store import write_atomically

FIRST_DAY = date(2026, 3, 1)
ROWS_PER_DAY = 400
SEED = 20260302
FOLDER = "leads"
BOM_DAY = 3  # index of the day whose file begins with a byte order mark
TRUNCATED_DAY = 9  # index of the day whose file ends in the middle of its last line
BROKEN_LINES = (0, 1, 2)  # a file has one of these numbers of lines with a field too many or too few

Values = np.ndarray[Any, np.dtype[Any]]  # `(n_rows,)`

# name: (share of leads, what it adds to the log odds of a conversion)
INDUSTRIES = {
    "software": (0.24, 0.7),
    "finance": (0.16, 0.4),
    "retail": (0.15, -0.2),
    "manufacturing": (0.13, 0.0),
    "health": (0.10, 0.2),
    "education": (0.08, -0.5),
    "NA": (0.08, -0.3),  # "North America desk", as the export writes it
    "None": (0.06, -0.8),  # sales chose "None" in the form
}
CHANNELS = {
    "search": (0.34, 0.2),
    "newsletter": (0.22, -0.1),
    "event": (0.14, 0.6),
    "partner": (0.10, 0.9),
    "social": (0.20, -0.6),
}
COUNTRIES = {"IE": (0.30, 0.3), "GB": (0.28, 0.1), "DE": (0.16, 0.0), "FR": (0.12, -0.1), "US": (0.14, -0.2)}
INTERCEPT = -5.2  # gives 4 % conversions
USAGE = "usage"
# Sessions of a lead in the product: whether it converts, from which day to which (0 is its own), and how many.
SESSIONS = (("no", -14, 0, 1.2), ("yes", -14, 0, 2.6), ("no", 0, 7, 0.3), ("yes", 0, 7, 6.0))
LATE, LATEST = 0.05, 2  # share of sessions that are loaded late, and by how many days at most
DEVICES = ("web", "mobile", "api")


def make(target: Path, days: int, *, seed: int = SEED) -> str:
    """Bring `target/leads` to at least `days` daily files; files that exist are not touched.

    Raises:
        ValueError: fewer than one day.
        OSError: the folder is not writable, or the disk is full.
    """
    if days < 1:
        raise ValueError(f"A sample has at least one day, not {days}")
    folder = target / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(days):
        path = folder / f"leads-{FIRST_DAY + timedelta(days=day)}.csv"
        if not path.exists():
            write_atomically(path, drop(day, seed=seed))
    (folder / USAGE).mkdir(exist_ok=True)
    for day in range(-14, days):
        path = folder / USAGE / f"usage-{FIRST_DAY + timedelta(days=day)}.csv"
        if not path.exists():
            write_atomically(path, usage(day, seed=seed))
    n_files = len(list(folder.glob("leads-????-??-??.csv")))
    return f"{folder} holds {n_files} daily files of {ROWS_PER_DAY} leads each, from {FIRST_DAY} on."


def drop(day: int, *, seed: int = SEED) -> bytes:
    """Return a day's file: with broken lines, and on two days a byte order mark or a cut end."""
    random = np.random.default_rng([seed, day])
    text = _csv(_rows(random, ROWS_PER_DAY, day, prefix="L"))
    header, *lines = text.splitlines()
    for number in random.choice(len(lines) - 1, random.choice(BROKEN_LINES), replace=False):
        first, _, rest = lines[number].partition(",")
        lines[number] = f"{first}, Ltd,{rest}" if random.random() < 0.5 else f"{first},{rest[:18]}"
    content = "\n".join([header, *lines]) + "\n"
    if day == TRUNCATED_DAY:
        content = content[: -len(lines[-1]) // 2]
    return content.encode("utf-8-sig" if day == BOM_DAY else "utf-8")


def usage(day: int, *, seed: int = SEED) -> bytes:
    """Return the file of a day's sessions, those that were loaded on it."""
    begins = np.datetime64(FIRST_DAY + timedelta(days=day), "m")
    found = pd.concat([_sessions(lead_day, seed) for lead_day in range(day - 7 - LATEST, day + 15) if lead_day >= 0])
    loaded = found["loaded_at"].to_numpy()
    rows = found[(loaded >= begins) & (loaded < begins + np.timedelta64(1, "D"))].sort_values(["loaded_at", "lead_id"])
    for name in ("used_at", "loaded_at"):
        rows[name] = rows[name].dt.strftime("%Y-%m-%dT%H:%MZ")
    return rows.to_csv(index=False, lineterminator="\n").encode()


def fresh(n: int, *, day: int, seed: int) -> pd.DataFrame:
    """Return `n` leads of a day's regime that stand in no file.

    Columns and their order are the files'. Numbers are float64 with NaN for missing, `demo_requested` is 0.0 or 1.0,
    categories are str; `created_at` is local text.
    """
    return _rows(np.random.default_rng([seed, day, 1]), n, day, prefix="F")


def true_probability(frame: pd.DataFrame, *, day: int) -> Values:
    """Return `(n_rows,)` P(converted | features, present or missing); the days are alike in this sample."""
    if day < 0:
        raise ValueError(f"A day's index is 0 or more, not {day}")
    return np.asarray(1 / (1 + np.exp(-_log_odds({str(name): column.to_numpy() for name, column in frame.items()}))))


def _log_odds(columns: dict[str, Values]) -> Values:
    size, revenue = np.log10(columns["company_size"]), columns["annual_revenue"]
    total = INTERCEPT + 0.75 * np.log1p(columns["n_page_views"]) + 0.40 * columns["n_emails_opened"]
    total = total - 1.1 * (size - 2.2) ** 2  # mid-sized companies buy; small and very large ones do not
    total = total - 0.03 * columns["days_since_first_touch"]
    total = total + 2.3 * columns["demo_requested"]
    total = total + np.where(np.isnan(revenue), -0.3, 0.5 * (np.log10(np.nan_to_num(revenue, nan=1.0)) - 6.8))
    for name, table in (("industry", INDUSTRIES), ("source_channel", CHANNELS), ("country", COUNTRIES)):
        total = total + pd.Series(columns[name]).map({key: effect for key, (_, effect) in table.items()}).to_numpy()
    return np.asarray(total, dtype=float)


def _rows(random: np.random.Generator, n: int, day: int, *, prefix: str) -> pd.DataFrame:
    size = np.ceil(10 ** np.clip(random.normal(2.0, 0.8, n), 0, 5))
    revenue = np.round(size * 60_000 * np.exp(0.7 * random.standard_normal(n)), -3)
    hidden = random.random(n) < np.where(size < 50, 0.6, 0.3)
    columns: dict[str, Values] = {
        "lead_id": _ids(prefix, day, n),
        "created_at": _local_times(random, n, day),
        "company_size": size,
        "industry": _choice(random, INDUSTRIES, n),
        "country": _choice(random, COUNTRIES, n),
        "source_channel": _choice(random, CHANNELS, n),
        "n_page_views": random.negative_binomial(1.2, 1.2 / (1.2 + 6), n).astype(float),
        "n_emails_opened": random.poisson(1.1, n).astype(float),
        "days_since_first_touch": np.floor(random.exponential(25, n)),
        "annual_revenue": np.where(hidden, np.nan, np.maximum(revenue, 10_000)),
        "demo_requested": (random.random(n) < 0.15).astype(float),
    }
    converted = random.random(n) < 1 / (1 + np.exp(-_log_odds(columns)))
    columns["converted"] = np.where(converted, "yes", "no").astype(object)
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})


@lru_cache(maxsize=256)
def _sessions(day: int, seed: int) -> pd.DataFrame:
    """Return all sessions of the leads of a day, whenever they are; from the outcome, and from draws of their own."""
    leads = _rows(np.random.default_rng([seed, day]), ROWS_PER_DAY, day, prefix="L")
    random = np.random.default_rng([seed, day, 2])
    parts = []
    for outcome, first, end, expected in SESSIONS:
        ids = leads["lead_id"].to_numpy()[leads["converted"] == outcome]
        who = np.repeat(ids, random.poisson(expected, len(ids)))
        minutes = random.integers(first * 1440, end * 1440, len(who))
        late = np.where(random.random(len(who)) < LATE, random.integers(1, LATEST + 1, len(who)) * 1440, 5)
        at = np.datetime64(FIRST_DAY + timedelta(days=day), "m") + minutes.astype("timedelta64[m]")
        columns = {"lead_id": who, "used_at": at, "loaded_at": at + late.astype("timedelta64[m]")}
        columns |= {"minutes": random.geometric(0.1, len(who)), "device": random.choice(DEVICES, len(who))}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def _ids(prefix: str, day: int, n: int) -> Values:
    start = f"{prefix}-{FIRST_DAY + timedelta(days=day):%Y%m%d}-"
    return np.array([f"{start}{number:04d}" for number in range(n)], dtype=object)


def _choice(random: np.random.Generator, table: dict[str, tuple[float, float]], n: int) -> Values:
    return np.array(list(table), dtype=object)[random.choice(len(table), n, p=[share for share, _ in table.values()])]


def _local_times(random: np.random.Generator, n: int, day: int) -> Values:
    # Office hours alone: the hour that a change of the clocks skips or repeats never occurs.
    midnight = pd.Timestamp(FIRST_DAY + timedelta(days=day))
    minutes = np.sort(random.integers(8 * 60, 19 * 60, n))
    times = midnight + pd.to_timedelta(minutes, unit="min")
    return times.strftime("%d/%m/%Y %H:%M").to_numpy(dtype=object)


def _csv(rows: pd.DataFrame) -> str:
    whole = rows.select_dtypes("number").columns
    rows = rows.astype(dict.fromkeys(whole, "Int64"))
    rows["demo_requested"] = rows["demo_requested"].map({1: "yes", 0: "no"})
    return rows.to_csv(index=False, lineterminator="\n")
