"""The n-grams of one text as a fitted vectorizer of scikit-learn takes them, without scikit-learn in the process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlsys.serving.fast_blocks import NotConvertibleError

BLANKS = re.compile(r"\s\s+")


@dataclass(frozen=True)
class NgramAnalyzer:
    """Takes n-grams from a text.

    Attributes:
        lowercase: small and capital letters are alike.
        word: what a word is, where n-grams are of words; else None.
        inside: n-grams of characters stay inside words, which have a blank on either side; else they go across.
        ngram: the least and the most characters, or words, of one.
    """

    lowercase: bool
    word: re.Pattern[str] | None
    inside: bool
    ngram: tuple[int, int]

    def spelt(self, text: str) -> str:
        """Return a text with small letters, if they shall be."""
        return text.lower() if self.lowercase else text

    def __call__(self, text: str) -> list[str]:
        """Return the n-grams, each as often as it is there, in no order."""
        text = self.spelt(text)
        if self.word is not None:
            words = self.word.findall(text)
            return [" ".join(words[at : at + n]) for n in self._lengths() for at in range(len(words) - n + 1)]
        if not self.inside:
            return list(_pieces(BLANKS.sub(" ", text), self._lengths()))
        least, most = self.ngram
        found: list[str] = []
        for word in text.split():
            # A word that is shorter than the shortest n-gram is one itself.
            found += _pieces(f" {word} ", range(min(least, len(word) + 2), most + 1))
        return found

    def _lengths(self) -> range:
        return range(self.ngram[0], self.ngram[1] + 1)


def _pieces(text: str, lengths: range) -> Iterator[str]:
    return (text[at : at + n] for n in lengths for at in range(len(text) - n + 1))


def analyzer_of(vectorizer: Any) -> NgramAnalyzer:
    """Return how a fitted vectorizer takes n-grams.

    Raises:
        NotConvertibleError: it has a setting that is not known here.
    """
    kind = vectorizer.analyzer
    others = (vectorizer.preprocessor, vectorizer.tokenizer, vectorizer.stop_words, vectorizer.strip_accents)
    if kind not in ("word", "char", "char_wb") or others != (None,) * 4:
        raise NotConvertibleError("n-grams are taken in another way")
    word = re.compile(vectorizer.token_pattern) if kind == "word" else None
    if word is not None and word.groups:
        raise NotConvertibleError("words are a part of what their pattern finds")
    return NgramAnalyzer(bool(vectorizer.lowercase), word, kind == "char_wb", tuple(vectorizer.ngram_range))
