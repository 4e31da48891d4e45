"""A look that fails is a trouble by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlsys.errors import DataError
from mlsys.watchdog.sign import Sign, guarded

WELL = Sign(cause="disk", ok=True, sentence="Room.")


def test_what_a_look_finds_is_handed_on() -> None:
    assert list(guarded("disk", "", lambda: WELL)) == [WELL]
    assert list(guarded("disk", "", lambda: [WELL, WELL])) == [WELL, WELL]
    assert list(guarded("disk", "", lambda: None)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "said"), [(DataError("The table is gone", where="x"), "The table is gone"), (OSError(5, "I/O"), "I/O")]
)
def test_a_look_that_raises_is_a_trouble_after_what_it_had_found(error: Exception, said: str) -> None:
    def look() -> Iterator[Sign]:
        yield WELL
        raise error

    first, second = guarded("source", "shop", look)
    assert first == WELL
    assert (second.name, second.ok, second.alarms) == ("source shop", False, True)
    assert said in second.sentence
