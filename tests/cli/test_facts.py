"""`--json`: every command that finds something prints it as one JSON value, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from given.shop import day

from mlsys.cli.facts import say_json
from mlsys.cli.main import commands
from mlsys.ledger import ChampionChange
from mlsys.ledger.rows import RequestRow


def test_every_command_has_it_but_one_whose_answer_is_json_and_one_that_does_not_end() -> None:
    found = {**commands.commands, **commands.commands["samples"].commands}  # type: ignore[attr-defined]
    without = {
        name
        for name, command in found.items()
        if not isinstance(command, click.Group) and not any(option.name == "as_json" for option in command.params)
    }
    assert without == {"schema", "serve"}


def test_letters_beyond_ascii_survive_every_stream(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"what": "größe → ✓", "at": datetime(2026, 1, 2, tzinfo=UTC), "path": Path("/a")})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"what": "größe → ✓", "at": "2026-01-02T00:00:00Z", "path": "/a"}


@pytest.mark.slow
def test_each_command_prints_one_value_with_the_exit_code_that_it_has_without(mlsys, changed) -> None:
    commands_of_the_shop = [
        ("list",), ("why", "shop"), ("status",), ("history", "shop"), ("champion", "shop"), ("check",), ("doctor",),
        ("check", "shop", "--fix"), ("preview", "shop"), ("reconcile",), ("clean",), ("down",),
    ]  # fmt: skip
    for arguments in commands_of_the_shop:
        in_words, answer = mlsys(*arguments), mlsys(*arguments, "--json")
        json.loads(answer.out)
        assert answer.out.count("\n") == 1, arguments
        assert answer.code == in_words.code, arguments


@pytest.mark.slow
def test_keys_are_the_fields_of_the_records(mlsys, changed) -> None:
    found = json.loads(mlsys("history", "shop", "--json").out)
    assert set(found["requests"][0]) == {*RequestRow.model_fields, "state", "decision"}
    assert [one["decision"]["outcome"] for one in found["requests"]] == ["promote", "reject", "promote"]
    change = set(ChampionChange.model_fields) - {"expires"}  # which only stands where there is an end
    assert [set(one) for one in found["champions"]] == [change] * 2
    champion = json.loads(mlsys("champion", "shop", "--json").out)
    assert set(champion) == {*change, "last_day", "model", "link", "gain"}
    assert champion["last_day"] == str(day(23))
    assert json.loads(mlsys("champion", "shop", "--at", "2026-01-01", "--json").out) is None
    (checked,) = json.loads(mlsys("check", "--json").out)
    assert checked == {"pipeline": "shop", "exit_code": 0, "problems": [], "diff": ""}
    seen = json.loads(mlsys("preview", "shop", "--set", "models.0.C=0.5", "--json").out)
    assert {"key": "models.0.C", "value": 0.5, "origin": "run parameter"} in seen["values"]
    run_id = found["requests"][0]["run_id"]
    card = json.loads(mlsys("report", run_id, "--json").out)
    assert Path(card["path"]).is_file()
    back = json.loads(mlsys("rollback", "shop", "--reason", "a test", "--json").out)
    assert (back["version"], back["kind"]) == ("1.0.0", "rollback")


@pytest.mark.slow
def test_problems_keep_their_exit_code_and_errors_go_to_standard_error(mlsys, changed) -> None:
    (changed / "pipelines" / "broken.yaml").write_text("pipeline: broken\nmodls: []\n")
    answer = mlsys("check", "--json")
    assert answer.code == 2
    broken, shop = json.loads(answer.out)
    assert (broken["exit_code"], shop["exit_code"]) == (2, 0)
    assert "Did you mean 'models'?" in broken["problems"][0]["sentence"]
    unknown = mlsys("why", "shp", "--json")
    assert (unknown.code, unknown.out) == (2, "")
    assert "Did you mean 'shop'?" in unknown.err


@pytest.mark.slow
def test_empty_lists_are_json_too_and_words_for_people(mlsys, fresh) -> None:
    assert json.loads(mlsys("list", "--json").out) == []
    assert json.loads(mlsys("check", "--json").out) == []
    assert json.loads(mlsys("reconcile", "--json").out) == []
    assert mlsys("check").out.startswith("No pipeline yet: ")
    assert mlsys("list").out.startswith("No pipeline yet: ")
    assert mlsys("reconcile").out.startswith("No pipeline has run yet")
