"""Made-up histories of a pipeline for tests of housekeeping: runs of any age, champions, replaced partitions, scores.

The rows go into a real ledger and the files into a real store, without training anything. Beside them stands, kept by
hand and not by following names, which files each part needs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.ledger import ChampionChange, RequestRow, RunRow
from mlsys.ledger.rows import Partition
from mlsys.records import Candidate, Decision, EvaluationSet, Mode, Plan, Snapshot
from mlsys.snapshot.segments import note_slices
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import pytest

PIPELINE = "story"
LAYOUT = "a" * 64
FIRST_DAY = date(2026, 1, 1)
_machine_now = clock.now  # a history sets the clock, and files are stamped by the machine's


@dataclass(frozen=True)
class Night:
    """A run, `age` days ago.

    Attributes:
        days: which days of data came new or changed before it.
        again: it looks at the data and spec of the run before, in its own mode.
        crowns: its first candidate becomes champion.
        rolls_back: afterwards an earlier champion serves again.
        scores: afterwards the newest day is scored.
    """

    age: int
    days: tuple[int, ...] = (0,)
    mode: Mode = "live"
    n_candidates: int = 2
    again: bool = False
    crowns: bool = False
    rolls_back: bool = False
    scores: bool = False


@dataclass
class Told:
    """What a history left behind, and what is needed of it.

    Attributes:
        of_run: files of each run, by its training key, less the models.
        models: by training key, then by candidate.
        touched: when a training key was last asked for.
        served: training key and candidate of every model that ever served.
        newest: segment of the newest version of each day.
        scores: when each prediction file was made.
    """

    of_run: dict[str, set[str]] = field(default_factory=dict)
    models: dict[str, dict[str, str]] = field(default_factory=dict)
    touched: dict[str, datetime] = field(default_factory=dict)
    served: list[tuple[str, str]] = field(default_factory=list)
    newest: dict[int, Partition] = field(default_factory=dict)
    scores: dict[str, datetime] = field(default_factory=dict)

    def needed(self, *, runs: datetime, predictions: datetime) -> set[str]:
        """Return the files that must survive when runs and predictions before these instants are old."""
        found = {partition.segment for partition in self.newest.values()}
        found |= {digest for digest, made in self.scores.items() if made >= predictions}
        for key, at in self.touched.items():
            if at >= runs:
                found |= self.of_run[key] | set(self.models[key].values())
        for key, candidate in self.served:
            found |= self.of_run[key] | {self.models[key][candidate]}
        return found

    def losers(self, *, runs: datetime) -> set[str]:
        """Return the models that nobody needs."""
        old = {key for key, at in self.touched.items() if at < runs}
        return {
            model for key in old for candidate, model in self.models[key].items() if (key, candidate) not in self.served
        }


def tell(work: Workspace, nights: Sequence[Night], patched: pytest.MonkeyPatch) -> Told:
    """Write a history, the oldest night first; files and rows bear the times of their nights."""
    told = Told()
    present = clock.now()
    for number, night in enumerate(sorted(nights, key=lambda night: -night.age)):
        at = present - timedelta(days=night.age)
        with patched.context() as then, _dated(work.home, at):
            then.setattr(clock, "now", lambda at=at: at)
            _Writer(work, told, number, night, at).write()
    return told


@contextmanager
def _dated(home: Path, at: datetime) -> Iterator[None]:
    """Give everything that is written meanwhile the time `at`."""
    begun = _machine_now().timestamp() - 5
    yield
    for path in home.rglob("*"):
        if path.is_file() and path.stat().st_mtime >= begun:
            os.utime(path, (at.timestamp(), at.timestamp()))


@dataclass
class _Writer:
    """Writes one night."""

    work: Workspace
    told: Told
    number: int
    night: Night
    at: datetime

    def write(self) -> None:
        again = self.night.again and bool(self.told.of_run)
        key = list(self.told.of_run)[-1] if again else _digest("key", self.number)
        run_id = f"{PIPELINE}-{self.number}"
        named = self.told.of_run.setdefault(key, set())
        self.told.touched[key] = self.at
        if not again:
            self._arrive()
        self._begin(run_id, key, named)
        self._train(run_id, key)
        decision = self._judge(run_id, key, named)
        self._end(run_id, key, named)
        if self.night.crowns:
            self._change("promote", key, f"{key[:12]}-0", run_id, decision)
        if self.night.rolls_back and len(self.told.served) > 1:
            before, candidate = self.told.served[0]
            if self.told.served[-1] != (before, candidate):
                self._change("rollback", before, candidate, self._runs_of(before)[0], None)
        if self.night.scores:
            self._score()

    def _put(self, what: str) -> str:
        return self.work.store.put_bytes(f"{what} {self.number}".encode())

    def _arrive(self) -> None:
        segment = self._put("PAR1 rows")
        added = []
        for offset, day in enumerate(self.night.days):
            before = self.told.newest.get(day)
            added.append(
                Partition(
                    day=FIRST_DAY + timedelta(days=day),
                    version=before.version + 1 if before else 1,
                    layout=LAYOUT,
                    fingerprint=_digest("rows", self.number, day),
                    segment=segment,
                    offset=offset,
                    n_rows=1,
                    n_labelled=1,
                    read_at=self.at,
                )
            )
            self.told.newest[day] = added[-1]
        note_slices(LAYOUT, segment, {row.fingerprint: row.offset for row in added}, self.work.store)
        self.work.ledger.add_partitions(PIPELINE, added)

    def _begin(self, run_id: str, key: str, named: set[str]) -> None:
        partitions = [self.told.newest[day] for day in sorted(self.told.newest)]
        listing = {"partitions": [{"fingerprint": row.fingerprint} for row in partitions], "key": key}
        manifest = self.work.store.put_json(listing)
        spec = self.work.store.put_json({"spec": key})
        named |= {manifest, spec, *(row.segment for row in partitions)}
        cutoff = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.number)
        plan = Plan(
            pipeline=PIPELINE, run_id=run_id, request_id=run_id, day=FIRST_DAY, day_source="parameter", cutoff=cutoff,
            mode=self.night.mode, spec=spec, spec_fingerprint="b" * 64, training_key=key, seed=1,
        )  # fmt: skip
        taken = Snapshot(
            fingerprint="f" * 64, manifest=manifest, cutoff=cutoff, n_rows=1, n_labelled=1,
            n_partitions=len(partitions), first_day=FIRST_DAY, last_day=FIRST_DAY,
        )  # fmt: skip
        environment = self.work.store.put_json({"versions": "all the same"})
        named.add(environment)
        row = RunRow(
            run_id=run_id, training_key=key, status="started", plan=plan, snapshot=taken,
            parts={"environment": environment},
        )  # fmt: skip
        self.work.ledger.add_run(PIPELINE, row)
        request = RequestRow(
            request_id=run_id, run_id=run_id, status="accepted", sentence="", mode=self.night.mode, asked_by="a test"
        )
        self.work.ledger.add_request(PIPELINE, request)

    def _train(self, run_id: str, key: str) -> None:
        models = self.told.models.setdefault(key, {})
        for name in map(str, range(self.night.n_candidates)):
            candidate_id = Candidate.id_of(key, name)
            known = models.setdefault(candidate_id, self._put(f"model {name}"))
            self.work.store.renew(known)
            candidate = Candidate(candidate_id=candidate_id, name=name, kind="prior", status="fitted", model=known)
            self.work.ledger.add_candidate(PIPELINE, run_id, candidate)

    def _judge(self, run_id: str, key: str, named: set[str]) -> str:
        details = self.work.store.put_json({"evaluations": [], "of": key})
        named.add(details)
        decision = Decision(
            decision_key=_digest("decision", key, self.night.mode), run_id=run_id, outcome="reject", reason="a_test",
            sentence="", challenger=f"{key[:12]}-0", champion=None, gates=(),
        )  # fmt: skip
        judged = EvaluationSet(
            primary="roc_auc", best=decision.challenger, champion=None, champion_state="none", n_validation=1,
            n_holdout=1, holdout_classes={}, summary={}, details=details,
        )  # fmt: skip
        return self.work.ledger.add_decision(PIPELINE, judged, decision).decision_key

    def _end(self, run_id: str, key: str, named: set[str]) -> None:
        assignment = self.work.store.put_bytes(f"\x93NUMPY {key}".encode())
        split = self.work.store.put_json({"assignment": assignment})
        named |= {assignment, split}
        self.work.ledger.add_run(
            PIPELINE, RunRow(run_id=run_id, training_key=key, status="done", parts={"split": split})
        )

    def _change(self, kind: str, key: str, candidate: str, run_id: str, decision: str | None) -> None:
        changes = self.work.ledger.champion_changes(PIPELINE)
        served = [change.version for change in changes if change.candidate_id == candidate]
        self.told.served.append((key, candidate))
        self.work.ledger.change_champion(
            ChampionChange(
                pipeline=PIPELINE,
                generation=len(changes) + 1,
                candidate_id=candidate,
                version=served[0] if served else f"1.0.{len(changes)}",
                kind="rollback" if kind == "rollback" else "promote",
                cutoff=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.number),
                run_id=run_id,
                decision_key=decision,
                who="a test",
                reason="a test",
            )
        )

    def _runs_of(self, key: str) -> list[str]:
        return [row.run_id for row in self.work.ledger.runs(PIPELINE) if row.training_key == key]

    def _score(self) -> None:
        digest = self._put("PAR1 scores")
        self.told.scores[digest] = self.at
        path = self.work.home / "predictions" / PIPELINE / f"{FIRST_DAY + timedelta(days=self.number)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"predictions": digest}))


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
