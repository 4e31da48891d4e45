"""N-grams of many texts at once: counted as scikit-learn counts them in each."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from mlsys.features.text import MARK
from mlsys.serving import fast_ngrams
from mlsys.serving.fast_ngrams import NgramTrie

TEXTS = ["https://login.com/verify 12", "Übung  macht\tden  Meister", "", "a", "l0gin\u2003here", "\U0001f512 lock"]
_TEXT = st.text(st.sampled_from("abl0 \t\n.Ü\u2003\U0001f512")) | st.text()


def vectorizer(analyzer: str, least: int, most: int) -> CountVectorizer:
    found = CountVectorizer(analyzer=analyzer, ngram_range=(least, most), max_features=60)
    return found.fit([MARK + text for text in TEXTS])


@pytest.mark.slow
@pytest.mark.parametrize("analyzer", ["char_wb", "char"])
@pytest.mark.parametrize(("least", "most"), [(1, 1), (1, 3), (2, 3), (3, 6)])
@settings(max_examples=25)
@given(texts=st.lists(_TEXT, min_size=1, max_size=4))
def test_each_is_counted_as_by_scikit_learn(
    analyzer: Literal["char_wb", "char"], least: int, most: int, texts: list[str]
) -> None:
    known = vectorizer(analyzer, least, most)
    trie = NgramTrie.of(known.vocabulary_, analyzer)
    assert trie is not None
    marked = [MARK + text for text in [*texts, *TEXTS]]
    spell = known.build_preprocessor()
    np.testing.assert_array_equal(trie.counts([spell(text) for text in marked]), known.transform(marked).toarray())


def test_a_vocabulary_whose_table_would_be_too_large_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_ngrams, "_CELLS", 100)
    assert NgramTrie.of(vectorizer("char", 2, 3).vocabulary_, "char") is None
