from __future__ import annotations

from datetime import timedelta

import pytest

from mlsys.durations import duration_text, in_words, parse_duration


@pytest.mark.parametrize("text", ["0d", "45s", "90m", "36h", "3d", "36500d"])
def test_text_is_read_and_written_back(text: str) -> None:
    assert duration_text(parse_duration(text)) == text


@pytest.mark.parametrize(
    "wrong", ["3", "3 d", "1.5h", "-2d", "", 3, None, "99999999999999d", "36501d", "876001h", "9" * 5000 + "s"]
)
def test_other_spellings_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="A duration is"):
        parse_duration(wrong)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=51, minutes=7), "2 days 3 hours"),
        (timedelta(days=2, seconds=5), "2 days"),
        (timedelta(seconds=463), "7 minutes 43 seconds"),
    ],
)
def test_words_have_at_most_two_units(value: timedelta, words: str) -> None:
    assert in_words(value) == words
