"""What monitors look at of each feature: its values, what is missing, what is new; of a text its length and novelty."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

MISSING, UNSEEN = "missing", "unseen"
LONGEST = 500  # characters of a text that are looked at
_N = 3


class ThenAndNow(NamedTuple):
    """A feature, or one summary of a text, then and now: `(n_reference,)` and `(n_current,)` values."""

    name: str
    then: pd.Series
    now: pd.Series


def compared(reference: pd.DataFrame, rows: pd.DataFrame, texts: Collection[str]) -> Iterator[ThenAndNow]:
    """Yield the features then and now, in the order of the reference; the shares of a text's values say nothing of it.

    The novelty of texts is that of about half the rows, and of none where all are missing.
    """
    for column in reference.columns:
        then, now = reference[column], rows[column]
        if column in texts:
            yield ThenAndNow(f"{column}: length", _lengths(then), _lengths(now))
            yield ThenAndNow(f"{column}: new trigrams", *_novelties(then, now))
        else:
            yield ThenAndNow(str(column), then, now)


def gaps(reference: pd.DataFrame, rows: pd.DataFrame, texts: Collection[str]) -> Iterator[ThenAndNow]:
    """Yield which rows have no value, of columns where some have none, and which have one that is new, of categories.

    New then is a value that occurs once: the share of these estimates the probability of one that does not occur at all
    (Good, Biometrika 40, 1953), so that rare names, and those that never repeat, don't seem new now alone.
    """
    for column in reference.columns:
        then, now = reference[column], rows[column]
        missing = then.isna(), now.isna()
        if any(side.any() for side in missing):
            yield ThenAndNow(f"{column}: {MISSING}", *(side.astype("float64") for side in missing))
        if column in texts or then.dtype.kind == "f":
            continue
        times = then.value_counts()
        unseen = then.isin(times.index[times == 1]), now.notna() & ~now.isin(times.index)
        if unseen[1].any():
            yield ThenAndNow(f"{column}: {UNSEEN}", *(side.astype("float64") for side in unseen))


def base_name(name: str, columns: Collection[str]) -> str:
    """Return the column that a part is about: `kind` of `kind: missing`."""
    return name if name in columns else name.rpartition(": ")[0] or name


def _lengths(texts: pd.Series) -> pd.Series:
    return texts.str.len().astype("float64")


def _novelties(then: pd.Series, now: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the share of each text's trigrams that one half of the reference lacks: of the other half's, then and now.

    Against all of the reference its own texts would have nothing new, and any text now would seem to differ. Halves
    go by the texts themselves, now as then: the order of rows plays no part, and no text stands on both sides.
    """
    then, now = then.dropna(), now.dropna()
    known: set[str] = set().union(*(_trigrams(text) for text in then[~_other_half(then)].unique()))

    def novelty(text: str) -> float:
        found = _trigrams(text)
        return len(found - known) / len(found)

    others = (texts[_other_half(texts)] for texts in (then, now))
    one, two = (texts.map(novelty).astype("float64") for texts in others)
    return one, two


def _other_half(texts: pd.Series) -> pd.Series:
    return texts.map(lambda text: zlib.crc32(text.encode("utf-8", "replace")) % 2 == 1).astype(bool)


def _trigrams(text: str) -> set[str]:
    padded = f" {text[:LONGEST]}  "
    return {padded[place : place + _N] for place in range(len(padded) - _N + 1)}
