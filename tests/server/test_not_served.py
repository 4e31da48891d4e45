"""A champion that can't be served is told to people, once for the same cause."""

from __future__ import annotations

from typing import Any

import pytest
from given.shop import edit_spec, newest_run

from mlsys.cli.serving import filled_shelf
from mlsys.notification.outbox import Notice, Outbox
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.registries.files import GOLDEN, MODEL, folder_of
from mlsys.workspace import Workspace


def _break_newest(work: Workspace, *, name: str = MODEL) -> None:
    change = promote_by_hand(work, "shop", newest_run(work), reason="newer")
    folder = folder_of("shop", change.candidate_id, work.home)
    assert folder is not None
    (folder / name).chmod(0o644)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole.replace(b"0.", b"1.") if name == GOLDEN else b"nothing")


def _waiting(work: Workspace) -> list[Notice]:
    return [notice for _, notice, _ in Outbox(work.home).waiting()]


@pytest.mark.parametrize(("name", "said"), [(MODEL, "not the one that was promoted"), (GOLDEN, "answers otherwise")])
def test_it_is_told_once_however_often_a_server_begins(work: Workspace, name: str, said: str) -> None:
    edit_spec(work.settings.pipelines, notify={"webhook": True})
    _break_newest(work, name=name)
    for _ in range(2):
        with filled_shelf(work.settings) as shelf:
            shelf.look()
            shelf.refresh(retry=True)
            assert "shop" in shelf.broken
    (told,) = _waiting(work)
    assert (told.event, told.pipeline, told.version) == ("champion_not_served", "shop", "1.0.1")
    assert said in told.sentence
    assert "nobody answers" in told.sentence


def test_it_says_who_goes_on_answering(work: Workspace) -> None:
    edit_spec(work.settings.pipelines, notify={"webhook": True})
    with filled_shelf(work.settings) as shelf:
        _break_newest(work)
        shelf.look()
    assert "Version 1.0.1 of shop can't be served, version 1.0.0 goes on answering: " in _waiting(work)[0].sentence


@pytest.mark.parametrize("notify", [{"webhook": True, "events": ["run_failed"]}, {}])
def test_who_does_not_want_it_is_not_told(work: Workspace, notify: dict[str, Any]) -> None:
    edit_spec(work.settings.pipelines, notify=notify)
    _break_newest(work)
    with filled_shelf(work.settings):
        assert _waiting(work) == []


def test_a_spec_that_is_broken_and_a_full_disk_cost_the_notice_alone(
    work: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    edit_spec(work.settings.pipelines, notify={"webhook": True})
    _break_newest(work)
    (work.home / "notices").write_text("a file where a folder should be")
    with filled_shelf(work.settings) as shelf:
        assert "shop" in shelf.broken
    (work.settings.pipelines / "shop.yaml").write_text("pipeline: [", encoding="utf-8")
    with filled_shelf(work.settings) as shelf:
        assert "shop" in shelf.broken
    assert caplog.text.count("notice_not_sent kind=champion_not_served") == 2
