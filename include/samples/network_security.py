"""Makes `network_security.db` and `network_security/*.jsonl`: websites as thirty rules see them, and what they are.

Each rule answers 1 (looks legitimate), 0 (suspicious) or -1 (looks like phishing); `Result` is -1 for phishing and 1
for legitimate. Names are those of the public data of phishing websites; the rows are drawn, each answer given the
result from a law of its own, so that `true_probability` is exact: no model can rank fresh rows better than it does.

The same rows stand in a table of SQLite and, one file a day, in documents of Extended JSON as `mongoimport` takes them:
a field without a value is absent there. Every thirty days those who phish adapt: `DRIFTING` rules fool more of them,
step by step. Some rules fail to answer, and a few rows have a 9 where a rule crashed. Day k is drawn from `[seed, k]`
alone; asking for more days later only adds.
"""

import json
import math
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsys.store import write_atomically

FIRST_DAY = date(2026, 3, 1)  # UTC
ROWS_PER_DAY = 185
DAYS_PER_STEP = 30
SEED = 20260303
DATABASE = "network_security.db"
TABLE = "websites"
FOLDER = "network_security"
SHARE_PHISHING = 0.44
SHARE_MISSING = 0.01  # of the answers of `FAILING`
CRASHED = 9
MAX_CRASHED = 2  # rows a day

Values = np.ndarray[Any, np.dtype[Any]]

# rule: percent of -1 and of 0 among legitimate sites, then among phishing ones; the rest is 1.
LAWS: dict[str, tuple[int, int, int, int]] = {
    "having_IP_Address": (30, 0, 39, 0),
    "URL_Length": (80, 2, 83, 1),
    "Shortining_Service": (14, 0, 11, 0),
    "having_At_Symbol": (14, 0, 16, 0),
    "double_slash_redirecting": (14, 0, 11, 0),
    "Prefix_Suffix": (76, 0, 98, 0),
    "having_Sub_Domain": (22, 30, 46, 36),
    "SSLfinal_State": (13, 6, 58, 18),
    "Domain_registeration_length": (72, 0, 58, 0),
    "Favicon": (19, 0, 18, 0),
    "port": (12, 0, 16, 0),
    "HTTPS_token": (17, 0, 15, 0),
    "Request_URL": (31, 0, 53, 0),
    "URL_of_Anchor": (12, 50, 55, 40),
    "Links_in_tags": (28, 38, 46, 42),
    "SFH": (70, 6, 84, 8),
    "Submitting_to_email": (18, 0, 19, 0),
    "Abnormal_URL": (15, 0, 14, 0),
    "Redirect": (0, 89, 0, 87),
    "on_mouseover": (11, 0, 14, 0),
    "RightClick": (4, 0, 5, 0),
    "popUpWidnow": (19, 0, 20, 0),
    "Iframe": (9, 0, 9, 0),
    "age_of_domain": (43, 0, 52, 0),
    "DNSRecord": (28, 0, 36, 0),
    "web_traffic": (15, 20, 39, 28),
    "Page_Rank": (70, 0, 80, 0),
    "Google_Index": (10, 0, 18, 0),
    "Links_pointing_to_page": (4, 54, 6, 57),
    "Statistical_report": (12, 0, 16, 0),
}
RULES = tuple(LAWS)
# rule: percent of phishing sites that go from -1 to 1 with each step of thirty days; three steps are the end of it.
DRIFTING = {"SSLfinal_State": 8, "Prefix_Suffix": 6, "having_Sub_Domain": 5, "web_traffic": 5}
STEPS = 3
FAILING = ("DNSRecord", "age_of_domain", "web_traffic", "Page_Rank")


def make(target: Path, days: int, *, seed: int = SEED, signal: bool = True) -> str:
    """Bring the table and the documents to at least `days` days; days that exist are not touched.

    Args:
        target: folder of the samples.
        days: from the first on.
        seed: of all draws.
        signal: whether a site's answers depend on what it is; without, no model can be better than chance.

    Raises:
        ValueError: fewer than one day.
        sqlite3.Error: the file is locked, not writable, or no SQLite database.
        OSError: the folder is not writable, or the disk is full.
    """
    if days < 1:
        raise ValueError(f"A sample has at least one day, not {days}")
    folder = target / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(target / DATABASE, timeout=60, isolation_level=None)) as database:
        if (n_days := _n_days(database)) < days:
            database.execute("BEGIN IMMEDIATE")
            database.execute(_create_statement())
            database.execute(f"CREATE INDEX IF NOT EXISTS {TABLE}_by_time ON {TABLE} (reported_at)")
            for day in range(_n_days(database), days):
                _insert(database, drop(day, seed=seed, signal=signal))
            database.execute("COMMIT")
            n_days = days
        for day in range(n_days):
            path = folder / f"{FIRST_DAY + timedelta(days=day)}.jsonl"
            if not path.exists():
                write_atomically(path, _documents(_stored(database, day)))
    last = FIRST_DAY + timedelta(days=n_days - 1)
    return (
        f"{target / DATABASE} holds {n_days * ROWS_PER_DAY:,} websites of {n_days} days, {FIRST_DAY} to {last}; "
        f"{folder} has them as documents."
    )


def drop(day: int, *, seed: int = SEED, signal: bool = True) -> pd.DataFrame:
    """Return the rows of a day as the table holds them: with a few crashed rules."""
    random = np.random.default_rng([seed, day])
    rows = _rows(random, ROWS_PER_DAY, day, first_id=500_001 + day * ROWS_PER_DAY, signal=signal)
    crashed = random.choice(len(rows), MAX_CRASHED, replace=False)[: random.poisson(0.7)]
    for row, rule in zip(crashed, random.choice(RULES, len(crashed)), strict=True):
        rows.loc[row, rule] = float(CRASHED)
    return rows


def fresh(n: int, *, day: int, seed: int) -> pd.DataFrame:
    """Return `n` rows of a day's laws that no table holds. Answers are float64, NaN where a rule failed."""
    return _rows(np.random.default_rng([seed, day, 1]), n, day, first_id=1_000_000_000, signal=True)


def true_probability(frame: pd.DataFrame, *, day: int) -> Values:
    """Return `(n_rows,)` P(phishing | answers, given or missing) under a day's laws, by Bayes' theorem.

    A missing answer and a crashed one say nothing, as rules fail for both kinds alike.
    """
    log_odds = np.full(len(frame), math.log(SHARE_PHISHING / (1 - SHARE_PHISHING)))
    for rule in RULES:
        legitimate, phishing = _laws(rule, day)
        answers = frame[rule].to_numpy(dtype=float)
        for answer, p, q in zip((-1, 0, 1), phishing, legitimate, strict=True):
            if p > 0:  # an answer that one kind never gets, the other never gets either
                log_odds[answers == answer] += math.log(p / q)
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _laws(rule: str, day: int) -> tuple[Values, Values]:
    """Return the probabilities of -1, 0 and 1 for legitimate sites, and for phishing ones on a day."""
    here, between, phishing, suspicious = LAWS[rule]
    moved = min(day // DAYS_PER_STEP, STEPS) * DRIFTING.get(rule, 0)
    percent = [(here, between), (phishing - moved, suspicious)]
    legitimate, current = (np.array([minus, zero, 100 - minus - zero]) / 100 for minus, zero in percent)
    return legitimate, current


def _rows(random: np.random.Generator, n: int, day: int, *, first_id: int, signal: bool) -> pd.DataFrame:
    phishing = random.random(n) < SHARE_PHISHING
    looks = phishing if signal else random.random(n) < SHARE_PHISHING
    midnight = np.datetime64(FIRST_DAY + timedelta(days=day), "s")
    reported = midnight + np.sort(random.integers(0, 86400, n)).astype("timedelta64[s]")
    rows: dict[str, Values] = {
        "site_id": first_id + np.arange(n),
        "reported_at": np.char.replace(np.datetime_as_string(reported, unit="s"), "T", " ").astype(object),
    }
    for rule in RULES:
        drawn = [random.choice([-1.0, 0.0, 1.0], n, p=law) for law in _laws(rule, day)]
        rows[rule] = np.where(looks, drawn[1], drawn[0])
    for rule in FAILING:
        rows[rule][random.random(n) < SHARE_MISSING] = np.nan
    rows["Result"] = np.where(phishing, -1, 1)
    return pd.DataFrame(rows)


def _n_days(database: sqlite3.Connection) -> int:
    exists = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone()
    newest = database.execute(f"SELECT max(reported_at) FROM {TABLE}").fetchone()[0] if exists else None  # noqa: S608
    return 0 if newest is None else (date.fromisoformat(newest[:10]) - FIRST_DAY).days + 1


def _create_statement() -> str:
    rules = ", ".join(f"{rule} INTEGER" for rule in RULES)
    columns = f"site_id INTEGER, reported_at TEXT, {rules}, Result INTEGER"
    return f"CREATE TABLE IF NOT EXISTS {TABLE} ({columns})"


def _insert(database: sqlite3.Connection, rows: pd.DataFrame) -> None:
    cells = rows.astype(dict.fromkeys((*RULES, "Result", "site_id"), "Int64")).astype(object)
    marks = ", ".join("?" * cells.shape[1])
    values = cells.where(cells.notna(), None).itertuples(index=False, name=None)
    database.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", values)  # noqa: S608


def _stored(database: sqlite3.Connection, day: int) -> list[dict[str, Any]]:
    """Return the table's rows of a day, so that table and documents can't differ."""
    bounds = [str(FIRST_DAY + timedelta(days=n)) for n in (day, day + 1)]
    query = f"SELECT * FROM {TABLE} WHERE reported_at >= ? AND reported_at < ? ORDER BY rowid"  # noqa: S608
    found = database.execute(query, bounds)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _documents(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(_document(row), separators=(",", ":")) + "\n" for row in rows).encode()


def _document(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if value is not None}
    told["reported_at"] = {"$date": row["reported_at"].replace(" ", "T") + "Z"}
    return {"_id": {"$oid": f"{row['site_id']:024x}"}, **told}
