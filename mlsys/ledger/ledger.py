"""Reads and appends. Everything that decides who is champion goes through `change_champion`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any, Self

import sqlalchemy as sa
from pydantic_core import from_json

from mlsys.errors import IntegrityError
from mlsys.ledger import chain, champions, engine, tables
from mlsys.ledger.rows import ChampionChange, Entry, Hold, Judgement, LiveTrial, Partition, RequestRow, RunRow
from mlsys.records import Candidate, Decision, EvaluationSet, Plan


class Ledger:
    """The truth about one installation; every method is one transaction."""

    def __init__(self, url: str) -> None:
        self.engine = engine.make_engine(url)

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the ledger at a SQLAlchemy URL, its tables brought up to date.

        Raises:
            TransientError: the database does not answer.
        """
        ledger = cls(url)
        engine.migrate(ledger.engine)
        return ledger

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    # -- requests and runs ------------------------------------------------------------------------------------

    def add_request(self, pipeline: str, row: RequestRow) -> None:
        """Write down that somebody asked for a run; the same request with the same answer is written once."""
        with engine.writing(self.engine, pipeline) as connection:
            table = tables.requests
            last = connection.execute(
                sa.select(table.c.status)
                .where(table.c.request_id == row.request_id)
                .order_by(table.c.seq.desc())
                .limit(1)
            ).scalar()
            if last != row.status:
                named = {"request_id": row.request_id, "run_id": row.run_id, "status": row.status}
                chain.append(connection, table, pipeline, {**named, "reason": row.reason}, row.dump())

    def request(self, request_id: str) -> RequestRow | None:
        """Return a request, or None."""
        found = self._records(tables.requests, tables.requests.c.request_id == request_id)
        return RequestRow.load(found[-1]) if found else None

    def pipeline_of(self, request_id: str) -> str | None:
        """Return the pipeline that a request was about, or None."""
        table = tables.requests
        with engine.reading(self.engine) as connection:
            query = sa.select(table.c.pipeline).where(table.c.request_id == request_id).limit(1)
            found: str | None = connection.execute(query).scalar()
        return found

    def requests(self, pipeline: str, *, last: int | None = None) -> list[RequestRow]:
        """Return all requests for a run of a pipeline, or its newest `last` ones, oldest first.

        Holds and live trials are none.
        """
        table = tables.requests
        others = (Hold.id_of(pipeline), LiveTrial.id_of(pipeline))
        where = sa.and_(table.c.pipeline == pipeline, table.c.request_id.not_in(others))
        return [RequestRow.load(r) for r in self._records(table, where, last=last)]

    def add_run(self, pipeline: str, row: RunRow) -> None:
        """Write a transition of a run; one that repeats the run's present status is not written again."""
        with engine.writing(self.engine, pipeline) as connection:
            table = tables.runs
            last = connection.execute(
                sa.select(table.c.status).where(table.c.run_id == row.run_id).order_by(table.c.seq.desc()).limit(1)
            ).scalar()
            if last != row.status:
                named = {"run_id": row.run_id, "training_key": row.training_key, "status": row.status}
                chain.append(connection, table, pipeline, named, row.dump())

    def run(self, run_id: str) -> list[RunRow]:
        """Return the transitions of a run, oldest first; empty for an unknown one."""
        return [RunRow.load(r) for r in self._records(tables.runs, tables.runs.c.run_id == run_id)]

    def runs(self, pipeline: str, *, of: Collection[str] | None = None) -> list[RunRow]:
        """Return all transitions of a pipeline's runs, or of the runs `of` alone, oldest first."""
        table = tables.runs
        where = table.c.pipeline == pipeline if of is None else table.c.run_id.in_(of)
        return [RunRow.load(r) for r in self._records(table, where)]

    def plans(self, run_ids: Collection[str]) -> dict[str, Plan]:
        """Return the plans of runs by their ids; one that the ledger does not know is left out."""
        table = tables.runs
        records = self._records(table, sa.and_(table.c.run_id.in_(run_ids), table.c.status == "started"), at=False)
        return {record["run_id"]: Plan.load(record["plan"]) for record in reversed(records) if record.get("plan")}

    # -- candidates, evaluations, decisions -------------------------------------------------------------------

    def add_candidate(self, pipeline: str, run_id: str, candidate: Candidate) -> Candidate:
        """Write a candidate and return it; one that was fitted before is returned as it was, unchanged."""
        with engine.writing(self.engine, pipeline) as connection:
            table = tables.candidates
            known = connection.execute(
                sa.select(table.c.record)
                .where(table.c.candidate_id == candidate.candidate_id, table.c.status == "fitted")
                .limit(1)
            ).scalar()
            if known is not None:
                return Candidate.load(from_json(known))
            named = {"candidate_id": candidate.candidate_id, "run_id": run_id, "status": candidate.status}
            chain.append(connection, table, pipeline, named, candidate.dump())
            return candidate

    def plan(self, run_id: str) -> Plan:
        """Return the plan of a run.

        Raises:
            IntegrityError: the ledger has no such run.
        """
        plan = next((row.plan for row in self.run(run_id) if row.plan is not None), None)
        if plan is None:
            raise IntegrityError("The ledger has no run of that name", where=run_id)
        return plan

    def candidate(self, candidate_id: str) -> Candidate | None:
        """Return the newest record of a candidate, or None."""
        found = self._records(tables.candidates, tables.candidates.c.candidate_id == candidate_id)
        return Candidate.load(found[-1]) if found else None

    def candidates(self, training_key: str) -> list[Candidate]:
        """Return the candidates of a training key, the newest record of each; all runs of the key share them."""
        table, runs = tables.candidates, tables.runs
        of_key = sa.select(runs.c.run_id).where(runs.c.training_key == training_key)
        found = self._records(table, table.c.run_id.in_(of_key))
        newest = {record["candidate_id"]: Candidate.load(record) for record in found}
        return list(newest.values())

    def run_of(self, candidate_id: str) -> str | None:
        """Return the id of the run that trained a candidate."""
        table = tables.candidates
        with engine.reading(self.engine) as connection:
            return connection.execute(
                sa.select(table.c.run_id).where(table.c.candidate_id == candidate_id).limit(1)
            ).scalar()

    def add_decision(self, pipeline: str, evaluations: EvaluationSet, decision: Decision) -> Decision:
        """Write a decision with its evaluations and return it; an existing one of the same key stands."""
        with engine.writing(self.engine, pipeline) as connection:
            table = tables.decisions
            known = connection.execute(
                sa.select(table.c.record).where(table.c.decision_key == decision.decision_key)
            ).scalar()
            if known is not None:
                return Decision.load(from_json(known))
            named = {"decision_key": decision.decision_key, "run_id": decision.run_id}
            chain.append(connection, tables.evaluations, pipeline, named, evaluations.dump())
            chain.append(connection, table, pipeline, {**named, "outcome": decision.outcome}, decision.dump())
            return decision

    def decision(self, decision_key: str) -> tuple[EvaluationSet, Decision] | None:
        """Return the decision of a key with the evaluations it rests on, or None."""
        decided = self._records(tables.decisions, tables.decisions.c.decision_key == decision_key)
        if not decided:
            return None
        evaluated = self._records(tables.evaluations, tables.evaluations.c.decision_key == decision_key)
        return EvaluationSet.load(evaluated[-1]), Decision.load(decided[-1])

    def decisions(self, pipeline: str, *, of: Collection[str] | None = None) -> list[Decision]:
        """Return the decisions of a pipeline, or of its runs `of` alone, oldest first."""
        table = tables.decisions
        where = table.c.pipeline == pipeline if of is None else table.c.run_id.in_(of)
        return [Decision.load(r) for r in self._records(table, where)]

    def newest_decision(self, pipeline: str) -> str | None:
        """Return the key of the newest decision of a pipeline, or None."""
        table = tables.decisions
        query = (
            sa.select(table.c.decision_key).where(table.c.pipeline == pipeline).order_by(table.c.seq.desc()).limit(1)
        )
        with engine.reading(self.engine) as connection:
            return connection.execute(query).scalar()

    def decisions_after(self, pipeline: str, decision_key: str) -> list[Decision] | None:
        """Return the decisions made after one of a pipeline, oldest first; None where the ledger does not know it."""
        table = tables.decisions
        place = sa.select(table.c.seq).where(table.c.pipeline == pipeline, table.c.decision_key == decision_key)
        with engine.reading(self.engine) as connection:
            seq = connection.execute(place).scalar()
        if seq is None:
            return None
        where = sa.and_(table.c.pipeline == pipeline, table.c.seq > seq)
        return [Decision.load(r) for r in self._records(table, where)]

    def judgements(self, pipeline: str, *, last: int, historical: bool = True) -> list[Judgement]:
        """Return the newest `last` decisions, oldest first; all, or without the `historical` ones."""
        decided, evaluated = tables.decisions, tables.evaluations
        query = (
            sa.select(decided.c.record, decided.c.at, evaluated.c.record.label("evaluations"))
            .join(evaluated, evaluated.c.decision_key == decided.c.decision_key)
            .where(decided.c.pipeline == pipeline, *([] if historical else [decided.c.outcome != "historical"]))
            .order_by(decided.c.seq.desc())
            .limit(last)
        )
        with engine.reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [
            Judgement.load({"decision": from_json(r.record), "evaluations": from_json(r.evaluations), "at": r.at})
            for r in reversed(rows)
        ]

    # -- champions --------------------------------------------------------------------------------------------

    def champion(self, pipeline: str) -> ChampionChange | None:
        """Return the change that made the present champion, or None."""
        changes = self.champion_changes(pipeline, last=1)
        return changes[-1] if changes else None

    def champion_at(self, pipeline: str, instant: datetime) -> ChampionChange | None:
        """Return who served at an instant (UTC), or None before the first champion."""
        table = tables.champion_changes
        # Texts of one form in UTC: their order is that of the instants.
        where = sa.and_(table.c.pipeline == pipeline, table.c.at <= instant.astimezone(UTC).isoformat())
        before = self._records(table, where, last=1)
        return ChampionChange.load(before[-1]) if before else None

    def champion_changes(
        self, pipeline: str, *, of: Collection[str] | None = None, last: int | None = None
    ) -> list[ChampionChange]:
        """Return the changes of a pipeline's champion, oldest first.

        All of them, those that made one of the candidates `of` serve, or the newest `last` ones.
        """
        table = tables.champion_changes
        where = table.c.pipeline == pipeline
        if of is not None:
            where = sa.and_(where, table.c.candidate_id.in_(of))
        return [ChampionChange.load(r) for r in self._records(table, where, last=last)]

    def rollback_of(self, pipeline: str, candidates: Collection[str]) -> ChampionChange | None:
        """Return the newest rollback that took the place of one of these candidates, or None."""
        table, before = tables.champion_changes, tables.champion_changes.alias()
        after = sa.select(before.c.generation + 1).where(
            before.c.pipeline == pipeline, before.c.candidate_id.in_(candidates)
        )
        where = sa.and_(table.c.pipeline == pipeline, table.c.kind == "rollback", table.c.generation.in_(after))
        found = self._records(table, where, last=1)
        return ChampionChange.load(found[-1]) if found else None

    def change_champion(self, change: ChampionChange) -> ChampionChange:
        """Make a candidate the champion if the champion is still the one of the generation before.

        This is the compare-and-set that all promotions and rollbacks go through: `change.generation` must be
        exactly one more than the newest one. The unique constraint on (pipeline, generation) holds it even
        against a writer that does not take the lock.

        Raises:
            ChampionMovedError: another change came first, or a promotion's cutoff lies before the champion's.
            HeldError: the gates promote, and a person holds the pipeline.
        """
        return champions.change(self.engine, change)

    def generations(self) -> dict[str, int]:
        """Return the newest generation of each pipeline that has had a champion: one query, for who looks often."""
        table = tables.champion_changes
        query = sa.select(table.c.pipeline, sa.func.max(table.c.generation)).group_by(table.c.pipeline)
        with engine.reading(self.engine) as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    def hold(self, pipeline: str) -> Hold | None:
        """Return the hold under which the gates promote nothing now, or None."""
        return champions.hold_in_force(self.engine, pipeline)

    def holds(self, pipeline: str) -> list[Hold]:
        """Return all holds of a pipeline and their releases, oldest first."""
        return champions.holds(self.engine, pipeline)

    def put_hold(self, hold: Hold) -> Hold:
        """Write a hold or its release, and return it as it was written.

        Raises:
            UsageError: there is none to release, or it would be over already.
        """
        return champions.put_hold(self.engine, hold)

    # -- partitions (the `Catalog` of snapshot/catalog.py) ------------------------------------------------------------

    def partitions(self, pipeline: str, layout: str) -> list[Partition]:
        """Return the newest version of each partition of a layout, by day."""
        table = tables.partitions
        found = self._records(table, sa.and_(table.c.pipeline == pipeline, table.c.layout == layout), at=False)
        newest: dict[Any, Partition] = {}
        for partition in (Partition.load(record) for record in found):
            if partition.day not in newest or newest[partition.day].version < partition.version:
                newest[partition.day] = partition
        return [newest[day] for day in sorted(newest)]

    def newest_layout(self, pipeline: str) -> str | None:
        """Return the layout of the partition that was added last, or None."""
        table = tables.partitions
        query = sa.select(table.c.layout).where(table.c.pipeline == pipeline).order_by(table.c.seq.desc()).limit(1)
        with engine.reading(self.engine) as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def specs(self, pipeline: str) -> list[str]:
        """Return the digests of the specs that runs have stored, newest first, each once."""
        runs = self._records(tables.runs, tables.runs.c.pipeline == pipeline, at=False)
        return list(dict.fromkeys(str(run["plan"]["spec"]) for run in reversed(runs) if run.get("plan")))

    def newest_day(self, pipeline: str) -> date | None:
        """Return the newest day of data that any run of a pipeline has read, or None."""
        query = sa.select(sa.func.max(tables.partitions.c.day)).where(tables.partitions.c.pipeline == pipeline)
        with engine.reading(self.engine) as connection:
            newest = connection.execute(query).scalar()
        return None if newest is None else date.fromisoformat(newest)

    def add_partitions(self, pipeline: str, new: Sequence[Partition]) -> None:
        """Add new partitions, all or none."""
        with engine.writing(self.engine, pipeline) as connection:
            for partition in new:
                named = {"layout": partition.layout, "day": str(partition.day), "version": partition.version}
                chain.append(connection, tables.partitions, pipeline, named, partition.dump())

    def serialised(self, pipeline: str) -> AbstractContextManager[None]:
        """Let only one process at a time make a snapshot of a pipeline."""
        return engine.locked(self.engine, f"snapshot:{pipeline}")

    def taking_in(self, pipeline: str) -> AbstractContextManager[None]:
        """Let only one process at a time take in a range of a pipeline's days."""
        return engine.locked(self.engine, f"range:{pipeline}")

    def projecting(self, pipeline: str) -> AbstractContextManager[None]:
        """Let only one process at a time write a pipeline's projections."""
        return engine.locked(self.engine, f"project:{pipeline}")

    # -- the chain --------------------------------------------------------------------------------------------

    def pipelines(self, *, tables_too: bool = False) -> dict[str, int]:
        """Return all pipelines that the ledger has rows of, sorted, each with how many: it grows with every row.

        With `tables_too`, the tables that they join are among them, as `pipeline.table`.
        """
        found: dict[str, int] = {}
        with engine.reading(self.engine) as connection:
            for name, newest in (row for table in tables.ALL for row in connection.execute(tables.pipelines_in(table))):
                found[name] = max(found.get(name, 0), newest)
        return {name: found[name] for name in sorted(found) if tables_too or "." not in name}

    def entries(self, pipeline: str) -> list[Entry]:
        """Return every row of a pipeline as it is stored, oldest first; for who asks what a row names."""
        found = [Entry(name, dict(row)) for name, row in self._rows(pipeline)]
        return sorted(found, key=lambda entry: entry.seq)

    def cleaning(self) -> AbstractContextManager[None]:
        """Let only one process at a time remove files."""
        return engine.locked(self.engine, "clean")

    def verify(self, pipeline: str) -> int:
        """Check that no row of a pipeline was changed, removed or slipped in; return how many there are.

        Raises:
            IntegrityError: names the first row that does not fit.
        """
        rows = self._rows(pipeline)
        chain.require_unbroken(pipeline, rows)
        return len(rows)

    def _rows(self, pipeline: str) -> list[tuple[str, Mapping[str, Any]]]:
        rows: list[tuple[str, Mapping[str, Any]]] = []
        with engine.reading_at_once(self.engine) as connection:
            for table in tables.ALL:
                found = connection.execute(sa.select(table).where(table.c.pipeline == pipeline)).mappings()
                rows += [(table.name, dict(row)) for row in found]
        return rows

    def _records(
        self, table: sa.Table, where: sa.ColumnElement[bool], *, at: bool = True, last: int | None = None
    ) -> list[dict[str, Any]]:
        query = sa.select(table.c.record, table.c.at).where(where)
        if last is None:
            query = query.order_by(table.c.pipeline, table.c.seq)
        else:
            query = query.order_by(table.c.seq.desc()).limit(last)
        stamped = at and table.name in _STAMPED
        with engine.reading(self.engine) as connection:
            rows = connection.execute(query).all()
        found = [{**from_json(row.record), **({"at": row.at} if stamped else {})} for row in rows]
        return found if last is None else found[::-1]


_STAMPED = {"requests", "runs", "champion_changes"}  # their records show when they were written
