"""The block `joins`: what it adds to the columns of a spec, and what is refused of it before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from given.clicks import JOIN
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec import Spec, load_spec, parse_dump, resolve

ORDINARY = yaml.safe_load(SPEC)


def spec_of(path: Path, *joins: dict[str, Any], **changes: Any) -> Spec:
    path.write_text(yaml.safe_dump({**ORDINARY, "joins": list(joins), **changes}, sort_keys=False), encoding="utf-8")
    return load_spec(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.yaml"


def test_joined_columns_are_features_of_their_own_types(path):
    spec = spec_of(path, JOIN)
    types = {name: column.type for name, column in spec.feature_columns().items()}
    assert list(types)[-4:] == ["n_clicks", "weight", "page", "idle"]
    assert (types["n_clicks"], types["weight"], types["page"], types["idle"]) == (
        "integer",
        "number",
        "category",
        "number",
    )


def test_a_stored_spec_is_the_same_spec(path):
    spec = spec_of(path, JOIN)
    assert parse_dump(spec.dump()) == spec


def test_a_spec_without_joins_has_the_fingerprint_that_it_had(path):
    path.write_text(SPEC, encoding="utf-8")
    assert "joins" not in resolve(path).dump()["spec"]


def test_rules_about_the_table_are_stored_where_there_are_some(path):
    assert "rules" not in spec_of(path, JOIN).dump()["joins"][0]
    spec = spec_of(path, JOIN | {"rules": [{"kind": "not_null", "column": "order_no"}]})
    assert parse_dump(spec.dump()) == spec
    assert resolve(path, ["joins.0.rules.0.severity=warning"]).spec.joins[0].rules[0].severity == "warning"


def test_an_override_leaves_out_all_joins(path):
    spec_of(path, JOIN)
    assert resolve(path, ["joins=[]"]).spec.joins == ()
    assert resolve(path, ["joins.0.window=5d"]).spec.joins[0].window.days == 5


def test_what_is_joined_and_how_is_part_of_the_fingerprint(path):
    spec_of(path, JOIN)
    before = resolve(path).fingerprint
    for change in ({"window": "3d"}, {"known": None}, {"as_of": "day"}, {"columns": {"n_clicks": "count"}}):
        spec_of(path, JOIN | change)
        assert resolve(path).fingerprint != before


def test_a_joined_column_may_be_dropped_and_ignored(path):
    watch = [{"kind": "feature_drift", "ignore": ["idle"]}]
    spec = spec_of(path, JOIN, drop=["page"], monitors={"watch": watch})
    assert "page" not in spec.feature_columns()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"key": "order"}, "joins.0.key: no column 'order' in its `schema`. Did you mean 'order_no'?"),
        ({"known": "loaded"}, "joins.0.known: no column 'loaded' in its `schema`. Did you mean 'loaded_at'?"),
        ({"known": "weight"}, "joins.0.known: 'weight' is declared as number, and must be a timestamp"),
        ({"window": "0d"}, "joins.0.window: a window of no length holds no row"),
        ({"columns": {}}, "joins.0.columns: must have at least 1 items"),
        ({"columns": {"x": "sum"}}, "joins.0.columns.x: `sum` wants to know of which column"),
        ({"columns": {"x": {"take": "sum", "of": "wait"}}}, "joins.0.columns.x.of: no column 'wait' in its `schema`"),
        ({"columns": {"x": {"take": "mean", "of": "page"}}}, "is declared as category, and `mean` wants numbers"),
        ({"columns": {"x": {"take": "last", "of": "loaded_at"}}}, "is a time, which no model takes"),
        ({"columns": {"gift": "count"}}, "joins.0.columns.gift: there is a column 'gift' already"),
        ({"columns": {"_day": "count"}}, "joins.0.columns._day: there is a column '_day' already"),
        ({"columns": {"x": "median"}}, "joins.0.columns.x.take: must be 'count', 'sum', 'mean'"),
        ({"as_of": "sunday"}, "joins.0.as_of: must be 'row', 'day' or 'monday'"),
        ({"name": "Clicks!"}, "joins.0.name: A joined table's name is at most 40 small letters"),
        (
            {"schema": JOIN["schema"] | {"order_no": "text"}},
            "joins.0.key: 'order_no' is a text here and a whole number in `schema`; declare both alike",
        ),
        ({"source": {"kind": "files", "path": "clicks/*.csv"}}, "joins.0.source: its rows have no time"),
        ({"source": None}, "joins.0.source"),
        (
            {"rules": [{"kind": "not_null", "column": "wait"}]},
            "joins.0.rules.0: no column 'wait' in its `schema`. Did you mean 'weight'?",
        ),
        ({"rules": [{"kind": "between", "column": "page", "min": 0}]}, "joins.0.rules.0"),
        ({"rules": ["unique_key"]}, "joins.0.rules.0: `unique_key` is about a key, and a joined table has none"),
    ],
)
def test_what_can_not_be_joined_is_said_with_its_place(path, change, says):
    with pytest.raises(SpecError) as caught:
        spec_of(path, JOIN | change)
    assert says in str(caught.value)
    assert "Input should" not in str(caught.value)


def test_a_number_or_a_time_is_no_key(path):
    schema = JOIN["schema"] | {"basket_value": "number"}
    with pytest.raises(SpecError, match="'basket_value' is declared as number; rows are joined by an integer, a text"):
        spec_of(path, JOIN | {"schema": schema, "key": "basket_value"})


def test_a_key_that_the_pipeline_does_not_have_is_refused(path):
    schema = JOIN["schema"] | {"customer": "text"}
    with pytest.raises(SpecError, match=r"joins\.0\.key: no column 'customer' in the pipeline's `schema`"):
        spec_of(path, JOIN | {"schema": schema, "key": "customer"})


def test_two_joins_have_names_and_columns_of_their_own(path):
    other = JOIN | {"columns": {"n_again": "count"}}
    with pytest.raises(SpecError, match="two tables have the same name"):
        spec_of(path, JOIN, other)
    assert "n_again" in spec_of(path, JOIN, other | {"name": "again"}).feature_columns()
    with pytest.raises(SpecError, match=r"joins\.1\.columns\.n_clicks: there is a column 'n_clicks' already"):
        spec_of(path, JOIN, JOIN | {"name": "again"})


def test_rows_without_a_time_join_nothing(path):
    source = {key: value for key, value in ORDINARY["source"].items() if key != "event_time"}
    with pytest.raises(SpecError, match="source: a join goes by the time of each row"):
        spec_of(path, JOIN, source=source)


def test_names_fit_into_the_ledger_together(path):
    with pytest.raises(SpecError, match=r"joins\.0\.name: with the pipeline's name and a point"):
        parse_dump({**spec_of(path, JOIN).dump(), "pipeline": "p" * 45})
