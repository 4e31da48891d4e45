"""A fitted column of text as a program: its n-grams by a look-up, in the order in which scipy adds them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mlsys.serving.fast_blocks import NotConvertibleError
from mlsys.serving.fast_ngrams import NgramTrie
from mlsys.serving.fast_rows import ReadValues

if TYPE_CHECKING:
    import numpy as np

_MANY = 32  # texts; fewer are quicker one by one
_KNOWN_STEPS = ("fill", "cut", "mark", "ngrams")


@dataclass(frozen=True)
class NgramColumns:
    """TF-IDF of one column, reduced or not.

    Attributes:
        begin: makes of a text what its n-grams are taken from.
        analyse: the n-grams of that.
        spell: makes small letters of that, if they shall be.
        trie: finds the n-grams of many texts at once, or None.
        vocabulary: of each n-gram which column it is.
        idf: `(n_ngrams,)` inverse document frequencies.
        components: `(n_ngrams, n_columns)` to which they are reduced, or None.
    """

    name: str
    begin: Callable[[str], str]
    analyse: Callable[[str], list[str]]
    spell: Callable[[str], str]
    trie: NgramTrie | None
    vocabulary: dict[str, int]
    idf: np.ndarray
    components: np.ndarray | None

    def fill(self, out: np.ndarray, values: ReadValues) -> None:
        """Write each text's columns."""
        texts = values.texts[self.name]
        if self.trie is not None and len(texts) >= _MANY:
            self._fill_rows(out, self.trie.counts([self.spell(self.begin(text or "")) for text in texts]))
            return
        for row, text in enumerate(texts):
            self._fill_row(out[row], text or "")

    def _fill_rows(self, out: np.ndarray, counts: np.ndarray) -> None:
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        weights = csr_matrix(counts, dtype="float64")
        weights.data *= self.idf[weights.indices]
        weights = normalize(weights, norm="l2", copy=False)
        out[:] = weights.toarray() if self.components is None else weights @ self.components

    def _fill_row(self, out: np.ndarray, text: str) -> None:
        import numpy as np

        looked_up = map(self.vocabulary.get, self.analyse(self.begin(text)))
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
    other = mark.kw_args["other"]
    return NgramColumns(
        name=name,
        begin=lambda text: other + shorten(text),
        analyse=ngrams.build_analyzer(),
        spell=ngrams.build_preprocessor(),
        trie=None if ngrams.analyzer == "word" else NgramTrie.of(ngrams.vocabulary_, ngrams.analyzer),
        vocabulary=ngrams.vocabulary_,
        idf=ngrams.idf_,
        components=None if reduce is None else np.ascontiguousarray(reduce.components_.T),
    )
