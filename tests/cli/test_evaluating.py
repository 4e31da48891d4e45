"""`mlsys evaluate` on the shop: a table, JSON, and scores in a file."""

import json

import pytest

pytestmark = pytest.mark.slow

ROWS = "order_no,basket_value,n_items,channel,gift,returned\n" + "".join(
    f"{n},{10 + n % 60},{n % 8 + 1},{('web', 'app', 'store')[n % 3]},false,{('yes', 'no')[n % 2]}\n" for n in range(60)
)


def test_metrics_with_intervals_and_a_file_of_scores(mlsys, seen, tmp_path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    found = mlsys("evaluate", "shop", "--data", str(tmp_path / "rows.csv"), "--out", str(tmp_path / "scores.csv"))
    assert found.code == 0
    assert "60: 30 'no', 30 'yes'" in found.out
    assert "roc_auc" in found.out
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 61
    old = mlsys("evaluate", "shop", "--data", str(tmp_path / "rows.csv"), "--version", "1.0.0", "--json")
    assert json.loads(old.out)["version"] == "1.0.0"


def test_what_can_not_be_measured_is_refused(mlsys, seen, tmp_path) -> None:
    assert mlsys("evaluate", "shop", "--data", str(tmp_path / "none.csv")).code == 2
    (tmp_path / "rows.csv").write_text("order_no\n1\n")
    assert mlsys("evaluate", "shop", "--data", str(tmp_path / "rows.csv")).code == 3
    wrong = mlsys("evaluate", "shop", "--data", "x.csv", "--out", "scores.txt")
    assert "Scores are written as .csv or .parquet" in wrong.err
