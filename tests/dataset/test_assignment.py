from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from given.small_world import SmallWorld, key_hashes, rows_of, world

from mlsys.dataset import assignment, dataset
from mlsys.errors import DataError
from mlsys.records import Split
from mlsys.schema import ColumnSpec
from mlsys.splits.base import HOLDOUT, LEFT_OUT, TRAINING, VALIDATION
from mlsys.store import Store

HASH = {"kind": "hash", "validation": 0.2, "holdout": 0.2}


def split(made: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> Split:
    made.stand_in(monkeypatch)
    return assignment.split(made.spec, made.snapshot, made.checks, store=made.store)


def sides(made: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    return dataset.read_assignment(split(made, monkeypatch), made.store)


def replaced(name: str, values: Any, table: pa.Table | None = None) -> pa.Table:
    table = rows_of() if table is None else table
    return table.set_column(table.column_names.index(name), name, pa.chunked_array([pa.array(values)]))


def labels() -> np.ndarray:
    return rows_of()["label"].to_numpy(zero_copy_only=False).astype(object)


def test_sides_are_stored_and_counted_by_class(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store)
    found = split(made, monkeypatch)
    side = dataset.read_assignment(found, store)
    assert side.shape == (900,)
    assert side.dtype == np.int8
    for number, counts in ((TRAINING, found.training), (VALIDATION, found.validation), (HOLDOUT, found.holdout)):
        assert counts.n_rows == (side == number).sum()
        assert counts.classes["phishing"] == ((side == number) & (labels() == "phishing")).sum()
        assert sum(counts.classes.values()) == counts.n_rows


def test_the_same_split_has_the_same_bytes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert split(world(store), monkeypatch) == split(world(store), monkeypatch)


def test_rows_without_label_are_counted_and_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    holes = labels()
    holes[::10] = None
    made = world(store, table=replaced("label", holes))
    assert split(made, monkeypatch).left_out == {"no label": 90}
    assert (sides(made, monkeypatch)[::10] == LEFT_OUT).all()


def test_quarantined_rows_are_left_out_where_they_stand(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store, quarantine=[3, 450, 451, 899])
    side = sides(made, monkeypatch)
    assert np.flatnonzero(side == LEFT_OUT).tolist() == [3, 450, 451, 899]
    assert split(made, monkeypatch).left_out == {"quarantined": 4}


def test_labels_younger_than_the_delay_sit_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store, label={"delay": timedelta(days=4)})
    found = split(made, monkeypatch)
    young = made.table["_day"].to_numpy() > np.datetime64("2026-01-26")
    assert found.left_out == {"label not final": int(young.sum())}
    assert "holdout 2026-01-20 to 2026-01-26" in found.sentence


def test_the_split_never_looks_at_labels(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    turned = np.where(labels() == "phishing", "legitimate", "phishing")
    for rule in (HASH, {"kind": "time"}, {"kind": "group", "column": "owner"}):
        one = sides(world(store, split=rule), monkeypatch)
        two = sides(world(store, split=rule, table=replaced("label", turned)), monkeypatch)
        assert (one == two).all()


def test_a_key_of_an_earlier_side_is_left_out_of_a_later_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    site = np.arange(900)
    site[890:] = np.arange(10)  # the last rows repeat keys of the first
    made = world(store, table=replaced("_key", key_hashes(site)))
    found = split(made, monkeypatch)
    assert found.left_out == {"repeated key": 10}
    assert (dataset.read_assignment(found, store)[:10] == TRAINING).all()


def test_when_every_later_key_repeats_it_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store, table=replaced("_key", key_hashes(np.arange(900) % 50)))
    with pytest.raises(DataError, match="all its rows repeat a key"):
        split(made, monkeypatch)


def test_under_a_hash_rule_repeated_keys_share_a_side(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.arange(900) % 300
    side = sides(world(store, split=HASH, table=replaced("_key", key_hashes(keys))), monkeypatch)
    assert (side[:300] == side[300:600]).all()
    assert (side[:300] == side[600:]).all()


def test_groups_do_not_straddle_and_rows_without_group_are_left_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = rows_of()["owner"].to_numpy(zero_copy_only=False).astype(object)
    owner[:7] = None
    made = world(store, split={"kind": "group", "column": "owner"}, table=replaced("owner", owner))
    assert split(made, monkeypatch).left_out == {"no group": 7}
    side = sides(made, monkeypatch)
    assert all(len(set(side[owner == name])) == 1 for name in set(owner[7:]))
    assert "owner" not in made.spec.feature_columns()
    data = dataset.load(made.spec, made.snapshot, split(made, monkeypatch), store=store, sides=(HOLDOUT,))
    held, found = owner[side == HOLDOUT], data.group
    assert found is not None
    assert len(set(zip(held, found, strict=True))) == len(set(held)) == len(set(found))


@pytest.mark.parametrize(
    ("logical", "values", "positive"),
    [
        ("integer", [-1, 1], "1"),
        ("number", [0.0, 1.0], "1"),
        ("number", [0.0, 1.0], "1.0"),
        ("boolean", [False, True], "True"),
        ("boolean", [False, True], "true"),
        ("text", ["no", "yes"], "yes"),
    ],
)
def test_the_positive_class_is_found_by_name(
    logical: str, values: list[Any], positive: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = labels() == "phishing"
    table = replaced("label", np.where(truth, values[1], values[0]))
    schema = {**world(store).spec.columns, "label": ColumnSpec.model_validate(logical)}
    made = world(store, table=table, schema=schema, target={"column": "label", "positive": positive})
    found = split(made, monkeypatch)
    every = (TRAINING, VALIDATION, HOLDOUT)
    data = dataset.load(made.spec, made.snapshot, found, store=store, sides=every)
    assert (data.y == truth).all()


def test_a_missing_positive_class_gets_the_nearest_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="Did you mean 'phishing'"):
        split(world(store, target={"column": "label", "positive": "fishing"}), monkeypatch)


def test_a_bare_yes_in_yaml_is_explained(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    table = replaced("label", np.where(labels() == "phishing", "yes", "no"))
    with pytest.raises(DataError, match="quote it"):
        split(world(store, table=table, target={"column": "label", "positive": True}), monkeypatch)


def test_three_classes_are_listed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    three = labels()
    three[5] = "unknown"
    with pytest.raises(DataError, match=r"3 classes.*'unknown' \(1 row\)"):
        split(world(store, table=replaced("label", three)), monkeypatch)


def test_a_third_class_in_quarantine_alone_does_no_harm(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    three = labels()
    three[5] = "unknown"
    assert split(world(store, table=replaced("label", three), quarantine=[5]), monkeypatch).left_out == {
        "quarantined": 1
    }


def test_one_class_overall_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"one class: 'phishing' \(900 rows\)"):
        split(world(store, table=replaced("label", ["phishing"] * 900)), monkeypatch)


def test_one_class_in_training_is_said_with_its_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    late = rows_of()["_day"].to_numpy() > np.datetime64("2026-01-20")
    made = world(store, table=replaced("label", np.where(late, labels(), "legitimate")))
    found = split(made, monkeypatch)
    assert found.one_class("training") == f"All {found.training.n_rows} training rows are of one class, 'legitimate'"
    assert found.one_class("validation") is found.one_class("holdout") is None


def test_no_label_at_all_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="No row has a label"):
        split(world(store, table=replaced("label", pa.nulls(900, pa.string()))), monkeypatch)


def test_nan_is_no_label(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.where(labels() == "phishing", 1.0, 0.0)
    values[:4] = np.nan
    schema = {**world(store).spec.columns, "label": ColumnSpec.model_validate("number")}
    made = world(store, table=replaced("label", values), schema=schema, target={"column": "label", "positive": "1"})
    assert split(made, monkeypatch).left_out == {"no label": 4}


def test_load_gives_only_the_sides_asked_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store)
    found = split(made, monkeypatch)
    data = dataset.load(made.spec, made.snapshot, found, store=store, sides=(TRAINING, HOLDOUT))
    assert set(data.side.tolist()) == {TRAINING, HOLDOUT}
    assert len(data.rows) == len(data.y) == len(data.day) == len(data.key_hash)
    assert len(data.y) == found.training.n_rows + found.holdout.n_rows


def test_features_are_floats_with_nan_or_objects_with_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    length = rows_of()["length"].to_numpy(zero_copy_only=False).copy()
    length[:2] = [np.inf, -np.inf]
    made = world(store, table=replaced("length", length))
    data = dataset.load(made.spec, made.snapshot, split(made, monkeypatch), store=store, sides=(TRAINING,))
    assert list(data.rows) == ["length", "age", "https", "brand", "owner"]
    assert [str(kind) for kind in data.rows.dtypes] == ["float64"] * 3 + ["object"] * 2
    assert {type(value) for value in data.rows["brand"]} == {str, type(None)}
    assert np.isnan(data.rows["length"].to_numpy()[:2]).all()
    assert set(data.rows["https"]) == {0.0, 1.0}


def test_a_champion_may_ask_for_its_own_columns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store)
    own = {"brand": ColumnSpec.model_validate("category"), "site_id": ColumnSpec.model_validate("integer")}
    data = dataset.load(made.spec, made.snapshot, split(made, monkeypatch), store=store, sides=(HOLDOUT,), columns=own)
    assert list(data.rows) == ["brand", "site_id"]


def test_a_column_of_another_type_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store)
    own = {"brand": ColumnSpec.model_validate("number")}
    found = split(made, monkeypatch)
    with pytest.raises(DataError, match="column brand: Values of type string can't be read as number"):
        dataset.load(made.spec, made.snapshot, found, store=store, sides=(HOLDOUT,), columns=own)


def test_a_group_that_judges_has_no_training_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(store, split={"kind": "recent_hash", "column": "owner", "holdout": 0.4, "validation": 0.2})
    found, side = split(made, monkeypatch), sides(made, monkeypatch)
    owner = rows_of()["owner"].to_numpy(zero_copy_only=False)
    assert not set(owner[side == TRAINING]) & set(owner[(side == VALIDATION) | (side == HOLDOUT)])
    assert found.left_out == {"earlier row of a judging owner": int((side == LEFT_OUT).sum())}
    assert found.left_out["earlier row of a judging owner"] > 100


def test_a_key_that_comes_back_trains_or_judges_never_both(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    returning = rows_of()["site_id"].to_numpy() % 800
    table = replaced("_key", key_hashes(returning), replaced("site_id", returning))
    side = sides(world(store, table=table, split={"kind": "recent_hash"}), monkeypatch)
    for first, second in ((TRAINING, VALIDATION), (TRAINING, HOLDOUT), (VALIDATION, HOLDOUT)):
        assert not set(returning[side == first]) & set(returning[side == second])
