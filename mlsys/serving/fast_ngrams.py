"""N-grams of characters in many texts at once: a trie of the vocabulary, walked from every character together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlsys.serving.fast_analyzer import BLANKS

if TYPE_CHECKING:
    import numpy as np

_CELLS = 4_000_000  # of the table of steps; a larger vocabulary is looked up text by text


@dataclass(frozen=True)
class NgramTrie:
    """The vocabulary of a vectorizer.

    Attributes:
        words: whether n-grams stay inside words, which have a blank on either side (`char_wb`), or go across (`char`).
        letter: `(n_codepoints,)` number of each letter of the vocabulary, 0 for any other; the last one is for all
            beyond.
        step: `(n_prefixes * n_letters,)` where in here the steps from a prefix that is one longer by a letter begin; 0
            where no n-gram goes on so, from where nothing does.
        column: `(n_prefixes * n_letters,)` which column that longer prefix is, `n_columns` where it is no n-gram.
        root: where the steps from nothing begin.
        longest: letters of the longest n-gram.
        n_columns: size of the vocabulary.
        apart: a letter that is in no n-gram, to stand between texts.
    """

    words: bool
    letter: np.ndarray
    step: np.ndarray
    column: np.ndarray
    root: int
    longest: int
    n_columns: int
    apart: str

    @classmethod
    def of(cls, vocabulary: Mapping[str, int], analyzer: Literal["char_wb", "char"]) -> NgramTrie | None:
        """Return the trie of a vocabulary, or None where its table would be too large."""
        import numpy as np

        letters = {letter: number for number, letter in enumerate(sorted({*"".join(vocabulary)}), start=1)}
        prefixes = {ngram[:end] for ngram in vocabulary for end in range(1, len(ngram) + 1)}
        width = len(letters) + 1
        if not vocabulary or (len(prefixes) + 2) * width > _CELLS:
            return None
        number = {prefix: i for i, prefix in enumerate(["", *sorted(prefixes)], start=1)}  # 0: no n-gram goes on so
        step = np.zeros((len(number) + 1, width), dtype=np.int64)
        column = np.full((len(number) + 1, width), len(vocabulary), dtype=np.int64)
        for prefix in prefixes:
            at = number[prefix[:-1]], letters[prefix[-1]]
            step[at] = number[prefix] * width
            column[at] = vocabulary.get(prefix, len(vocabulary))
        letter = np.zeros(max(map(ord, letters)) + 2, dtype=np.int64)
        letter[[ord(each) for each in letters]] = list(letters.values())
        return cls(
            words=analyzer == "char_wb",
            letter=letter,
            step=step.ravel(),
            column=column.ravel(),
            root=width,
            longest=max(map(len, vocabulary)),
            n_columns=len(vocabulary),
            apart=next(each for each in map(chr, range(len(letter))) if each not in letters),
        )

    def counts(self, texts: Sequence[str]) -> np.ndarray:
        """Return `(n_texts, n_columns)` how often each n-gram stands in each text, as it is spelt."""
        import numpy as np

        apart, n_texts = self.apart, len(texts)
        parts = [self._part(text) for text in texts]
        lengths = np.fromiter(map(len, parts), dtype=np.int64, count=n_texts)
        codes = np.frombuffer((apart.join(parts) + apart * self.longest).encode("utf-32-le"), dtype=np.uint32)
        letter = self.letter.take(codes, mode="clip")
        n_letters = len(letter) - self.longest + 1
        first = np.repeat(np.arange(n_texts) * self.n_columns, lengths + 1)  # cell of the letter's text
        at, cells = np.full(n_letters, self.root), []
        for length in range(self.longest):
            at += letter[length : length + n_letters]
            column = self.column.take(at)
            known = np.flatnonzero(column < self.n_columns)
            cells.append(first.take(known) + column.take(known))
            at = self.step.take(at)
        return np.bincount(np.concatenate(cells), minlength=n_texts * self.n_columns).reshape(n_texts, -1)

    def _part(self, text: str) -> str:
        """Return a text as n-grams are taken from it, with `apart` where none goes across."""
        return self.apart.join([f" {word} " for word in text.split()]) if self.words else BLANKS.sub(" ", text)
