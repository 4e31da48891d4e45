"""`mlsys try`: from the command line to the ledger, and back in words."""

from __future__ import annotations

import json

import pytest
from given.answers import other_candidate

from mlsys import clock
from mlsys.cli.main import invoke
from mlsys.ledger import live_trials
from mlsys.workspace import Workspace


def _going(work: Workspace) -> list[tuple[str, str, int]]:
    found = live_trials.in_force(live_trials.written(work.ledger, "shop"), clock.now())
    return [(trial.candidate_id, trial.role, trial.share) for trial in found]


@pytest.mark.slow
def test_a_candidate_is_tried_told_of_and_ended(work: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    other = other_candidate(work)
    assert invoke(["try", "shop", other, "--as", "ab", "--share", "10", "--for", "3d", "--reason", "a test"]) == 0
    assert _going(work) == [(other, "ab", 10)]
    assert invoke(["try", "shop"]) == 0
    said = capsys.readouterr().out
    assert "for a share of the keys" in said
    assert "labelled rows are too few" in said
    assert invoke(["try", "shop", other, "--end", "--reason", "seen enough"]) == 0
    assert _going(work) == []
    assert invoke(["try", "shop"]) == 0
    assert other not in capsys.readouterr().out.splitlines()[-1]  # the champion before goes on by itself


@pytest.mark.slow
def test_a_run_means_its_challenger_and_json_is_one_value(work: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    other = other_candidate(work)
    run_id = str(work.ledger.run_of(other))
    assert invoke(["try", "shop", run_id, "--reason", "a test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["candidate_id"] == other
    assert invoke(["try", "shop", "--json"]) == 0
    (found,) = [each for each in json.loads(capsys.readouterr().out) if each["candidate"] == other]
    assert (found["candidate"], found["verdict"]) == (other, "unknown")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop", "1.0.1", "--reason", "x"], "serves already"),
        (["shop", "nobody", "--reason", "x"], "no candidate, version or run of that name"),
        (["shop", "OTHER"], "Say why"),
        (["shop", "OTHER", "--reason", " "], "--reason: Something was given that is empty"),
        (["shop", "OTHER", "--reason", "x", "--as", "ab"], "A share of the keys"),
        (["shop", "OTHER", "--reason", "x", "--share", "10"], "A share of the keys"),
        (["shop", "OTHER", "--reason", "x", "--for", "soon"], "ISO 8601"),
        (["shop", "OTHER", "--reason", "x", "--end"], "is not tried"),
        (["shop", "OTHER", "--reason", "x", "--end", "--share", "5"], "--share"),
        (["shop", "--share", "5"], "--share"),
        (["shopp", "OTHER", "--reason", "x"], "There is no pipeline"),
    ],
)
def test_what_means_nothing_is_refused(
    work: Workspace, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = other_candidate(work)
    assert invoke(["try", *(other if each == "OTHER" else each for each in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert _going(work) == []
