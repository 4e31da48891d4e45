"""Makes `phishing.db`: websites as a security team's crawlers report them, and the label its analysts give.

Every feature is drawn given the label, each from a law of its own, so the log odds of "phishing" are a sum with one
term per feature, and `true_probability` is exact: no model can rank fresh rows better than it does. Day k is drawn
from `[seed, k]` alone; asking for more days later only appends.

What real tables do stands in it as well: missing values (of `domain_age_days` more often when the site is phishing),
outliers, -1 where a crawler failed, blanks around categories, categories called `None` and `NA`, rows reported twice,
labels that arrive hours to days later, a column that knows the answer (`takedown_ticket`), slow drift, and on
`CHANGE_DAY` attackers who change their tactics. `urls` is text that hardly repeats: what it tells lies in its letters.
"""

import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIRST_DAY = date(2026, 3, 1)  # UTC
CHANGE_DAY = 30  # index of the first day of the new tactics: 2026-03-31
ROWS_PER_DAY = 175
SEED = 20260301
DATABASE, TABLE = "phishing.db", "websites"

Values = np.ndarray[Any, np.dtype[Any]]  # `(n_rows,)`, float64, or object when names


def make(target: Path, days: int, *, seed: int = SEED) -> str:
    """Bring `target/phishing.db` to at least `days` days, in one transaction; days that exist are not touched.

    Raises:
        ValueError: fewer than one day.
        sqlite3.Error: the file is locked, not writable, or no SQLite database.
    """
    if days < 1:
        raise ValueError(f"A sample has at least one day, not {days}")
    target.mkdir(parents=True, exist_ok=True)
    path = target / DATABASE
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({TABLE})")]
        if columns and URLS not in columns:  # made before there was this one: its days have no address
            database.execute(f"ALTER TABLE {TABLE} ADD COLUMN {URLS} TEXT")
        if (n_days := _n_days(database)) < days:
            database.execute("BEGIN IMMEDIATE")
            database.execute(_create_statement())
            database.execute(f"CREATE INDEX IF NOT EXISTS {TABLE}_by_time ON {TABLE} (observed_at)")
            for day in range(_n_days(database), days):
                _insert(database, drop(day, seed=seed))
            database.execute("COMMIT")
            n_days = days
    last, change = FIRST_DAY + timedelta(days=n_days - 1), FIRST_DAY + timedelta(days=CHANGE_DAY)
    return (
        f"{path} holds {n_days * ROWS_PER_DAY:,} websites of {n_days} days, {FIRST_DAY} to {last}; "
        f"from {change} on attackers use other tactics."
    )


def drop(day: int, *, seed: int = SEED) -> pd.DataFrame:
    """Return the rows of a day as the database holds them: with failed measurements, stray blanks and repetitions."""
    random = np.random.default_rng([seed, day])
    rows = _rows(random, ROWS_PER_DAY, day, first_id=100_001 + day * ROWS_PER_DAY)
    failed = random.choice(len(rows), MAX_FAILED, replace=False)[: random.poisson(0.9)]
    for row, column in zip(failed, random.choice(FAILING, len(failed)), strict=True):
        rows.loc[row, column] = -1.0
    for column in CATEGORIES:
        blank = random.choice(["", " ", "  "], (2, len(rows)), p=[0.98, 0.01, 0.01]).astype(object)
        rows[column] = blank[0] + rows[column] + blank[1]
    repeated = random.choice(len(rows), random.choice([0, 1, 2], p=[0.7, 0.2, 0.1]), replace=False)
    both: pd.DataFrame = pd.concat([rows, rows.iloc[repeated]])
    return both.sort_values("observed_at", kind="stable", ignore_index=True)


def fresh(n: int, *, day: int, seed: int) -> pd.DataFrame:
    """Return `n` rows of a day's regime that no database holds: true labels, no recording errors, no repetitions.

    Columns and their order are the table's. Numbers and flags are float64 with NaN for missing, categories are str
    without stray blanks; times are text `YYYY-MM-DD HH:MM:SS`, UTC.
    """
    return _rows(np.random.default_rng([seed, day, 1]), n, day, first_id=1_000_000_000)


def true_probability(frame: pd.DataFrame, *, day: int) -> Values:
    """Return `(n_rows,)` P(phishing | features, present or missing) under a day's regime, by Bayes' theorem.

    `takedown_ticket` is not looked at. A failed measurement (negative) and an outlier say nothing, as they happen
    to both classes alike.
    """
    tactics = _tactics(day)
    log_odds = np.full(len(frame), math.log(SHARE_PHISHING / (1 - SHARE_PHISHING)))
    for column in tactics.laws:
        values, told = _told(frame[column], column)
        terms = [_law(t, column, day).log_density(values[told]) for t in (tactics, LEGITIMATE)]
        log_odds[told] += terms[0] - terms[1]
    for column, (share_legitimate, share_phishing) in SHARE_MISSING.items():
        missing = frame[column].isna().to_numpy()
        present_odds = math.log((1 - share_phishing) / (1 - share_legitimate))
        log_odds += np.where(missing, math.log(share_phishing / share_legitimate), present_odds)
    posts = frame["form_posts_elsewhere"].to_numpy() == 1
    branded = _told(frame["brand"], "brand")[0] != "None"
    p, q = _posts_elsewhere(tactics, branded), _posts_elsewhere(LEGITIMATE, branded)
    log_odds += np.log(np.where(posts, p / q, (1 - p) / (1 - q)))
    return np.asarray(1 / (1 + np.exp(-log_odds)))


@dataclass(frozen=True)
class Count:
    """A whole number of 0 or more with mean `scale`: negative binomial; the smaller `shape`, the longer its tail."""

    scale: float
    shape: float

    def draw(self, random: np.random.Generator, n: int) -> Values:
        """Return `n` values."""
        return random.negative_binomial(self.shape, self.shape / (self.shape + self.scale), n).astype(float)

    def log_density(self, values: Values) -> Values:
        """Return the log density less the binomial coefficient, which is the same for every mean."""
        success = self.shape / (self.shape + self.scale)
        return values * math.log(1 - success) + self.shape * math.log(success)


@dataclass(frozen=True)
class Size:
    """A positive number with median `scale`: log-normal."""

    scale: float
    sigma: float

    def draw(self, random: np.random.Generator, n: int) -> Values:
        """Return `n` values."""
        return np.maximum(np.round(self.scale * np.exp(self.sigma * random.standard_normal(n)), 1), 0.1)

    def log_density(self, values: Values) -> Values:
        """Return the log density less what is the same for all laws."""
        return np.asarray(-0.5 * (np.log(values / self.scale) / self.sigma) ** 2 - math.log(self.sigma))


@dataclass(frozen=True)
class Share:
    """A number between 0 and 1: beta."""

    a: float
    b: float

    def draw(self, random: np.random.Generator, n: int) -> Values:
        """Return `n` values."""
        return np.clip(np.round(random.beta(self.a, self.b, n), 4), 0.0005, 0.9995)

    def log_density(self, values: Values) -> Values:
        """Return the log density."""
        scale = math.lgamma(self.a + self.b) - math.lgamma(self.a) - math.lgamma(self.b)
        return np.asarray(scale + (self.a - 1) * np.log(values) + (self.b - 1) * np.log1p(-values))


@dataclass(frozen=True)
class Remaining:
    """Days left of a term, each day of the term alike; `terms` maps a term's length to its probability."""

    terms: Mapping[int, float]

    def draw(self, random: np.random.Generator, n: int) -> Values:
        """Return `n` values."""
        lengths = random.choice(list(self.terms), n, p=list(self.terms.values()))
        return np.floor(lengths * random.random(n))

    def log_density(self, values: Values) -> Values:
        """Return the log probability."""
        return np.log(sum(p / length * (values < length) for length, p in self.terms.items()))


@dataclass(frozen=True)
class Choice:
    """One of a few names, or a flag: 0 or 1."""

    probabilities: Mapping[Any, float]

    def draw(self, random: np.random.Generator, n: int) -> Values:
        """Return `n` values."""
        names = np.array(list(self.probabilities))
        drawn = names[random.choice(len(names), n, p=list(self.probabilities.values()))]
        return np.asarray(drawn.astype(object) if drawn.dtype.kind == "U" else drawn)

    def log_density(self, values: Values) -> Values:
        """Return the log probability."""
        logs = {name: math.log(p) for name, p in self.probabilities.items()}
        return pd.Series(values).map(logs).to_numpy(dtype=float)


@dataclass(frozen=True)
class Address:
    """A name, a word and a tail, `mila-toka/l0gin/a7f3`; but for the word and three signs all is drawn alike."""

    word: Choice
    signs: tuple[float, float, float]  # P(digits for letters in the word, a hyphen in the name, a foreign letter in it)

    def draw(self, random: np.random.Generator, n: int) -> Values:
        """Return `n` addresses, by random numbers of their own: other columns are as without this one."""
        random = random.spawn(1)[0]
        signs = (random.random((n, 3)) < self.signs).tolist()
        letters = np.column_stack([random.choice(SYLLABLES, (n, 4)), random.integers(10**5, 10**6, n).astype(str)])
        found = self.word.draw(random, n)
        for row, ((digits, hyphen, foreign), (a, b, c, d, tail)) in enumerate(zip(signs, letters, strict=True)):
            name = f"{a}{b}{'-' * hyphen}{c}{d}".replace("a", FOREIGN if foreign else "a", 1)
            found[row] = f"{name}/{found[row].translate(DISGUISE) if digits else found[row]}/{tail}"
        return np.where(random.random(n) < SHARE_WITHOUT_URL, None, found)

    def log_density(self, values: Values) -> Values:
        """Return the log probability of the word and the signs."""
        plain = {word.translate(DISGUISE): word for word in self.word.probabilities}
        parts = [value.split("/")[-3:] for value in values]
        signs = np.array([(word in plain, "-" in name, FOREIGN in name) for name, word, _ in parts]).reshape(-1, 3)
        words = np.array([plain.get(word, word) for _, word, _ in parts], dtype=object)
        told = np.log(np.where(signs, self.signs, 1 - np.array(self.signs))).sum(axis=1)
        return np.asarray(self.word.log_density(words) + told)


Law = Count | Size | Share | Remaining | Choice | Address


def yes(probability: float) -> Choice:
    """Return the law of a flag, 1 with this probability."""
    return Choice({1.0: probability, 0.0: 1 - probability})


def names(text: str) -> Choice:
    """Return the law of a category from `name percent name percent ...`."""
    words = text.split()
    return Choice({name: int(percent) / 100 for name, percent in zip(words[::2], words[1::2], strict=True)})


@dataclass(frozen=True)
class Tactics:
    """The laws of one kind of website. `form_posts_elsewhere` depends on whether the page names a brand."""

    laws: Mapping[str, Law]
    posts_elsewhere_with_brand: float
    posts_elsewhere_without: float


# Three laws each: of legitimate sites; of phishing by the old tactics, cheap and loud (young domains under cheap
# endings, long addresses, no certificate, forms that post elsewhere); of phishing by the new ones, quiet (hijacked old
# domains with short addresses and fresh certificates; scripts hide, redirects do the work).
LAWS: dict[str, tuple[Law, Law, Law]] = {
    "url_length": (Count(52, 4), Count(74, 4), Count(38, 4)),
    "n_dots": (Count(2.0, 8), Count(3.0, 8), Count(1.8, 8)),
    "n_subdomains": (Count(0.8, 4), Count(1.5, 4), Count(0.5, 4)),
    "n_digits": (Count(2.5, 1.2), Count(5.0, 1.2), Count(1.8, 1.2)),
    "domain_age_days": (Count(2400, 1.2), Count(900, 1.2), Count(2700, 1.2)),
    "has_https": (yes(0.90), yes(0.66), yes(0.985)),
    "certificate_days": (
        Remaining({90: 0.50, 365: 0.50}),
        Remaining({90: 0.60, 365: 0.40}),
        Remaining({90: 0.92, 365: 0.08}),
    ),
    "n_redirects": (Count(0.7, 3), Count(0.8, 3), Count(1.9, 3)),
    "n_external_links": (Count(30, 1.5), Count(28, 1.5), Count(14, 1.5)),
    "page_size_kb": (Size(420, 0.9), Size(400, 0.9), Size(230, 0.9)),
    "obfuscated_share": (Share(1.4, 5), Share(1.6, 5), Share(3.2, 5)),
    "tld": (
        names("com 46 org 11 net 10 ie 9 de 8 io 5 info 4 xyz 3 top 2 None 2"),
        names("com 30 org 7 net 10 ie 2 de 3 io 5 info 14 xyz 15 top 12 None 2"),
        names("com 52 org 16 net 9 ie 4 de 5 io 6 info 3 xyz 2 top 1 None 2"),
    ),
    "registrar": (
        names("Northreg 34 Dotwise 26 OpenNames 18 Bulkdom 9 Quickname 6 None 7"),
        names("Northreg 20 Dotwise 17 OpenNames 18 Bulkdom 24 Quickname 12 None 9"),
        names("Northreg 38 Dotwise 24 OpenNames 8 Bulkdom 6 Quickname 18 None 6"),
    ),
    "hosting_country": (
        names("US 38 DE 17 IE 13 NL 12 FR 9 RU 4 SG 4 NA 3"),
        names("US 33 DE 12 IE 4 NL 14 FR 8 RU 17 SG 9 NA 3"),
        names("US 24 DE 12 IE 5 NL 27 FR 11 RU 2 SG 14 NA 5"),
    ),
    "brand": (
        names("None 70 bank 8 parcel 6 mail 8 shop 8"),
        names("None 50 bank 16 parcel 10 mail 14 shop 10"),
        names("None 30 bank 28 parcel 16 mail 18 shop 8"),
    ),
    "urls": (
        Address(names("login 13 account 13 secure 5 verify 3 article 31 gallery 17 about 18"), (0.03, 0.12, 0.02)),
        Address(names("login 20 account 17 secure 15 verify 14 article 14 gallery 9 about 11"), (0.22, 0.3, 0.04)),
        Address(names("login 18 account 21 secure 16 verify 11 article 16 gallery 9 about 9"), (0.2, 0.24, 0.12)),
    ),
}


def _laws(place: int) -> dict[str, Law]:
    return {name: laws[place] for name, laws in LAWS.items()}


LEGITIMATE = Tactics(_laws(0), posts_elsewhere_with_brand=0.06, posts_elsewhere_without=0.04)
OLD_TACTICS = Tactics(_laws(1), posts_elsewhere_with_brand=0.34, posts_elsewhere_without=0.10)
NEW_TACTICS = Tactics(_laws(2), posts_elsewhere_with_brand=0.05, posts_elsewhere_without=0.04)
SHARE_PHISHING = 0.36
SHARE_MISSING = {  # of legitimate and of phishing sites: who phishes hides the owner, and with it the age
    "domain_age_days": (0.06, 0.24),
    "n_external_links": (0.03, 0.03),
    "page_size_kb": (0.04, 0.04),
}
DRIFT = {"url_length": 0.10, "n_external_links": 0.15, "page_size_kb": 0.20}  # growth of both classes, at last
SHARE_OUTLIERS = 0.004
OUTLIERS_FROM = {"url_length": 1500, "n_redirects": 60, "n_external_links": 2000}  # no law comes near them
URLS, SHARE_WITHOUT_URL = "urls", 0.02  # the last column; of both classes
SYLLABLES = ("ba", "da", "fa", "ka", "la", "ma", "na", "pa", "ra", "sa", "ta", "va")
FOREIGN, DISGUISE = "\u0430", str.maketrans("olei", "0131")  # Cyrillic for an `a`; each word has a letter to disguise
CATEGORIES = ("tld", "registrar", "hosting_country", "brand")
FRACTIONS = ("page_size_kb", "obfuscated_share")  # the other numbers are whole
FAILING = ("url_length", "domain_age_days", "n_redirects", "n_external_links")  # -1: the measurement failed
MAX_FAILED = 2  # rows a day


def _told(column: pd.Series, name: str) -> tuple[Values, Values]:
    """Return a column's values, and which of them tell something about the label."""
    if name in (*CATEGORIES, URLS):
        stripped = {value: value.strip() for value in column.dropna().unique()}
        return column.map(stripped).to_numpy(dtype=object), column.notna().to_numpy()
    values = column.to_numpy(dtype=float)
    return values, (values >= 0) & (values < OUTLIERS_FROM.get(name, math.inf))


def _tactics(day: int) -> Tactics:
    return OLD_TACTICS if day < CHANGE_DAY else NEW_TACTICS


def _law(tactics: Tactics, column: str, day: int) -> Law:
    law = tactics.laws[column]
    if column in DRIFT and isinstance(law, Count | Size):
        return replace(law, scale=law.scale * (1 + DRIFT[column] * math.tanh(day / 60)))
    return law


def _posts_elsewhere(tactics: Tactics, branded: Values) -> Values:
    return np.where(branded, tactics.posts_elsewhere_with_brand, tactics.posts_elsewhere_without)


def _rows(random: np.random.Generator, n: int, day: int, *, first_id: int) -> pd.DataFrame:
    phishing = random.random(n) < SHARE_PHISHING
    midnight = np.datetime64(FIRST_DAY + timedelta(days=day), "s")
    observed = midnight + np.sort(random.integers(0, 86400, n)).astype("timedelta64[s]")
    hours = 9 * np.exp(0.7 * random.standard_normal(n))  # until an analyst has looked: few take over 3 days
    rows: dict[str, Values] = {"website_id": first_id + np.arange(n), "observed_at": _text(observed)}
    rows |= _features(random, phishing, day)
    ticket = np.char.add("T-", rows["website_id"].astype(str)).astype(object)
    rows["takedown_ticket"] = np.where(phishing & (random.random(n) < 0.9), ticket, np.array(None, dtype=object))
    rows["label"] = np.where(phishing, "phishing", "legitimate").astype(object)
    rows["labelled_at"] = _text(observed + (3600 * hours).astype("timedelta64[s]"))
    rows[URLS] = rows.pop(URLS)
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in rows.items()})


def _features(random: np.random.Generator, phishing: Values, day: int) -> dict[str, Values]:
    n, tactics = len(phishing), _tactics(day)
    features = {}
    for column in tactics.laws:
        drawn = [_law(t, column, day).draw(random, n) for t in (LEGITIMATE, tactics)]
        features[column] = np.where(phishing, drawn[1], drawn[0])
    branded = features["brand"] != "None"
    posts = np.where(phishing, _posts_elsewhere(tactics, branded), _posts_elsewhere(LEGITIMATE, branded))
    features["form_posts_elsewhere"] = (random.random(n) < posts).astype(float)
    features["certificate_days"][features["has_https"] == 0] = np.nan
    for column, start in OUTLIERS_FROM.items():
        hit = random.random(n) < SHARE_OUTLIERS
        features[column] = np.where(hit, np.floor(start * (1 + 3 * random.random(n))), features[column])
    for row, rest in enumerate(features[URLS]):
        ending, secure = features["tld"][row].replace("None", "local"), "s" * int(features["has_https"][row])
        features[URLS][row] = rest and f"http{secure}://{rest.replace('/', f'.{ending}/', 1)}"
    for column, shares in SHARE_MISSING.items():
        features[column][random.random(n) < np.where(phishing, shares[1], shares[0])] = np.nan
    return features


def _text(times: Values) -> Values:
    return np.char.replace(np.datetime_as_string(times, unit="s"), "T", " ").astype(object)


def _n_days(database: sqlite3.Connection) -> int:
    exists = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone()
    newest = database.execute(f"SELECT max(observed_at) FROM {TABLE}").fetchone()[0] if exists else None  # noqa: S608
    return 0 if newest is None else (date.fromisoformat(newest[:10]) - FIRST_DAY).days + 1


def _create_statement() -> str:
    texts = ("observed_at", *CATEGORIES, "takedown_ticket", "label", "labelled_at", URLS)
    types = dict.fromkeys(texts, "TEXT") | dict.fromkeys(FRACTIONS, "REAL")
    columns = [f"{name} {types.get(name, 'INTEGER')}" for name in drop(0).columns]
    return f"CREATE TABLE IF NOT EXISTS {TABLE} ({', '.join(columns)})"


def _insert(database: sqlite3.Connection, rows: pd.DataFrame) -> None:
    whole = rows.select_dtypes("number").columns.difference(list(FRACTIONS))
    cells = rows.astype(dict.fromkeys(whole, "Int64")).astype(object)
    marks = ", ".join("?" * cells.shape[1])
    values = cells.where(cells.notna(), None).itertuples(index=False, name=None)
    database.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", values)  # noqa: S608
