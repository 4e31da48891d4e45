from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec import Spec, fingerprint, load_spec


def spec(folder: Path, **block: Any) -> Spec:
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(SPEC), "monitors": block}), encoding="utf-8")
    return load_spec(path)


def test_without_the_block_the_champion_is_watched_all_the_same(tmp_path: Path) -> None:
    found = spec(tmp_path).monitors
    assert [monitor.kind for monitor in found.watch] == ["feature_drift", "score_drift", "live_metric"]
    assert (found.ask_after, found.of) == (2, 3)


def test_nothing_is_watched_where_the_spec_says_so(tmp_path: Path) -> None:
    assert spec(tmp_path, watch=[]).monitors.watch == ()


def test_what_is_watched_changes_no_model(tmp_path: Path) -> None:
    plain = fingerprint(spec(tmp_path).dump())
    other = spec(tmp_path, watch=[{"kind": "live_metric", "tolerance": 0.1, "window": "3d"}], ask_after=1)
    assert fingerprint(other.dump()) == plain


def test_settings_are_part_of_the_dump(tmp_path: Path) -> None:
    dumped = spec(tmp_path, watch=[{"kind": "feature_drift", "limit": 0.3, "window": "3d"}]).dump()
    assert dumped["monitors"]["watch"][0]["limit"] == 0.3
    assert dumped["monitors"]["watch"][0]["window"] == "3d"


def test_a_window_has_whole_days(tmp_path: Path) -> None:
    assert spec(tmp_path, watch=[{"kind": "score_drift", "window": "48h"}]).monitors.watch[0].window == timedelta(
        days=2
    )


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"watch": ["psi"]}, "Did you mean 'feature_drift'"),
        ({"watch": [{"kind": "score_drift", "window": "36h"}]}, "one or more whole days"),
        ({"watch": [{"kind": "score_drift", "window": "0d"}]}, "one or more whole days"),
        ({"watch": [{"kind": "live_metric", "metric": "roc"}]}, "monitors.watch.0.metric: no metric 'roc'"),
        ({"watch": [{"kind": "feature_drift", "ignore": ["chanel"]}]}, "monitors.watch.0.ignore: no column 'chanel'"),
        ({"ask_after": 4, "of": 3}, "only 3 windows are counted"),
        ({"cool_down": "36h"}, "whole days"),
        (
            {"acknowledged": [{"monitor": "psi", "reason": "known", "until": date(2026, 6, 1)}]},
            "`acknowledged` names the monitor 'psi'",
        ),
    ],
)
def test_a_wrong_block_is_named_with_its_path(tmp_path: Path, block: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec(tmp_path, **block)
    assert message in str(caught.value)


def test_an_alarm_about_slices_is_known_where_each_of_them_is(tmp_path: Path) -> None:
    until, day = date(2026, 6, 1), date(2026, 5, 20)
    known = [
        {"monitor": "live_metric", "slice": f"channel is {name}", "reason": f"no {name}", "until": until}
        for name in ("fax", "post")
    ]
    found = spec(tmp_path, acknowledged=known).monitors.acknowledgement
    both = found("live_metric", day, slices=["channel is post", "channel is fax"])
    assert both is not None
    assert both.reason == "no post"
    assert found("live_metric", day, slices=["channel is fax", "channel is web"]) is None
    assert found("live_metric", day) is None  # all rows alarm
    assert found("live_metric", until + timedelta(days=1), slices=["channel is fax"]) is None
    assert found("score_drift", day, slices=["channel is fax"]) is None
