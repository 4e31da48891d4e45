"""The n-grams of a text are those that scikit-learn takes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from mlsys.serving.fast_analyzer import analyzer_of
from mlsys.serving.fast_blocks import NotConvertibleError

_TEXT = st.text(st.sampled_from("abB1_ \t\n.Üİ\u2003\U0001f512")) | st.text()


@pytest.mark.slow
@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
@given(text=_TEXT, least=st.integers(1, 3), more=st.integers(0, 4), lowercase=st.booleans())
def test_they_are_taken_as_often(analyzer: Any, text: str, least: int, more: int, lowercase: bool) -> None:
    ngram = (1 if analyzer == "word" else least, least + more)
    pattern = r"(?u)\b\w+\b" if analyzer == "word" else None
    theirs = TfidfVectorizer(analyzer=analyzer, ngram_range=ngram, lowercase=lowercase, token_pattern=pattern)
    assert Counter(analyzer_of(theirs)(text)) == Counter(theirs.build_analyzer()(text))


@pytest.mark.parametrize(
    "setting",
    [{"strip_accents": "ascii"}, {"stop_words": "english"}, {"tokenizer": str.split}, {"analyzer": str.split}],
    ids=lambda setting: next(iter(setting)),
)
def test_other_settings_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(NotConvertibleError, match="another way"):
        analyzer_of(TfidfVectorizer(**setting))
    with pytest.raises(NotConvertibleError, match="a part"):
        analyzer_of(TfidfVectorizer(token_pattern=r"(\w)\w+"))
