"""What the ledger hands out besides the records of the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from mlsys import clock
from mlsys.records import Decision, EvaluationSet, Mode, Plan, Record, RunStatus, Snapshot

Role = Literal["shadow", "ab"]


class RequestRow(Record):
    """Somebody asked for a run: who, with what, and what came of it.

    Attributes:
        status: `accepted` (a run was started or continued), `skipped` with a `reason`, or `failed` with one before a
            run was begun.
        asked_by: `cli`, or the Airflow run that asked.
        manifest: of the data that was looked at, also by a request that became no run; None when there was none.
    """

    request_id: str
    run_id: str | None
    status: Literal["accepted", "skipped", "failed"]
    reason: str | None = None
    sentence: str
    mode: Mode
    day: str | None = None
    day_source: str | None = None
    asked_by: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    manifest: str | None = None
    at: datetime | None = None


class RunRow(Record):
    """One transition of a run. `started` carries plan, snapshot and the resolved spec's digest."""

    run_id: str
    training_key: str
    status: Literal["started"] | RunStatus
    step: str | None = None
    sentence: str = ""
    plan: Plan | None = None
    snapshot: Snapshot | None = None
    parts: dict[str, str] = Field(default_factory=dict)
    at: datetime | None = None


class Judgement(Record):
    """A decision, the evaluations it rests on, and when it was made."""

    decision: Decision
    evaluations: EvaluationSet
    at: datetime


class ChampionChange(Record):
    """From here on this candidate serves.

    Attributes:
        generation: counts the changes of a pipeline; the fencing token of promotion.
        version: semantic version in the file registry; a rollback names an earlier one.
        cutoff: data cutoff of the candidate; promotions never go back behind it.
        kind: `promote` by the gates, `manual` by a person who overrides them, `rollback`, `expiry`: what a person put
            in place for a time made way for what served before, or `rehydrate`: the same version, fitted anew in
            another environment.
        expires: when a `manual` one ends by itself; None for no end.
        golden: SHA-256 of its golden predictions in the store; None where none could be made, or of earlier versions.
    """

    pipeline: str
    generation: int
    candidate_id: str
    version: str
    kind: Literal["promote", "manual", "rollback", "expiry", "rehydrate"]
    cutoff: datetime
    run_id: str
    decision_key: str | None = None
    previous: str | None = None
    who: str
    reason: str
    expires: datetime | None = Field(default=None, exclude_if=lambda end: end is None)
    golden: str | None = Field(default=None, exclude_if=lambda value: value is None)
    at: datetime | None = None

    @property
    def last_day(self) -> date:
        """The last day of data that the candidate knows."""
        return clock.last_day_before(self.cutoff)


class Hold(Record):
    """A person lets the gates promote nothing for a time, or (`held` false) ends that.

    The ledger keeps it among the requests, under an id of its own.

    Attributes:
        until: when it ends by itself; None: with its release.
        at: when it was written.
    """

    pipeline: str
    held: bool = True
    who: str
    reason: str
    until: datetime | None = None
    at: datetime | None = None

    @staticmethod
    def id_of(pipeline: str) -> str:
        """Return the request id of a pipeline's holds."""
        return f"hold:{pipeline}"

    def is_in_force(self, now: datetime) -> bool:
        """Return whether nothing is promoted by it at an instant after it was written."""
        return self.held and (self.until is None or now < self.until)

    @property
    def sentence(self) -> str:
        """Who, since when, until when and why; without a full stop."""
        since = f" since {self.at:%Y-%m-%d %H:%M} UTC" if self.at else ""
        until = f"until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else "until somebody releases it"
        return (
            f"held by {self.who}{since}, {until}: {self.reason}"
            if self.held
            else f"released by {self.who}: {self.reason}"
        )

    def as_request(self) -> RequestRow:
        """Return the row that the ledger keeps."""
        return RequestRow(
            request_id=self.id_of(self.pipeline),
            run_id=None,
            status="accepted",
            reason="held" if self.held else "released",
            sentence=self.reason,
            mode="live",
            asked_by=self.who,
            parameters={} if self.until is None else {"until": self.until.isoformat()},
        )

    @classmethod
    def of_request(cls, pipeline: str, row: RequestRow) -> Hold:
        """Return the hold of a row that `as_request` gave."""
        return cls(
            pipeline=pipeline,
            held=row.reason == "held",
            who=row.asked_by,
            reason=row.sentence,
            until=row.parameters.get("until"),
            at=row.at,
        )


class LiveTrial(Record):
    """A model tried beside the champion, or (`running` false) the end of its trial.

    The ledger keeps it among the requests, under an id of its own.

    Attributes:
        role: a `shadow` scores every request and answers none; of `ab` answers go out to a share of the keys.
        share: of the keys in per cent; 0 of a shadow.
        until: when it ends by itself.
        at: when it was written.
        golden: SHA-256 of golden predictions that a server compares first; None where none could be made.
    """

    pipeline: str
    candidate_id: str
    role: Role
    share: int = Field(default=0, ge=0, le=100)
    running: bool = True
    who: str
    reason: str
    until: datetime
    at: datetime | None = None
    golden: str | None = Field(default=None, exclude_if=lambda value: value is None)

    @staticmethod
    def id_of(pipeline: str) -> str:
        """Return the request id of a pipeline's trials."""
        return f"trial:{pipeline}"

    def is_in_force(self, now: datetime) -> bool:
        """Return whether it goes on at an instant after it was written."""
        return self.running and now < self.until

    @property
    def sentence(self) -> str:
        """What is tried, by whom, until when and why; without a full stop."""
        how = "in the shadow" if self.role == "shadow" else f"for {self.share} % of the keys"
        return f"{self.candidate_id} {how} until {self.until:%Y-%m-%d %H:%M} UTC, by {self.who}: {self.reason}"

    def as_request(self) -> RequestRow:
        """Return the row that the ledger keeps."""
        told = {"candidate": self.candidate_id, "role": self.role, "share": self.share, "until": self.until.isoformat()}
        told |= {"golden": self.golden} if self.golden else {}
        return RequestRow(
            request_id=self.id_of(self.pipeline),
            run_id=None,
            status="accepted",
            reason="tried" if self.running else "ended",
            sentence=self.reason,
            mode="live",
            asked_by=self.who,
            parameters=told,
        )

    @classmethod
    def of_request(cls, pipeline: str, row: RequestRow) -> LiveTrial:
        """Return the trial of a row that `as_request` gave."""
        told = row.parameters
        return cls(
            pipeline=pipeline,
            candidate_id=told["candidate"],
            role=told["role"],
            share=told["share"],
            running=row.reason == "tried",
            who=row.asked_by,
            reason=row.sentence,
            until=told["until"],
            at=row.at,
            golden=told.get("golden"),
        )


@dataclass(frozen=True)
class Entry:
    """A row as it is stored, of any table: `columns` are all of them, `record` its JSON text among them."""

    table: str
    columns: Mapping[str, Any]

    @property
    def seq(self) -> int:
        """Its place in the chain."""
        return int(self.columns["seq"])

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.columns["at"])

    @property
    def record(self) -> str:
        """Its record, canonical JSON."""
        return str(self.columns["record"])


class Partition(Record):
    """One version of one day of data: a slice of a Parquet segment in the store.

    Attributes:
        version: counts from 1; late or changed rows make a new version, older ones stay readable.
        layout: fingerprint of what the columns depend on (source, schema, key, label); another one reads anew.
        fingerprint: of the content, whatever the order or bytes it came in.
        segment: SHA-256 of the Parquet file; the partition is its rows `offset` to `offset + n_rows`.
        newest_event, newest_arrival: None for a source without event time, or without label arrival.
        rejects: SHA-256 of the JSON list of rows that could not be read, or None when there were none.
    """

    day: date
    version: int
    layout: str
    fingerprint: str
    segment: str
    offset: int
    n_rows: int
    n_labelled: int
    newest_event: datetime | None = None
    newest_arrival: datetime | None = None
    n_duplicate_keys: int = 0
    n_rejected: int = 0
    rejects: str | None = None
    read_at: datetime
