"""The champion as its users have it: the bytes that were promoted, raw rows in, and errors that say what to do."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from given.shop import day, edit_spec

import mlsys
from mlsys import keys, serving
from mlsys.errors import DataError, IntegrityError, MlsysError, RunError, UsageError
from mlsys.monitoring.scoring import predictions_of, read_predictions, score
from mlsys.registries.files import RECORD
from mlsys.schema import ColumnSpec
from mlsys.training import model_file
from mlsys.workspace import Workspace, open_workspace

MODEL = Path("registry/shop/v1.0.0/model.joblib")


def orders(home: Path, where: str = "1") -> pd.DataFrame:
    with sqlite3.connect(home / "shop.db") as connection:
        rows = pd.read_sql(f"SELECT * FROM orders WHERE {where}", connection)
    connection.close()
    return rows


def test_it_is_the_ledgers_champion_with_what_it_wants(work: Workspace) -> None:
    champion = mlsys.load_champion("shop")
    change = work.ledger.champion("shop")
    assert change is not None
    assert (champion.version, champion.candidate_id, champion.cutoff) == ("1.0.0", change.candidate_id, change.cutoff)
    assert {name: column.type for name, column in champion.features.items()} == {
        "basket_value": "number", "n_items": "integer", "channel": "category", "gift": "boolean",
    }  # fmt: skip
    assert (champion.target, champion.positive, champion.task, champion.threshold) == ("returned", "yes", "binary", 0.5)
    assert champion.folder == work.home / "registry" / "shop" / "v1.0.0"


def test_raw_rows_get_the_scores_that_the_installation_gives_them(work: Workspace) -> None:
    report = score(work, "shop", day=day(12))
    assert report.days[-1] == day(12)
    index = predictions_of(work.home, "shop", day(12))
    assert index is not None
    table = read_predictions(index.champions[index.latest], work, ["order_no", "y_score"])
    expected = dict(zip(table["order_no"].to_pylist(), table["y_score"].to_pylist(), strict=True))
    rows = orders(work.home, f"date(placed_at) = '{day(12)}'")
    found = mlsys.load_champion("shop").predict_proba(rows)
    assert found.shape == (len(rows), 2)
    assert found[:, 1].tolist() == [expected[number] for number in rows["order_no"]]
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_the_threshold_is_the_specs(shop: Path) -> None:
    champion, rows = mlsys.load_champion("shop"), orders(shop)
    y_pred = champion.predict(rows)
    assert y_pred.dtype == np.int8
    assert (y_pred == (champion.predict_proba(rows)[:, 1] >= 0.5)).all()
    assert 0 < y_pred.mean() < 1


def test_a_threshold_chosen_for_the_model_itself_goes_before_the_specs(shop: Path) -> None:
    folder = mlsys.load_champion("shop").folder
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    record["candidate"]["threshold"] = 0.07
    (folder / RECORD).chmod(0o644)
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
    champion = mlsys.load_champion("shop")
    assert champion.threshold == 0.07
    assert (champion.predict(orders(shop)) == (champion.predict_proba(orders(shop))[:, 1] >= 0.07)).all()


def test_the_home_can_be_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_HOME", str(shop / "elsewhere"))
    assert mlsys.load_champion("shop", home=str(shop)).version == "1.0.0"


def test_no_database_is_opened(shop: Path) -> None:
    (shop / "mlsys.db").unlink()
    mlsys.load_champion("shop")
    assert not (shop / "mlsys.db").exists()


def test_values_are_read_as_a_source_reads_them(shop: Path) -> None:
    champion = mlsys.load_champion("shop")
    plain = pd.DataFrame({"basket_value": [20.5, np.nan], "n_items": [3, 4], "channel": ["web", None], "gift": [1, 0]})
    as_text = pd.DataFrame(
        {"gift": ["true", "false"], "channel": [" web ", ""], "n_items": ["3", "4.0"], "basket_value": ["20.5", "NA"]}
    )
    mixed = pd.DataFrame(
        {
            "basket_value": np.array([Decimal("20.5"), None], object),
            "n_items": np.array(["3", 4], object),
            "channel": pd.Categorical(["web", None]),
            "gift": [True, False],
            "note": ["x", "y"],
        },
        index=[7, 5],
    )
    for rows in (as_text, mixed):
        prepared = champion.prepare(rows)
        assert list(prepared) == list(champion.features) == list(champion.model.feature_names_in_)
        assert list(prepared.index) == list(rows.index)
        np.testing.assert_array_equal(champion.predict_proba(rows), champion.predict_proba(plain))
    assert champion.prepare(plain)["channel"].tolist() == ["web", None]


def test_no_rows_are_no_mistake(shop: Path) -> None:
    champion, nothing = mlsys.load_champion("shop"), orders(shop, "0")
    assert champion.predict_proba(nothing).shape == (0, 2)
    assert champion.predict(nothing).shape == (0,)


def test_columns_that_are_missing_are_named(shop: Path) -> None:
    rows = orders(shop).drop(columns=["channel", "gift"])
    with pytest.raises(DataError, match=r"lack 2 of the champion's 4 features: channel, gift"):
        mlsys.load_champion("shop").predict(rows)


def test_values_that_cannot_be_read_are_refused_with_a_place(shop: Path) -> None:
    rows = orders(shop).astype({"n_items": object})
    rows.loc[3, "n_items"] = "three"
    with pytest.raises(DataError, match=r"column 'n_items': 1 of .* values are no integer, the first in row 3 .*three"):
        mlsys.load_champion("shop").predict(rows)


def no_champion(home: Path) -> None:
    (home / "registry" / "shop" / "best_model.joblib").unlink()


def nothing_at_all(home: Path) -> None:
    no_champion(home)
    (home / "pipelines" / "shop.yaml").rename(home / "pipelines" / "shops.yaml")
    (home / "registry" / "shop").rename(home / "registry" / "shpo")


def file_gone(home: Path) -> None:
    (home / MODEL).unlink()


def folder_gone(home: Path) -> None:
    (home / MODEL.parent).rename(home / "away")


def other_bytes(home: Path) -> None:
    (home / MODEL).chmod(0o644)
    (home / MODEL).write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")


def no_spec(home: Path) -> None:
    (home / MODEL).with_name("spec.yaml").unlink()


@pytest.mark.parametrize(
    ("harm", "kind", "says"),
    [
        (no_champion, UsageError, r"registry/shop: shop has no champion in the file registry.*mlsys run shop"),
        (nothing_at_all, UsageError, r"no pipeline 'shop'. Did you mean 'sh.*MLSYS_HOME"),
        (file_gone, IntegrityError, r"model.joblib: The champion's file can't be read: No such.*mlsys reconcile shop"),
        (folder_gone, IntegrityError, r"can't be read: No such file.*mlsys reconcile shop"),
        (other_bytes, IntegrityError, r"not the one that was promoted; it was not opened.*mlsys reconcile shop"),
        (no_spec, IntegrityError, r"spec.yaml: The spec beside the champion's file can't be read"),
    ],
)
def test_an_error_says_what_is_wrong_and_what_to_do(
    harm: Callable[[Path], None], kind: type[MlsysError], says: str, shop: Path
) -> None:
    harm(shop)
    with pytest.raises(kind, match=says):
        mlsys.load_champion("shop")


@pytest.mark.parametrize("harm", [file_gone, folder_gone, other_bytes, no_champion])
def test_the_remedy_helps(harm: Callable[[Path], None], shop: Path) -> None:
    from mlsys.promotion.reconcile import mend

    before = mlsys.load_champion("shop").predict_proba(orders(shop))
    harm(shop)
    with open_workspace() as work:
        mend(work, "shop")
    np.testing.assert_array_equal(mlsys.load_champion("shop").predict_proba(orders(shop)), before)


def test_a_pipeline_without_a_run_is_told_from_one_that_is_unknown(shop: Path) -> None:
    edit_spec(shop / "pipelines", pipeline="boutique")
    (shop / "pipelines" / "shop.yaml").rename(shop / "pipelines" / "boutique.yaml")
    with pytest.raises(UsageError, match="boutique has no champion in the file registry"):
        mlsys.load_champion("boutique")


def test_packages_that_cannot_read_it_are_named(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes) -> object:
        raise ModuleNotFoundError("No module named 'elsewhere'")

    monkeypatch.setattr(model_file.pickle, "loads", refuse)
    with pytest.raises(RunError, match=r"model.joblib: The model file can't be read with the installed packages"):
        mlsys.load_champion("shop")


class _Table:
    """A policy's model: the first of three actions is worth `x`, the second 1, the third 0."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.column_stack([rows["x"], np.ones(len(rows)), np.zeros(len(rows))])


def test_a_policy_gives_its_action_with_the_alternatives_from_the_best_to_the_worst(tmp_path: Path) -> None:
    champion = serving.Champion(
        pipeline="next", version="1.0.0", candidate_id="c", cutoff=datetime(2026, 5, 1, tzinfo=UTC), task="policy",
        target="won", positive="True", threshold=None, classes=(), joins=(),
        features={"x": ColumnSpec(type="number")}, model=_Table(),
        folder=tmp_path, actions=("call", "mail", "wait"),
    )  # fmt: skip
    rows = pd.DataFrame({"x": [5.0, -1.0]}, index=[7, 3])
    found = champion.values(rows)
    assert found["action"].tolist() == ["call", "mail"]
    assert found["alternatives"].tolist() == [("mail", "wait"), ("wait", "call")]
    assert found["call"].to_dict() == {7: 5.0, 3: -1.0}
    assert champion.predict(rows).tolist() == ["call", "mail"]
    assert champion.predict(rows.iloc[:0]).tolist() == []
    with pytest.raises(UsageError, match="predicts actions, not probabilities"):
        champion.predict_proba(rows)
    with pytest.raises(UsageError, match="chooses no actions"):
        replace(champion, actions=()).values(rows)


def test_with_other_packages_the_golden_predictions_are_compared_first(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "versions", lambda: {"python": "4.0"})
    assert mlsys.load_champion("shop").version == "1.0.0"
    path = work.home / "registry" / "shop" / "v1.0.0" / "golden.json"
    golden = json.loads(path.read_text())
    golden["answers"] = golden["answers"][::-1]
    path.chmod(0o644)
    path.write_text(json.dumps(golden))
    with pytest.raises(RunError, match=r"answers otherwise than when it was promoted.*mlsys rehydrate shop"):
        mlsys.load_champion("shop")
    path.unlink()  # as of a version from before there were golden predictions
    assert mlsys.load_champion("shop").version == "1.0.0"
