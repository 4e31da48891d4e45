"""A version on a file: the numbers of the retraining, digit by digit, and clear words for files that don't fit."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as parquet
import pytest
from given import workbooks

from mlsys.dataset.dataset import read_assignment
from mlsys.errors import DataError, UsageError
from mlsys.evaluation.on_file import measure, require_no_input
from mlsys.records import Evaluation
from mlsys.report.run_records import card_of
from mlsys.snapshot.rows import read_rows
from mlsys.sources.files import FilesSource
from mlsys.splits.base import HOLDOUT

pytestmark = pytest.mark.slow


@pytest.fixture
def holdout(work) -> pa.Table:
    """The rows that the champion was judged on."""
    card = card_of(work, work.ledger.champion("shop").run_id)
    side = read_assignment(card.split, work.store)
    names = ["order_no", "basket_value", "n_items", "channel", "gift", "returned"]
    return read_rows(card.snapshot.manifest, work.store, names).filter(pa.array(side == HOLDOUT))


def test_on_its_own_holdout_a_version_has_the_numbers_of_its_run(work, holdout, tmp_path) -> None:
    champion = work.ledger.champion("shop")
    evaluations, _ = work.ledger.decision(champion.decision_key)
    judged = [Evaluation.load(e) for e in work.store.read_json(evaluations.details)["evaluations"]]
    wanted = next(e for e in judged if e.model_id == champion.candidate_id).holdout
    csv.write_csv(holdout, tmp_path / "rows [1].csv")
    parquet.write_table(holdout, tmp_path / "rows.parquet")
    for path in (tmp_path / "rows [1].csv", tmp_path / "rows.parquet"):
        found = measure(work, "shop", path)
        assert found.values == wanted
        assert found.n_labelled == holdout.num_rows
        assert found.facts()["version"] == "1.0.0"
        assert found.table.column_names == ["order_no", "y_score"]
        assert found.table.num_rows == holdout.num_rows


def test_a_workbook_is_read_as_well(work, holdout, tmp_path) -> None:
    rows = [list(row.values()) for row in holdout.slice(0, 50).to_pylist()]
    workbooks.write(tmp_path / "rows.xlsx", [holdout.column_names, *rows])
    assert measure(work, "shop", tmp_path / "rows.xlsx").n_rows == 50


def test_without_labels_there_are_scores_alone(work, holdout, tmp_path) -> None:
    csv.write_csv(holdout.drop_columns(["returned", "order_no"]), tmp_path / "rows.csv")
    found = measure(work, "shop", tmp_path / "rows.csv")
    assert (found.values, found.n_labelled) == ((), 0)
    assert found.unlabelled == {"no label": holdout.num_rows}
    assert 0 <= found.quantiles["0%"] <= found.quantiles["50%"] <= found.quantiles["100%"] <= 1
    assert found.table.column_names == ["y_score"]


def test_rows_that_can_not_be_read_are_counted_with_their_reasons(work, holdout, tmp_path) -> None:
    texts = holdout.set_column(2, "n_items", pc.cast(holdout["n_items"], pa.string()))
    broken = ["many", *texts["n_items"].to_pylist()[1:]]
    csv.write_csv(texts.set_column(2, "n_items", pa.array(broken)), tmp_path / "rows.csv")
    found = measure(work, "shop", tmp_path / "rows.csv")
    assert len(found.rejected) == 1
    assert "n_items" in found.rejected[0].reason
    assert found.n_rows == holdout.num_rows - 1


def test_a_file_that_does_not_fit_is_refused(work, holdout, tmp_path) -> None:
    csv.write_csv(holdout.drop_columns(["channel", "gift"]), tmp_path / "rows.csv")
    with pytest.raises(DataError, match="lacks 2 of the 4 columns that the model reads: channel, gift"):
        measure(work, "shop", tmp_path / "rows.csv")
    with pytest.raises(UsageError, match="no such file"):
        measure(work, "shop", tmp_path / "nothing.csv")
    with pytest.raises(UsageError, match="No version of that name ever served shop"):
        measure(work, "shop", tmp_path / "rows.csv", version="9.9.9")
    csv.write_csv(holdout.slice(0, 0), tmp_path / "empty.csv")
    with pytest.raises(DataError, match="no row that can be read"):
        measure(work, "shop", tmp_path / "empty.csv")


def test_scores_are_never_written_over_rows(work, holdout, tmp_path) -> None:
    rows, link = tmp_path / "rows.csv", tmp_path / "link.csv"
    csv.write_csv(holdout, rows)
    link.symlink_to(rows)
    for out in (rows, link):
        with pytest.raises(UsageError, match="would take the place of the rows"):
            require_no_input(work, "shop", rows, out)
    require_no_input(work, "shop", rows, tmp_path / "scores.csv")


def test_scores_are_never_written_where_runs_read(work, tmp_path, monkeypatch) -> None:
    spec = work.spec_of(work.ledger.plan(work.ledger.champion("shop").run_id))
    files = FilesSource(path=f"{tmp_path}/drops/*.csv", event_time="placed_at")
    changed = spec.model_copy(update={"source": files})
    monkeypatch.setattr(type(work), "spec_of", lambda *_: changed)
    with pytest.raises(UsageError, match="reads its data from files of this name"):
        require_no_input(work, "shop", tmp_path / "rows.csv", tmp_path / "drops" / "new.csv")
    require_no_input(work, "shop", tmp_path / "rows.csv", tmp_path / "new.csv")
