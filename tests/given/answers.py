"""Requests to the shop's models as a server answers them, without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from mlsys import clock
from mlsys.ledger import ChampionChange
from mlsys.live import kept_rows
from mlsys.schema import CHAMPION as CANDIDATE
from mlsys.schema import EVENT_TIME, KEY
from mlsys.server.answered import CHAMPION, Answered
from mlsys.server.served import ServedModel
from mlsys.serving.stored import stored_candidate
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import resolve
from mlsys.workspace import Workspace

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "app", "gift": True}


def champion_of(work: Workspace, pipeline: str = "shop") -> ChampionChange:
    """Return the champion of a pipeline that has one."""
    champion = work.ledger.champion(pipeline)
    assert champion is not None
    return champion


def other_candidate(work: Workspace) -> str:
    """Return a candidate of the shop that does not serve: that of its run for the record."""
    served = champion_of(work).candidate_id
    found = [d.challenger for d in work.ledger.decisions("shop") if d.challenger not in (None, served)]
    return str(found[-1])


def model(work: Workspace, candidate_id: str | None = None) -> ServedModel:
    """Return a candidate of the shop, default its champion, as a server holds it."""
    wanted = candidate_id or champion_of(work).candidate_id
    return ServedModel(stored_candidate(work, "shop", wanted), 1, clock.now())


def answered(
    served: ServedModel,
    n_rows: int = 1,
    *,
    at: datetime | None = None,
    request: str = "r1",
    arm: str = CHAMPION,
    given: Sequence[Mapping[str, Any]] = (),
    silent: bool = False,
) -> Answered:
    """Return a request of so many rows, answered with made-up scores."""
    rows = [dict(row) for row in given] or [{**ROW, "n_items": place} for place in range(n_rows)]
    features = [{name: row[name] for name in served.champion.features} for row in rows]
    scores = np.linspace(0.1, 0.9, len(rows))
    when = at or datetime(2026, 5, 20, 12, tzinfo=UTC) + timedelta(seconds=1)
    return Answered("shop", served, arm, request, features, scores, when, 0.001, given, silent=silent)


def labelled_rows(work: Workspace, *also: str) -> pa.Table:
    """Return all rows of the shop with their labels and keys, and more columns."""
    spec = resolve(work.settings.spec_path("shop")).spec
    cutoff = clock.cutoff_of(snapshot.newest_complete_day(spec, work.store))
    taken = snapshot.take(spec, cutoff, catalog=work.ledger, store=work.store)
    assert taken is not None
    return read_rows(taken.snapshot.manifest, work.store, [*spec.feature_columns(), *also, "returned", KEY, EVENT_TIME])


def keep_scores(
    work: Workspace,
    rows: pa.Table,
    candidate: str,
    scores: np.ndarray,
    *,
    silent: bool,
    at: datetime,
    name: str,
    days: int = 5,
    arm: str = CHAMPION,
) -> None:
    """Put scores of rows, and features, into the log of the shop's answers, as if they had been asked from `at` on."""
    n = rows.num_rows
    stamps = [at + timedelta(days=place * days // n) for place in range(n)]
    table = pa.table(
        {
            kept_rows.REQUEST: [f"r{place}" for place in range(n)],
            kept_rows.PLACE: pa.array([0] * n, pa.int32()),
            kept_rows.AT: pa.array(stamps, pa.timestamp("us", tz="UTC")),
            kept_rows.ARM: [arm] * n,
            kept_rows.SHADOW: [silent] * n,
            kept_rows.VERSION: ["1.0.0" if candidate == champion_of(work).candidate_id else candidate] * n,
            CANDIDATE: [candidate] * n,
            KEY: rows[KEY],
            "y_score": scores,
            **({} if silent else {name: rows[name] for name in ROW}),
        }
    )
    dates = [stamp.date() for stamp in stamps]
    for day in dict.fromkeys(dates):
        mask = pa.array([each == day for each in dates])
        kept_rows.write_rows(kept_rows.day_folder(work.home, "shop", day), f"{name}_1_{n}", table.filter(mask))


def scores_that_know(rows: pa.Table, right: float, seed: int = 1) -> np.ndarray:
    """Return scores that know the label so well: 0 is guessing."""
    rng = np.random.default_rng(seed)
    known = np.array([value == "yes" for value in rows["returned"].to_pylist()])
    return 1 / (1 + np.exp(-(right * (known - 0.5) + rng.normal(0, 1, known.size))))
