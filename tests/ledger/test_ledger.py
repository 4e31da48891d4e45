import threading
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from mlsys.errors import IntegrityError
from mlsys.ledger import ChampionChange, ChampionMovedError, Ledger, RequestRow
from mlsys.ledger.engine import HEAD
from mlsys.ledger.rows import Partition, RunRow
from mlsys.records import Candidate


def change(generation: int, candidate: str = "a", *, cutoff: int = 1, kind: str = "promote") -> ChampionChange:
    return ChampionChange(
        pipeline="p",
        generation=generation,
        candidate_id=candidate,
        version=f"1.0.{generation}",
        kind=kind,
        cutoff=datetime(2026, 3, cutoff, tzinfo=UTC),
        run_id="r",
        who="test",
        reason="because",
    )


def request(name: str) -> RequestRow:
    return RequestRow(request_id=name, run_id="r", status="accepted", sentence="s", mode="live", asked_by="cli")


def test_the_first_champion_has_generation_one(ledger: Ledger) -> None:
    ledger.change_champion(change(1))
    champion = ledger.champion("p")
    assert champion is not None
    assert (champion.candidate_id, champion.generation) == ("a", 1)


def test_a_promotion_that_expects_an_older_champion_loses(ledger: Ledger) -> None:
    ledger.change_champion(change(1, "a"))
    ledger.change_champion(change(2, "b"))
    with pytest.raises(ChampionMovedError, match="changed to b"):
        ledger.change_champion(change(2, "c"))
    assert [c.candidate_id for c in ledger.champion_changes("p")] == ["a", "b"]


def test_a_promotion_never_goes_back_behind_the_champions_cutoff(ledger: Ledger) -> None:
    ledger.change_champion(change(1, "a", cutoff=9))
    with pytest.raises(ChampionMovedError, match="newer data"):
        ledger.change_champion(change(2, "b", cutoff=8))


def test_a_rollback_may_name_an_older_cutoff(ledger: Ledger) -> None:
    ledger.change_champion(change(1, "a", cutoff=8))
    ledger.change_champion(change(2, "b", cutoff=9))
    ledger.change_champion(change(3, "a", cutoff=8, kind="rollback"))
    champion = ledger.champion("p")
    assert champion is not None
    assert champion.candidate_id == "a"


def test_pipelines_do_not_see_each_other(ledger: Ledger) -> None:
    ledger.change_champion(change(1))
    assert ledger.champion("q") is None
    assert list(ledger.pipelines()) == ["p"]


def test_a_request_is_written_once(ledger: Ledger) -> None:
    ledger.add_request("p", request("x"))
    ledger.add_request("p", request("x"))
    ledger.add_request("p", request("y"))
    assert [row.request_id for row in ledger.requests("p")] == ["x", "y"]


def test_a_fitted_candidate_is_adopted_and_a_failed_one_is_replaced(ledger: Ledger) -> None:
    ledger.add_run("p", RunRow(run_id="r", training_key="k", status="started"))
    ledger.add_run("p", RunRow(run_id="s", training_key="other", status="started"))
    failed = Candidate(candidate_id="k-c", name="n", kind="k", status="failed", reason="out of luck")
    fitted = Candidate(candidate_id="k-c", name="n", kind="k", status="fitted", model="0" * 64)
    again = fitted.model_copy(update={"model": "1" * 64})
    assert ledger.add_candidate("p", "r", failed).status == "failed"
    assert ledger.add_candidate("p", "r", fitted).model == "0" * 64
    assert ledger.add_candidate("p", "r", again).model == "0" * 64
    ledger.add_candidate("p", "s", fitted.model_copy(update={"candidate_id": "kk-c"}))
    assert [c.model for c in ledger.candidates("k")] == ["0" * 64]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE requests SET status = 'skipped'", "DELETE FROM requests", "DELETE FROM champion_changes"],
)
def test_rows_are_neither_changed_nor_removed(ledger: Ledger, statement: str) -> None:
    ledger.add_request("p", request("x"))
    ledger.change_champion(change(1))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_the_chain_holds_over_all_tables(ledger: Ledger) -> None:
    ledger.add_request("p", request("x"))
    ledger.change_champion(change(1))
    ledger.add_request("p", request("y"))
    assert ledger.verify("p") == 3


def test_a_tampered_row_breaks_the_chain(ledger: Ledger) -> None:
    ledger.add_request("p", request("x"))
    ledger.change_champion(change(1))
    with ledger.engine.begin() as connection:
        if ledger.engine.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER requests_no_update"))
        else:
            connection.execute(sa.text("DROP TRIGGER requests_append_only ON requests"))
        connection.execute(sa.text("UPDATE requests SET status = 'skipped'"))
    with pytest.raises(IntegrityError, match="requests, pipeline p, row 1"):
        ledger.verify("p")


def test_who_served_at_an_instant(ledger: Ledger) -> None:
    before = datetime.now(UTC)
    ledger.change_champion(change(1, "a"))
    between = datetime.now(UTC)
    ledger.change_champion(change(2, "b"))
    assert ledger.champion_at("p", before) is None
    served = ledger.champion_at("p", between)
    assert served is not None
    assert served.candidate_id == "a"


def test_an_up_to_date_ledger_is_opened_without_migrating(ledger: Ledger, ledger_url: str) -> None:
    again = Ledger.open(ledger_url)
    with again.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    again.close()


def test_migrations_and_tables_agree(ledger: Ledger) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from mlsys.ledger.tables import metadata

    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def partition(index: int, version: int = 1, layout: str = "l") -> Partition:
    return Partition(
        day=date(2026, 3, index),
        version=version,
        layout=layout,
        fingerprint=f"{index}-{version}",
        segment="s",
        offset=0,
        n_rows=10,
        n_labelled=9,
        newest_event=datetime(2026, 3, index, 12, tzinfo=UTC),
        read_at=datetime(2026, 3, index, 13, tzinfo=UTC),
    )


def test_the_newest_version_of_each_partition_counts(ledger: Ledger) -> None:
    ledger.add_partitions("p", [partition(2), partition(1)])
    ledger.add_partitions("p", [partition(1, version=2), partition(3, layout="other")])
    assert ledger.partitions("p", "l") == [partition(1, version=2), partition(2)]


def test_a_version_of_a_partition_is_written_once_or_none_of_its_company(ledger: Ledger) -> None:
    ledger.add_partitions("p", [partition(1)])
    with pytest.raises(sa.exc.IntegrityError):
        ledger.add_partitions("p", [partition(2), partition(1)])
    assert ledger.partitions("p", "l") == [partition(1)]


def test_a_lock_is_held_by_one_at_a_time(ledger: Ledger, ledger_url: str) -> None:
    other = Ledger.open(ledger_url)
    order = []

    def second() -> None:
        with other.serialised("p"):
            order.append("second")

    thread = threading.Thread(target=second)
    with ledger.serialised("p"):
        thread.start()
        thread.join(0.5)
        order.append("first")
    thread.join(30)
    other.close()
    assert order == ["first", "second"]
