"""The block `serving`: what is kept of answers, and what is watched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec import fingerprint, load_spec


def _spec(folder: Path, serving: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(SPEC + serving, encoding="utf-8")
    return path


def test_a_spec_without_it_keeps_answers_and_its_dump_says_nothing_of_it(tmp_path: Path) -> None:
    spec = load_spec(_spec(tmp_path, ""))
    assert spec.serving.log.enabled
    assert (spec.serving.log.keep, spec.serving.watch_previous) == (timedelta(days=90), timedelta(days=14))
    assert "serving" not in spec.dump()


def test_it_changes_no_fingerprint(tmp_path: Path) -> None:
    text = "serving: {log: {keep: 30d, leave_out: channel}, watch_previous: 0s}\n"
    spec = load_spec(_spec(tmp_path, text))
    assert spec.serving.log.leave_out == ("channel",)
    assert fingerprint(spec.dump()) == fingerprint(load_spec(_spec(tmp_path, "")).dump())


@pytest.mark.parametrize(
    ("serving", "said"),
    [
        ("serving: {log: {keep: 2h}}", "one day at least"),
        ("serving: {log: {leave_out: [chanel]}}", "channel"),
        ("serving: {watch: 3d}", "no such key here"),
    ],
)
def test_what_means_nothing_is_refused(tmp_path: Path, serving: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_spec(_spec(tmp_path, serving + "\n"))
