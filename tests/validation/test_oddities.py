"""What is odd in columns is named and counted, over all days, and looked for in new days alone."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from given.shop import SPEC

from mlsys import clock
from mlsys.records import CheckReport
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.store import Store, recall
from mlsys.testing.catalog import MemoryCatalog
from mlsys.validation import oddities as module
from mlsys.validation import validation
from mlsys.validation.oddities import oddities

HEADER = "order_no,basket_value,channel,returned"


class Files:
    """Days of CSV files, and what validation says about them."""

    def __init__(self, home: Path, store: Store) -> None:
        self.home, self.store, self.catalog = home, store, MemoryCatalog()
        source = {"kind": "files", "path": f"{home}/*", "day_pattern": r"(\d{4}-\d{2}-\d{2})"}
        schema = {"order_no": "text", "basket_value": "number", "channel": "category", "returned": "category"}
        mapping = {**yaml.safe_load(SPEC), "source": source, "schema": schema, "checks": {}}
        self.spec = Spec.model_validate(mapping | {"tags": (), "models": ("logistic",), "gates": ("min_rows",)})

    def day(self, number: int, *rows: str) -> None:
        (self.home / f"2026-05-{number:02}.csv").write_text("\n".join([HEADER, *rows]) + "\n")

    def report(self, number: int) -> CheckReport:
        cutoff = clock.cutoff_of(clock.parse_day(f"2026-05-{number:02}"))
        taken = snapshot.take(self.spec, cutoff, catalog=self.catalog, store=self.store)
        assert taken is not None
        self.manifest = taken.snapshot.manifest
        return validation.validate(self.spec, taken.snapshot, store=self.store, home=self.home)


@pytest.fixture
def files(home: Path, store: Store) -> Files:
    return Files(home, store)


def found(report: CheckReport) -> dict[str, str]:
    return {f"{item.kind}:{item.column}": item.sentence for item in report.results if item.kind != "tolerated_share"}


def test_clean_columns_are_not_mentioned(files) -> None:
    files.day(1, "a1,1.5,web,yes", "a2,3e38,1.5,no", "a3,,2.50,no")
    assert found(files.report(1)) == {}


def test_two_spellings_of_whole_numbers_are_named_though_each_day_has_one(files) -> None:
    files.day(1, "101,1,1,yes", "102,1.0,2,no", "103,1,12,no")
    assert found(files.report(1)) == {}
    files.day(2, "101.0,1,1.0,yes", "104.0,1,,no", "105.0,1,12.0,no")
    report = files.report(2)
    said = found(report)
    assert set(said) == {"two_spellings:order_no", "two_spellings:channel"}
    assert "column 'channel' holds 3 values such as '1' and 2 such as '1.0'" in said["two_spellings:channel"]
    assert report.state == "pass"
    assert {item.severity for item in report.results if item.kind == "two_spellings"} == {"warning"}


def test_numbers_beyond_what_models_hold_are_named_and_counted(files) -> None:
    files.day(1, "a1,1e300,web,yes", "a2,-4e38,web,no", "a3,3.4e38,web,no", "a4,inf,web,no")
    result = next(item for item in files.report(1).results if item.kind == "beyond_models")
    assert (result.column, result.n_failed, result.examples) == ("basket_value", 2, ("-4e+38",))
    assert "2 of 4 values of 'basket_value' are larger than models can hold" in result.sentence


def test_the_same_file_in_parquet_has_one_spelling(files, home) -> None:
    columns = {"basket_value": [1.0, 2.0], "channel": ["a", "b"], "returned": ["yes", "no"]}
    pq.write_table(pa.table({"order_no": [101, 102], **columns}), home / "2026-05-01.parquet")
    pq.write_table(pa.table({"order_no": [101.0, 103.0], **columns}), home / "2026-05-02.parquet")
    assert found(files.report(2)) == {}
    keys = read_rows(files.manifest, files.store, ["order_no"])["order_no"].to_pylist()
    assert sorted(keys) == ["101", "101", "102", "103"]


def test_days_seen_before_are_not_read_again(files, home, store, monkeypatch) -> None:
    files.day(1, "1,1e300,web,yes")
    before = files.report(1)
    files.day(2, "2,1,web,yes")
    looked: list[int] = []
    look = module._look
    monkeypatch.setattr(module, "_look", lambda rows, columns: looked.append(rows.num_rows) or look(rows, columns))
    after = files.report(2)
    assert set(looked) == {1}
    assert found(after).keys() == found(before).keys()
    memory = next((home / "cache" / "oddities").iterdir())
    memory.write_bytes(memory.read_bytes()[:-5])  # torn: looked at anew, with the same result
    again = oddities(files.spec, files.manifest, store=store, home=home)
    assert [item.sentence for item in again] == list(found(after).values())
    assert len(json.loads(recall(memory) or b"")) == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [("we\u200bb", r"'we\u200bb'"), ("\ufeffweb", r"'\ufeffweb'"), ("e\u0301t\u00e9", r"'e\u0301t\xe9'")],
    ids=["without width", "byte order mark", "accent apart"],
)
def test_characters_that_nobody_sees_are_named(files, value: str, shown: str) -> None:
    files.day(1, "a1,1,web,yes", f"a2,2,{value},no", f"a3,2,{value},no")
    said = found(files.report(1))
    assert set(said) == {"unseen_characters:channel"}
    assert "2 of 3 values of 'channel' hold characters that can't be seen" in said["unseen_characters:channel"]
    assert shown in said["unseen_characters:channel"]


def test_letters_of_any_script_are_no_oddity(files) -> None:
    files.day(1, "a1,1,\u00e9t\u00e9,yes", "a2,2,\u0645\u06cc\u200c\u062e,no", "a3,2,\u6771\u4eac,no")
    assert found(files.report(1)) == {}
