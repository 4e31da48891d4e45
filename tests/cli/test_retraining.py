"""`mlsys check`, `preview` and `run` on the shop."""

from __future__ import annotations

import json
import sqlite3

import pytest
import yaml
from given.shop import day, edit_spec, make_shop

from mlsys.ledger import Ledger

pytestmark = pytest.mark.slow


def listing(home) -> dict[str, tuple[int, int]]:
    return {
        path.relative_to(home).as_posix(): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in home.rglob("*")
        if path.is_file()
    }


def n_rows(home) -> int:
    ledger = Ledger(f"sqlite:///{home / 'mlsys.db'}")
    try:
        return ledger.verify("shop")
    finally:
        ledger.close()


def spoil(home, condition: str, index: int = 23) -> None:
    with sqlite3.connect(home / "shop.db") as connection:
        connection.execute(
            f"UPDATE orders SET basket_value = -1 WHERE {condition} AND date(placed_at) = ?",
            [str(day(index))],
        )
    connection.close()


# -- check ----------------------------------------------------------------------------------------------------


def test_check_finds_nothing_wrong_with_the_shop(mlsys, seen) -> None:
    answer = mlsys("check", "shop")
    assert (answer.code, answer.out) == (0, "shop: ok\n")


def test_check_judges_the_newest_data_and_keeps_nothing(mlsys, changed) -> None:
    spoil(changed, "order_no % 10 = 0")
    files, rows = listing(changed), n_rows(changed)
    answer = mlsys("check", "shop")
    assert answer.code == 3
    assert "shop: check `at most 2.00% of the rows are bad`: " in answer.out
    assert "basket_value" in answer.out
    assert "8 of 80 rows of the newest day (10.00%) are bad" in answer.out
    assert answer.last_line == "mlsys: exit code 3 (data refused)"
    assert n_rows(changed) == rows
    assert listing(changed) == files


def test_check_judges_a_pipeline_that_never_ran(mlsys, fresh) -> None:
    make_shop(fresh, fresh / "pipelines", days=4)
    spoil(fresh, "order_no % 10 = 0", index=3)
    answer = mlsys("check", "shop")
    assert answer.code == 3
    assert not list((fresh / "store").glob("*"))


def test_check_prints_what_would_not_stop_a_run_as_warnings(mlsys, changed) -> None:
    checks = yaml.safe_load((changed / "pipelines" / "shop.yaml").read_text())["checks"]
    checks["rules"] = [{"kind": "between", "column": "basket_value", "max": 1, "severity": "warning"}]
    edit_spec(changed / "pipelines", checks=checks)
    answer = mlsys("check", "shop")
    assert answer.code == 0
    assert answer.out.startswith("shop: warning: check `")
    assert "basket_value" in answer.out
    assert answer.out.endswith("shop: ok\n")


def test_check_reads_only_the_lookback_window(mlsys, changed) -> None:
    spoil(changed, "order_no % 10 = 0", index=2)
    assert mlsys("check", "shop").code == 0
    full = mlsys("check", "shop", "--full")
    assert full.code == 3
    assert f"{day(2)}: " in full.out
    assert "their content differs" in full.out


def test_check_names_a_rule_that_does_not_suit_its_column(mlsys, changed) -> None:
    edit_spec(changed / "pipelines", checks={"rules": [{"kind": "matches", "column": "n_items", "regex": "x"}]})
    answer = mlsys("check", "shop")
    assert answer.code == 2
    assert "checks.rules.0" in answer.out


def test_check_of_all_pipelines_gives_the_worst_exit_code(mlsys, changed) -> None:
    (changed / "pipelines" / "broken.yaml").write_text("pipeline: broken\nmodls: []\n")
    answer = mlsys("check")
    assert answer.code == 2
    assert "Did you mean 'models'?" in answer.out
    assert "shop: ok" in answer.out


def test_check_holds_the_lookback_against_the_label_delay(mlsys, changed) -> None:
    edit_spec(changed / "pipelines", label={"delay": "10d"})
    answer = mlsys("check", "shop")
    assert answer.code == 2
    assert "ingest.lookback: Labels may arrive 10 days late, but only the last 3 days are read again" in answer.out


# -- preview --------------------------------------------------------------------------------------------------


def test_preview_says_what_a_run_would_do_and_writes_nothing(mlsys, changed) -> None:
    files, rows = listing(changed), n_rows(changed)
    answer = mlsys("preview", "shop", "--set", "models.0.C=0.5")
    assert answer.code == 0
    assert f"shop, day {day(23)} (newest)" in answer.out
    assert "Trains: logistic, prior; best on validation by roc_auc." in answer.out
    assert "version 1.0.1" in answer.out
    first = answer.out.index("run parameter:\n  models.0.C  0.5")
    assert answer.out.index("Promotes only if all ") < first < answer.out.index("\nfile:\n")
    assert "training.seed" not in answer.out
    assert "defaults: mlsys preview shop --all" in answer.out
    assert "\ndefault:\n" in mlsys("preview", "shop", "--all").out
    assert n_rows(changed) == rows
    assert listing(changed) == files


def test_preview_of_a_day_behind_the_champion_says_so(mlsys, seen) -> None:
    answer = mlsys("preview", "shop", "--day", str(day(10)))
    assert "the champion knows newer data" in answer.out


def test_preview_shows_a_value_of_the_environment(mlsys, seen, monkeypatch) -> None:
    monkeypatch.setenv("MLSYS_SET", "training.seed=7")
    answer = mlsys("preview", "shop")
    assert "environment:\n  training.seed  7" in answer.out


# -- run ------------------------------------------------------------------------------------------------------


def test_run_as_json_holds_the_whole_result(mlsys, changed) -> None:
    answer = mlsys("run", "shop", "--day", str(day(22)), "--mode", "train", "--json")
    assert answer.code == 0
    said = json.loads(answer.out)
    assert said["status"] == "done"
    assert said["decision"]["outcome"] == "historical"
    assert {"take_snapshot", "validate", "split", "train", "evaluate", "decide", "promote", "report"} == set(
        said["steps"]
    )
    assert said["metrics"]
    assert (changed / said["report"]).is_file()


def test_run_in_words_shows_metrics_decision_and_card(mlsys, changed) -> None:
    answer = mlsys("run", "shop", "--day", str(day(22)), "--mode", "train", "--reason", "for the test")
    assert answer.code == 0
    assert "roc_auc ↑" in answer.out
    assert "HISTORICAL  " in answer.out
    assert ".." not in answer.out.split("HISTORICAL")[1].split("Report card")[0].replace("'...'", "")
    assert "Report card: " + str(changed) in answer.out


def test_the_same_run_again_is_a_skip_that_says_why(mlsys, changed) -> None:
    answer = mlsys("run", "shop", "--json")
    assert answer.code == 0
    said = json.loads(answer.out)
    assert (said["status"], said["reason"], said["decision"]) == ("skipped", "unchanged", None)
    assert "was trained on exactly this data and spec" in said["sentence"]
    words = mlsys("run", "shop")
    assert words.code == 0
    assert words.out.startswith("skipped (unchanged): The champion ")


def test_a_day_without_rows_is_a_skip(mlsys, changed) -> None:
    answer = mlsys("run", "shop", "--day", str(day(40)))
    assert answer.code == 0
    assert answer.out == f"skipped (no_data_for_day): The source has no rows of {day(40)}.\n"


def test_too_few_new_rows_are_a_skip(mlsys, changed) -> None:
    make_shop(changed, changed / "pipelines", days=25)
    edit_spec(changed / "pipelines", ingest={"lookback": "3d", "settle": "0s", "min_new_rows": 81})
    answer = mlsys("run", "shop", "--day", str(day(24)))
    assert answer.code == 0
    assert answer.out.startswith("skipped (too_few_new_rows): 80 new rows since the champion's data")


def test_an_unknown_pipeline_gets_the_nearest_name(mlsys, seen) -> None:
    for command in ("run", "preview", "history", "champion", "check"):
        answer = mlsys(command, "shp")
        assert answer.code == 2
        assert "There is no pipeline 'shp'. Did you mean 'shop'?" in answer.out + answer.err
        assert answer.last_line == "mlsys: exit code 2 (wrong usage or spec)"


def test_a_champion_that_cannot_be_loaded_is_a_decision_error(mlsys, changed, champion_file) -> None:
    champion_file.chmod(0o644)
    champion_file.write_bytes(b"damaged")
    make_shop(changed, changed / "pipelines", days=25)
    answer = mlsys("run", "shop", "--day", str(day(24)), "--json")
    assert answer.code == 4
    said = json.loads(answer.out)
    assert said["decision"]["outcome"] == "error"
    assert answer.last_line == "mlsys: exit code 4 (the run failed, decided `error`, or something is missing)"


def test_three_lost_races_are_exit_code_5(mlsys, changed, monkeypatch) -> None:
    from mlsys.ledger import ChampionMovedError
    from mlsys.promotion import promote

    def moved(*_: object, **__: object) -> None:
        raise ChampionMovedError("The champion of shop changed meanwhile")

    monkeypatch.setattr(promote, "promote", moved)
    make_shop(changed, changed / "pipelines", days=25)
    answer = mlsys("run", "shop", "--day", str(day(24)))
    assert answer.code == 5
    assert "Other runs promoted first 3 times" in answer.err
    assert answer.last_line == "mlsys: exit code 5 (other runs promoted first)"
