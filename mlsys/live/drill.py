"""A fire drill: a demotion from request to rollback, on a made-up pipeline in a home that is thrown away.

Whoever has never seen a rollback by live evidence does not know that it works here: with this disk, these packages and
this database library. A champion that is mostly wrong takes the place of a good one, both answer made-up requests,
labels arrive, and the good one has to serve again; one that is as good as the one before it has to stay.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.ledger import ChampionChange, RunRow
from mlsys.live import kept_rows
from mlsys.live.concluding import conclude
from mlsys.records import Candidate, Plan, Snapshot
from mlsys.schema import CHAMPION, KEY
from mlsys.serving.stored import stored_candidate
from mlsys.settings import Settings
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec, resolve
from mlsys.training import model_file
from mlsys.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    import numpy as np

_NAME, _ROWS, _SEED = "drill", 1500, 42
_SPEC = """
pipeline: drill
source: {{kind: files, path: "{place}/rows.csv", event_time: at, timezone: UTC}}
schema: {{number: integer, noise: number, told: number, answer: category}}
key: number
target: {{column: answer, positive: "yes"}}
ingest: {{settle: 0s}}
split: {{kind: time, validation_days: 1, holdout_days: 1}}
models: [logistic]
gates: [better_than_champion]
registries: [files]
"""
_FEATURES = ["noise", "told"]


@dataclass(frozen=True)
class Drilled:
    """What came of the drill."""

    ok: bool
    sentence: str


def drill() -> Drilled:
    """Return whether a bad champion was taken back, and a good one was not."""
    with tempfile.TemporaryDirectory(prefix="mlsys-drill-") as folder:
        home = Path(folder)
        (home / "pipelines").mkdir()
        (home / "pipelines" / f"{_NAME}.yaml").write_text(_SPEC.format(place=home), encoding="utf-8")
        settings = Settings(home=home, pipelines=home / "pipelines", database="sqlite")
        try:
            with open_workspace(settings) as work:
                return _drilled(work, _rows_beside(home))
        except MlsysError as error:
            return Drilled(False, f"the drill of a demotion failed: {error}")


def _drilled(work: Workspace, answers: np.ndarray) -> Drilled:
    spec = resolve(work.settings.spec_path(_NAME)).spec
    cutoff = clock.cutoff_of(snapshot.newest_complete_day(spec, work.store))
    taken = snapshot.take(spec, cutoff, catalog=work.ledger, store=work.store)
    if taken is None:
        return Drilled(False, "the drill of a demotion found no rows of its own")
    plan = _begin(work, spec, taken.snapshot)
    good, twin, bad = (
        _candidate(work, plan, name, labels, C=strength)
        for name, labels, strength in (("good", answers, 1.0), ("twin", answers, 0.5), ("bad", 1 - answers, 1.0))
    )
    _serve(work, plan, good, "1.0.0", None)
    as_good = _serve(work, plan, twin, "1.0.1", good)
    _answered(work, spec, taken.snapshot, twin, good)
    if any(each.action != "none" for each in conclude(work, _NAME, snapshot=taken.snapshot)):
        return Drilled(False, f"a champion was taken back that was as good as the one before: {as_good.version}")
    _serve(work, plan, bad, "1.0.2", twin)
    _answered(work, spec, taken.snapshot, bad, twin)
    found = conclude(work, _NAME, snapshot=taken.snapshot)
    serves = work.ledger.champion(_NAME)
    if serves is None or serves.candidate_id != twin or serves.kind != "rollback":
        said = found[0].sentence if found else "nothing was watched"
        return Drilled(False, f"a champion that is mostly wrong was not taken back: {said}")
    return Drilled(True, "a made-up champion that is mostly wrong made way for the one before it; one as good stayed")


def _rows_beside(home: Path) -> np.ndarray:
    """Write the rows of yesterday and the days before, and return their labels."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(_SEED)
    told, noise = rng.normal(size=_ROWS), rng.normal(size=_ROWS)
    answers: np.ndarray = (told + rng.normal(size=_ROWS) > 0).astype("int8")
    begun = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    at = [(begun + timedelta(minutes=4320 * place // _ROWS)).isoformat() for place in range(_ROWS)]
    label = np.where(answers == 1, "yes", "no")
    frame = pd.DataFrame({"number": range(_ROWS), "at": at, "told": told, "noise": noise, "answer": label})
    frame.to_csv(home / "rows.csv", index=False)
    return answers


def _begin(work: Workspace, spec: Spec, of: Snapshot) -> Plan:
    digest = work.store.put_json({"spec": spec.dump(), "origins": {}})
    plan = Plan(
        pipeline=_NAME,
        run_id=_NAME,
        request_id=_NAME,
        day=of.last_day,
        day_source="newest",
        cutoff=of.cutoff,
        mode="live",
        spec=digest,
        spec_fingerprint=digest,
        training_key=digest,
        seed=_SEED,
    )
    work.ledger.add_run(_NAME, RunRow(run_id=_NAME, training_key=digest, status="started", plan=plan, snapshot=of))
    return plan


def _candidate(work: Workspace, plan: Plan, name: str, labels: np.ndarray, *, C: float) -> str:
    """Fit a model on the rows with these labels, and return its id."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    rows = pd.read_csv(work.home / "rows.csv")[_FEATURES]
    digest, size = model_file.save(LogisticRegression(C=C).fit(rows, labels), work.store)
    fitted = Candidate(
        candidate_id=f"{_NAME}-{name}", name=name, kind="logistic", status="fitted", model=digest, model_bytes=size
    )
    return work.ledger.add_candidate(_NAME, plan.run_id, fitted).candidate_id


def _serve(work: Workspace, plan: Plan, candidate: str, version: str, previous: str | None) -> ChampionChange:
    before = work.ledger.champion(_NAME)
    change = ChampionChange(
        pipeline=_NAME,
        generation=(before.generation if before else 0) + 1,
        candidate_id=candidate,
        version=version,
        kind="promote",
        cutoff=plan.cutoff,
        run_id=plan.run_id,
        previous=previous,
        who=_NAME,
        reason="a drill",
    )
    return work.ledger.change_champion(change)


def _answered(work: Workspace, spec: Spec, of: Snapshot, champion: str, shadow: str) -> None:
    """Keep what champion and shadow say of all rows, as a server does."""
    import numpy as np
    import pyarrow as pa

    names = list(spec.feature_columns())
    rows = read_rows(of.manifest, work.store, [*names, KEY])
    frame, at = rows.select(names).to_pandas(), clock.now()
    folder = kept_rows.day_folder(work.home, _NAME, at.date())
    silent: Sequence[bool] = (False, True)
    for candidate, is_shadow in zip((champion, shadow), silent, strict=True):
        columns = {
            kept_rows.REQUEST: [f"{champion}-{place}" for place in range(rows.num_rows)],
            kept_rows.PLACE: pa.array(np.zeros(rows.num_rows, "int32")),
            kept_rows.AT: pa.array([at] * rows.num_rows, pa.timestamp("us", tz="UTC")),
            kept_rows.SHADOW: pa.array([is_shadow] * rows.num_rows),
            CHAMPION: [candidate] * rows.num_rows,
            KEY: rows[KEY],
            "y_score": stored_candidate(work, _NAME, candidate).answers(frame),
        }
        kept_rows.write_rows(folder, f"{champion}-{candidate}_1_{rows.num_rows}", pa.table(columns))
