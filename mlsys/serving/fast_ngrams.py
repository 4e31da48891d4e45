"""N-grams of characters in many texts at once: a trie of the vocabulary, walked from every character together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

_CELLS = 4_000_000  # of the table of steps; a larger vocabulary is looked up text by text
_BLANKS = re.compile(r"\s\s+")


@dataclass(frozen=True)
class NgramTrie:
    """The vocabulary of a vectorizer.

    Attributes:
        words: whether n-grams stay inside words, which have a blank on either side (`char_wb`), or go across (`char`).
        letter: `(n_codepoints,)` number of each letter of the vocabulary, 0 for any other; the last one is for all
            beyond.
        step: `(n_prefixes, n_letters)` the prefix that one longer by a letter is, 0 for none.
        column: `(n_prefixes,)` which column a prefix is that is an n-gram, -1 for others.
        longest: letters of the longest n-gram.
        n_columns: size of the vocabulary.
    """

    words: bool
    letter: np.ndarray
    step: np.ndarray
    column: np.ndarray
    longest: int
    n_columns: int

    @classmethod
    def of(cls, vocabulary: Mapping[str, int], analyzer: Literal["char_wb", "char"]) -> NgramTrie | None:
        """Return the trie of a vocabulary, or None where its table would be too large."""
        import numpy as np

        letters = {letter: number for number, letter in enumerate(sorted({*"".join(vocabulary)}), start=1)}
        prefixes = {ngram[:end] for ngram in vocabulary for end in range(1, len(ngram) + 1)}
        if not vocabulary or (len(prefixes) + 1) * (len(letters) + 1) > _CELLS:
            return None
        number = {prefix: i for i, prefix in enumerate(sorted(prefixes), start=1)} | {"": 0}
        step = np.zeros((len(number), len(letters) + 1), dtype=np.int32)
        for prefix, i in number.items():
            if prefix:
                step[number[prefix[:-1]], letters[prefix[-1]]] = i
        column = np.full(len(number), -1, dtype=np.int64)
        column[[number[ngram] for ngram in vocabulary]] = list(vocabulary.values())
        letter = np.zeros(max(map(ord, letters)) + 2, dtype=np.int32)
        letter[[ord(each) for each in letters]] = list(letters.values())
        longest = max(map(len, vocabulary))
        return cls(analyzer == "char_wb", letter, step, column, longest, len(vocabulary))

    def counts(self, texts: Sequence[str]) -> np.ndarray:
        """Return `(n_texts, n_columns)` how often each n-gram stands in each text, as it is spelt."""
        import numpy as np

        parts = [self._parts(text) for text in texts]
        lengths = np.array([len(part) for text in parts for part in text], dtype=np.int64)
        codes = np.frombuffer("".join("".join(text) for text in parts).encode("utf-32-le"), dtype=np.uint32)
        letter = self.letter[np.minimum(codes, len(self.letter) - 1)]
        row = np.repeat(np.arange(len(texts)), [sum(map(len, text)) for text in parts])
        end = np.repeat(np.cumsum(lengths), lengths)
        at, prefix = np.arange(len(codes)), np.zeros(len(codes), dtype=np.int32)
        found = []
        for length in range(self.longest):
            prefix = self.step[prefix, letter[at + length]]
            going = prefix > 0
            at, prefix = at[going], prefix[going]
            column = self.column[prefix]
            hit = column >= 0
            found.append(row[at[hit]] * self.n_columns + column[hit])
            longer = at + length + 1 < end[at]
            at, prefix = at[longer], prefix[longer]
        cells = np.bincount(np.concatenate(found), minlength=len(texts) * self.n_columns)
        return cells.reshape(len(texts), self.n_columns)

    def _parts(self, text: str) -> list[str]:
        """Return the stretches of a text inside which its n-grams lie."""
        return [f" {word} " for word in text.split()] if self.words else [_BLANKS.sub(" ", text)]
