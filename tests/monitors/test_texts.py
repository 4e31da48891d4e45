"""Texts that never repeat, watched: quiet where nothing changed, an alarm where their letters or lengths do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlsys.monitors.base import Window
from mlsys.monitors.feature_drift import FeatureDrift
from mlsys.monitors.stability import shift
from mlsys.monitors.texts import compared
from mlsys.testing.monitors import shuffled, window

OLD, NEW = "abcdefgh", "\u0430\u0431\u0432\u0433\u0434\u0435"


def addresses(n: int, *, seed: int, letters: str = OLD, longest: int = 12) -> pd.Series:
    random = np.random.default_rng(seed)
    drawn = random.choice(list(letters), (n, longest))
    found = [f"{''.join(row[:k])}.com" for row, k in zip(drawn, random.integers(4, longest + 1, n), strict=True)]
    texts = pd.Series(found, dtype=object)
    return texts.where(random.random(n) > 0.05, None)


def watched(*, then: int = 0, now: int = 1, **of_now: object) -> Window:
    made = window()
    return replace(
        made,
        reference=pd.DataFrame({"url": addresses(len(made.reference), seed=then)}),
        rows=pd.DataFrame({"url": addresses(len(made.rows), seed=now, **of_now)}),  # type: ignore[arg-type]
        texts=("url",),
    )


def test_where_nothing_changed_it_passes() -> None:
    found = FeatureDrift(window="14d").look(watched())
    assert found.state == "pass"
    assert [part.name for part in found.parts] != []
    assert {part.name for part in found.parts} == {"url: length", "url: missing", "url: new trigrams"}


@pytest.mark.parametrize(
    ("of_now", "named"), [({"letters": NEW}, "url: new trigrams"), ({"longest": 6}, "url: length")]
)
def test_what_changed_is_named(of_now: dict[str, object], named: str) -> None:
    found = FeatureDrift(window="14d").look(watched(**of_now))
    assert found.state == "alarm"
    assert named in found.sentence


@pytest.mark.slow
def test_chance_alone_alarms_as_rarely_as_promised() -> None:
    made, alarms = watched(), 0
    for seed in range(100):
        then, now = (pd.DataFrame({"url": addresses(500, seed=2 * seed + part)}) for part in (0, 1))
        features = compared(then, now, made.texts)
        found = (shift(each.then, each.now, n_bins=5, false_alarms=0.05) for each in features)
        alarms += sum(one.psi > one.by_chance for one in found)
    assert 2 <= alarms <= 20  # 10 of 200 are promised; so few or so many have a probability of 0.998 then


def test_the_order_of_rows_plays_no_part() -> None:
    made = watched(letters=OLD + NEW)
    assert FeatureDrift(window="14d").look(shuffled(made)) == FeatureDrift(window="14d").look(made)


@pytest.mark.parametrize("value", [None, "", "a"])
def test_texts_that_say_nothing_are_no_error(value: str | None) -> None:
    made = watched()
    silent = replace(made, reference=made.reference.assign(url=pd.Series([value] * len(made.reference), dtype=object)))
    assert FeatureDrift(window="14d").look(silent).state == "alarm"
    alike = replace(silent, rows=silent.reference[: len(made.rows)])
    assert FeatureDrift(window="14d").look(alike).state == "pass"
