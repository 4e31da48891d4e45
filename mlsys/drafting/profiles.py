"""One reading of a table in bounded memory: a profile of each column, and a sample of whole rows.

What a column might be declared as is tried on every value by the code that reads it in a run (`logical_values`), so
that what fits here fits there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlsys.drafting.hypotheses import NULLISH, Hypothesis, hypotheses
from mlsys.schema import spelt
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_MOST_VALUES = 1000  # different ones that are counted exactly
_SKETCH = 4096  # smallest hashes: the number of others follows from them to within two per cent
_LARGEST_KEY = 50_000_000  # rows of which a column can be shown to be a key: their hashes are held
SAMPLED = 20_000  # whole rows


@dataclass
class Profile:
    """What the values of a column have shown.

    Attributes:
        n_rows: all rows; `n_known`: those with a value that is no spelling of a missing one.
        nullish: how often each such spelling stands there.
        values: how often each value stands there, by its spelling; None where there are more than a thousand.
        unique: no known value stands there twice.
        longest: characters of the longest value; n_blanks, n_points: blanks and points in all of them together.
        n_leading_zero: digits with a zero in front; n_json: values in braces or brackets.
        n_instants: times of day with an offset.
        is_text: values came as text, at least some.
        unreadable: the Arrow type of a column that no logical type holds, or an empty text.
    """

    name: str
    n_rows: int = 0
    n_known: int = 0
    nullish: Counter[str] = field(default_factory=Counter)
    values: Counter[str] | None = field(default_factory=Counter)
    unique: bool = True
    longest: int = 0
    n_blanks: int = 0
    n_leading_zero: int = 0
    n_json: int = 0
    n_instants: int = 0
    n_points: int = 0
    is_text: bool = False
    unreadable: str = ""
    examples: list[str] = field(default_factory=list)
    hypotheses: list[Hypothesis] | None = None
    _hashes: list[np.ndarray] = field(default_factory=list)
    _smallest: np.ndarray | None = None

    @property
    def n_missing(self) -> int:
        """Rows without a known value."""
        return self.n_rows - self.n_known

    @property
    def n_distinct(self) -> int:
        """How many different known values there are; beyond a thousand an estimate."""
        if self.values is not None:
            return len(self.values)
        assert self._smallest is not None
        if len(self._smallest) < _SKETCH:
            return len(self._smallest)
        return max(_MOST_VALUES, round((_SKETCH - 1) / (float(self._smallest[-1]) / 2.0**64)))

    def add(self, raw: pa.Array) -> None:
        """Take in the values of a batch."""
        import pyarrow as pa
        import pyarrow.compute as pc

        self.n_rows += len(raw)
        if pa.types.is_dictionary(raw.type):
            raw = raw.cast(raw.type.value_type)
        if pa.types.is_null(raw.type) or self.unreadable:
            return
        found = pc.value_counts(raw.drop_null()) if _countable(raw.type) else None
        if found is None:
            self.unreadable = str(raw.type)
            return
        values, counts = found.field(0), found.field(1).to_numpy()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values, counts = self._less_missing(values.cast(pa.string()), counts)
            texts, self.is_text = values, True
        else:
            texts = spelt(values)
            if texts.null_count:  # NaN
                known = pc.is_valid(texts)
                values, texts, counts = values.filter(known), texts.filter(known), counts[known.to_numpy(False)]
        if not len(values):
            return
        self.n_known += int(counts.sum())
        self._note_texts(texts, counts)
        if self.hypotheses is None:
            self.hypotheses = hypotheses(values)
        for hypothesis in self.hypotheses:
            hypothesis.try_on(values, texts, counts)

    def _less_missing(self, values: pa.Array, counts: np.ndarray) -> tuple[pa.Array, np.ndarray]:
        import pyarrow as pa
        import pyarrow.compute as pc

        values = pc.utf8_trim_whitespace(values)
        missing = pc.is_in(values, value_set=pa.array(NULLISH, pa.string()))
        mask = missing.to_numpy(zero_copy_only=False)
        for text, n in zip(values.filter(missing).to_pylist(), counts[mask], strict=True):
            self.nullish[text] += int(n)
        return values.filter(pc.invert(missing)), counts[~mask]

    def _note_texts(self, texts: pa.Array, counts: np.ndarray) -> None:
        import pyarrow.compute as pc

        if len(self.examples) < 20:
            self.examples += texts.slice(0, 20).to_pylist()
        lengths = pc.utf8_length(texts)
        self.longest = max(self.longest, pc.max(lengths).as_py())
        self.n_blanks += int((pc.count_substring(texts, " ").to_numpy() * counts).sum())
        self.n_leading_zero += _of(texts, counts, r"^0[0-9]+$")
        self.n_points += int((pc.count_substring(texts, ".").to_numpy() * counts).sum())
        self.n_instants += _of(texts, counts, r":[0-9.,:]+ ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$")
        self.n_json += _of(texts, counts, r"^(\{.*\}|\[.*\])$")
        if self.values is not None:
            self.values.update(dict(zip(texts.to_pylist(), counts.tolist(), strict=True)))
            if len(self.values) > _MOST_VALUES:
                self.values = None
        self._note_hashes(texts, counts)

    def _note_hashes(self, texts: pa.Array, counts: np.ndarray) -> None:
        import numpy as np
        import pandas as pd

        objects = texts.to_numpy(zero_copy_only=False)
        hashes = np.sort(pd.util.hash_array(objects, categorize=False))
        if self.unique:
            seen_before = any(np.isin(hashes, earlier, assume_unique=True).any() for earlier in self._hashes)
            if counts.max() > 1 or seen_before or self.n_rows > _LARGEST_KEY:
                self.unique, self._hashes = False, []
            else:
                self._hashes.append(hashes)
        smallest = hashes if self._smallest is None else np.union1d(self._smallest, hashes)
        self._smallest = np.unique(smallest)[:_SKETCH]


@dataclass
class ReadTable:
    """A table that was read once.

    Attributes:
        profiles: by column, in the order of the table.
        sample: raw rows `(at most 20,000, n_columns)`, each with the same chance, in the order of the table.
    """

    profiles: dict[str, Profile]
    sample: pa.Table
    n_rows: int


def read_once(names: Sequence[str], batches: Iterable[pa.RecordBatch]) -> ReadTable:
    """Return the profiles of all columns and a sample of the rows.

    Raises:
        DataError, TransientError: as the source.
    """
    import numpy as np
    import pyarrow as pa

    profiles = {name: Profile(name) for name in names}
    random, n_rows = np.random.default_rng(0), 0
    places, kept = np.zeros(0), pa.table({name: pa.nulls(0) for name in names})
    for batch in batches:
        for name in names:
            profiles[name].add(batch.column(name))
        drawn, here = random.random(batch.num_rows), pa.Table.from_batches([batch])
        if len(places) == SAMPLED:
            wanted = drawn < places.max()
            drawn, here = drawn[wanted], here.filter(pa.array(wanted))
        places, kept = np.concatenate([places, drawn]), _joined(kept, here) if len(places) else here
        if len(places) > SAMPLED:
            order = np.sort(np.argpartition(places, SAMPLED)[:SAMPLED])
            places, kept = places[order], kept.take(pa.array(order))
        n_rows += batch.num_rows
    return ReadTable(profiles, kept.combine_chunks(), n_rows)


def share_in_words(n: int, of: int, what: str) -> str:
    """Return `3 % missing`, or `2 rows missing` where that is less than half a per cent."""
    share = n / of if of else 0.0
    return f"{share:.0%} {what}".replace("%", " %") if share >= 0.005 else f"{counted(n, 'row')} {what}"


def _joined(first: pa.Table, second: pa.Table) -> pa.Table:
    import pyarrow as pa

    if first.schema == second.schema:
        return pa.concat_tables([first, second])
    columns = {}
    for name in first.column_names:
        parts = [table[name].combine_chunks() for table in (first, second)]
        if len({part.type for part in parts if not pa.types.is_null(part.type)}) > 1:
            parts = [_text_of(part) for part in parts]
        kind = next((part.type for part in parts if not pa.types.is_null(part.type)), pa.null())
        columns[name] = pa.chunked_array([part.cast(kind) for part in parts], kind)
    return pa.table(columns)


def _text_of(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_null(values.type) or pa.types.is_string(values.type):
        return values.cast(pa.string())
    return spelt(values) if _countable(values.type) else pa.nulls(len(values), pa.string())


def _countable(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_duration(kind) or types.is_time(kind):
        return False
    known = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_temporal)
    return types.is_string(kind) or types.is_large_string(kind) or any(is_one(kind) for is_one in known)


def _of(texts: pa.Array, counts: np.ndarray, pattern: str) -> int:
    import pyarrow.compute as pc

    return int(counts[pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)].sum())
