"""A fitted column of text as a program: its n-grams by a look-up, in the order in which scipy adds them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mlsys.serving.fast_analyzer import NgramAnalyzer, analyzer_of
from mlsys.serving.fast_blocks import NotConvertibleError
from mlsys.serving.fast_ngrams import NgramTrie
from mlsys.serving.fast_rows import ReadValues

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

_MANY = 32  # texts; fewer are quicker one by one
_KNOWN_STEPS = ("fill", "cut", "mark", "ngrams")


@dataclass(frozen=True)
class NgramColumns:
    """TF-IDF of one column, reduced or not.

    Attributes:
        mark: stands before each text.
        shorten: cuts a text.
        ngrams_of: what n-grams there are in that, in any order.
        trie: finds the n-grams of many texts at once, or None.
        vocabulary: of each n-gram which column it is.
        idf: `(n_ngrams,)` inverse document frequencies.
        components: `(n_ngrams, n_columns)` to which they are reduced, or None.
    """

    name: str
    mark: str
    shorten: Callable[[str], str]
    ngrams_of: NgramAnalyzer
    trie: NgramTrie | None
    vocabulary: dict[str, int]
    idf: np.ndarray
    components: np.ndarray | None

    def fill(self, out: np.ndarray, values: ReadValues) -> None:
        """Write each text's columns."""
        texts = [self.mark + self.shorten(text or "") for text in values.texts[self.name]]
        if len(texts) < _MANY:
            for row, text in enumerate(texts):
                self._fill_row(out[row], text)
        elif self.trie is not None and self.components is None:
            self._fill_columns(out, self.trie.counts([self.ngrams_of.spelt(text) for text in texts]))
        else:
            self._fill_sparse(out, self._stored(texts))

    def _fill_columns(self, out: np.ndarray, counts: np.ndarray) -> None:
        """Write `(n_texts, n_ngrams)` counts."""
        import numpy as np

        weights = counts * self.idf
        # Column after column is added to the sum, and what a sparse matrix leaves out adds nothing: the order of scipy.
        norms = np.sqrt(np.add.accumulate(weights * weights, axis=1)[:, -1])
        norms[norms == 0] = 1.0
        np.divide(weights, norms[:, None], out=out)

    def _stored(self, texts: list[str]) -> csr_matrix:
        """Return `(n_texts, n_ngrams)` counts, columns in their order."""
        import numpy as np
        from scipy.sparse import csr_matrix

        width = len(self.vocabulary)
        if self.trie is not None:
            return csr_matrix(self.trie.counts([self.ngrams_of.spelt(text) for text in texts]), dtype="float64")
        look_up = self.vocabulary.get
        columns = [[c for c in map(look_up, self.ngrams_of(text)) if c is not None] for text in texts]
        rows = np.repeat(np.arange(len(texts)), [len(each) for each in columns])
        flat = np.fromiter(chain.from_iterable(columns), dtype=np.int64, count=len(rows))
        cells, counts = np.unique(rows * width + flat, return_counts=True)
        ends = np.searchsorted(cells, np.arange(len(texts) + 1) * width)
        return csr_matrix((counts.astype("float64"), cells % width, ends), shape=(len(texts), width))

    def _fill_sparse(self, out: np.ndarray, weights: csr_matrix) -> None:
        from sklearn.preprocessing import normalize

        weights.data *= self.idf[weights.indices]
        weights = normalize(weights, norm="l2", copy=False)
        out[:] = weights.toarray() if self.components is None else weights @ self.components

    def _fill_row(self, out: np.ndarray, text: str) -> None:
        import numpy as np

        looked_up = map(self.vocabulary.get, self.ngrams_of(text))
        known = [column for column in looked_up if column is not None]
        if not known:
            return
        counts = np.bincount(known)
        columns = counts.nonzero()[0]
        weights = counts[columns] * self.idf[columns]
        # Sums one after another, as scikit-learn and scipy add: numpy's own would be pairwise, with other last digits.
        weights /= np.sqrt(np.add.accumulate(weights * weights)[-1])
        if self.components is None:
            out[columns] = weights
        else:
            out[:] = np.add.accumulate(weights[:, None] * self.components[columns], axis=0)[-1]


def text_block(part: Any, name: str) -> NgramColumns:
    """Return what the fitted steps of a column of text do.

    Raises:
        NotConvertibleError: a step is not known, or has another setting.
    """
    import numpy as np
    import pandas as pd
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    steps: dict[str, Any] = dict(getattr(part, "steps", []))
    if tuple(steps) not in (_KNOWN_STEPS, (*_KNOWN_STEPS, "reduce")):
        raise NotConvertibleError(f"the text '{name}' goes through steps that are not known")
    fill, cut, mark, ngrams = (steps[step] for step in _KNOWN_STEPS)
    reduce = steps.get("reduce")
    functions = [(step.func, set(step.kw_args)) for step in (fill, cut, mark)]
    shorten = cut.kw_args.get("func")
    if (
        functions != [(pd.Series.fillna, {"value"}), (pd.Series.map, {"func"}), (pd.Series.radd, {"other"})]
        or fill.kw_args["value"] != ""
        or type(shorten) is not itemgetter
        or type(ngrams) is not TfidfVectorizer
        or (ngrams.norm, ngrams.use_idf, ngrams.sublinear_tf, ngrams.binary) != ("l2", True, False, False)
        or ngrams.dtype is not np.float64
        or type(reduce) not in (TruncatedSVD, type(None))
    ):
        raise NotConvertibleError(f"the text '{name}' goes through a step with another setting")
    analyzer = analyzer_of(ngrams)
    return NgramColumns(
        name=name,
        mark=mark.kw_args["other"],
        shorten=shorten,
        ngrams_of=analyzer,
        trie=None if analyzer.word is not None else NgramTrie.of(ngrams.vocabulary_, ngrams.analyzer),
        vocabulary=ngrams.vocabulary_,
        idf=ngrams.idf_,
        components=None if reduce is None else np.ascontiguousarray(reduce.components_.T),
    )
