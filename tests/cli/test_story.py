"""`make demo STORY=1`, told to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mlsys.cli.story import story
from mlsys.workspace import open_workspace

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_story_ends_with_another_champion_and_no_request_lost(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_PIPELINES", str(ROOT / "include" / "pipelines"))
    monkeypatch.setenv("MLSYS_SAMPLES", str(ROOT / "include" / "samples"))
    told = CliRunner().invoke(story, [], standalone_mode=False)
    assert (told.return_value, told.exception) == (0, None), told.output
    assert "Attackers change their tactics" in told.output
    assert "a retraining is asked for" in told.output
    assert ", 0 of them without an answer" in told.output
    monkeypatch.setenv("MLSYS_HOME", str(home / "story-1"))
    with open_workspace() as work:
        first, *_, last = [change.version for change in work.ledger.champion_changes("phishing")]
    assert first != last
    assert last in told.output.splitlines()[-4]
