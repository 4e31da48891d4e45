"""Columns of text by their n-grams: TF-IDF, sparse, made of scikit-learn's, pandas' and Python's own parts alone."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlsys.components import Frozen
from mlsys.features.reduction import reduction

LONGEST_NGRAM = 10
# Stands before every text, so that its beginning counts, a missing one is not nothing, and a vocabulary is never empty.
MARK = "_ __ "


class TextColumn(Frozen):
    """How one column of text becomes numbers: each n-gram that training has often enough is a column.

    Its value is the term frequency times the smoothed inverse document frequency, ln((1 + n) / (1 + df)) + 1, each row
    scaled to length 1 (Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, chapter 6). Missing
    and empty texts are alike; n-grams that training did not have count as nothing.

    Attributes:
        analyzer: n-grams of characters inside words (`char_wb`, words padded with a blank), across them, or of words.
        ngram: the least and the most characters, or words, of one.
        max_features: at most so many columns, those that occur most often.
        min_df: an n-gram that fewer training rows have is left out.
        max_chars: of a text only so many characters are looked at, from its beginning.
        lowercase: small and capital letters are alike.
        reduce: for models that take no sparse matrix, so many columns by a truncated singular value decomposition in
            place of all; None = such a model is refused.
    """

    analyzer: Literal["char_wb", "char", "word"] = "char_wb"
    ngram: tuple[int, int] = (3, 5)
    max_features: int = Field(default=20_000, ge=1, le=1_000_000)
    min_df: int = Field(default=5, ge=1)
    max_chars: int = Field(default=2000, ge=1, le=100_000)
    lowercase: bool = True
    reduce: int | None = Field(default=None, ge=1, le=1000)

    @field_validator("ngram")
    @classmethod
    def _rising(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= LONGEST_NGRAM or value[0] > 3:
            raise ValueError(f"`ngram` is the least, 1 to 3, and the most, up to {LONGEST_NGRAM}, such as [3, 5]")
        return value

    @model_validator(mode="after")
    def _short_enough(self) -> Self:
        if self.analyzer == "word" and self.ngram[0] > 1:
            raise ValueError("`ngram` of words begins with 1, such as [1, 2]: a text may have one word alone")
        return self

    def build(self, *, dense: bool = False) -> Any:
        """Return an unfitted transformer from a Series of str, None or NaN to a CSR matrix, or to a dense, reduced one.

        Raises:
            ValueError: it shall be dense, and `reduce` says to how many columns is not set.
        """
        import pandas as pd
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import FunctionTransformer

        def plain(function: Any, **settings: Any) -> Any:
            return FunctionTransformer(function, kw_args=settings, feature_names_out="one-to-one")

        ngrams = TfidfVectorizer(
            analyzer=self.analyzer,
            ngram_range=self.ngram,
            max_features=self.max_features,
            min_df=self.min_df,
            lowercase=self.lowercase,
            token_pattern=r"(?u)\b\w+\b" if self.analyzer == "word" else None,
        )
        steps: list[tuple[str, Any]] = [
            ("fill", plain(pd.Series.fillna, value="")),
            ("cut", plain(pd.Series.map, func=itemgetter(slice(self.max_chars)))),
            ("mark", plain(pd.Series.radd, other=MARK)),
            ("ngrams", ngrams),
        ]
        if dense:
            if self.reduce is None:
                raise ValueError("Text becomes a sparse matrix: `reduce` says how many columns a dense one has")
            steps.append(("reduce", reduction(self.reduce)))
        return Pipeline(steps)
