"""What may go: files that no champion, no young run and no future run needs. The ledger's rows stay for ever.

A dry run and the removal walk the same list, so the bytes of one are the bytes of the other. Removing is safe beside
running work: what a run builds on counts as new from then on (`Store.renew`), and nothing younger than a day goes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlsys import clock
from mlsys.errors import MlsysError, UsageError
from mlsys.events import get_logger
from mlsys.live import kept_rows
from mlsys.records import Record
from mlsys.spec import resolve
from mlsys.spec.serving import PredictionLog
from mlsys.temporary import is_abandoned, remove_abandoned
from mlsys.upkeep import reachable
from mlsys.validation import data_docs
from mlsys.wording import counted
from mlsys.workspace import Workspace

log = get_logger(__name__)

PAGES, LOGS, LIVE = "Data Docs pages", "logs", "live predictions"
_LOGS = ("logs/tasks", "logs/dag_processor")
_KEPT_DEPTH = 2  # `logs/tasks` and `data_docs/<pipeline>` stay when they are empty
GRACE = timedelta(days=1)  # longer than any run between writing a file and naming it
# Below MLSYS_HOME: where mlsys writes files, and what holds no JSON file that names one of the store.
_WRITTEN = (
    *("cache", "data_docs", "drops", "monitoring", "predictions", "projections", "registry", "reports", "store"),
    kept_rows.FOLDER,
)
_NAMING_NOTHING = frozenset({"airflow", "cache", "logs", "mlartifacts", "pg", "run", "samples", "secrets", "store"})
_NAMING_NOTHING |= {kept_rows.FOLDER}
# Where `clear_up` looks.
_OF_A_PIPELINE = ("registry", "reports", "predictions", "monitoring", "data_docs")
_SHARED = (
    *("store", "projections", "drops", "notices/waiting", "secrets", "run", "airflow", "pg"),
    *(f"cache/{name}" for name in ("checks", "columns", "fitted", "oddities", "spans")),
    *(f"cache/walkforward/{name}" for name in ("scores", "verdicts")),
)
_ANY_AGE = datetime.max.replace(tzinfo=UTC)
_TEMPORARY = re.compile(r"\..*-[a-z0-9_]{8}")  # as `tempfile` calls what will get its name when it is whole


class Limits(Record):
    """How long things are kept, in days since they were last written or asked for.

    Attributes:
        runs: models of losing candidates, evaluations, snapshots and replaced partitions; also remembered findings.
        predictions: scores of past days; what `mlsys serve` keeps of its answers goes by the spec's `serving.log.keep`.
        logs: of tasks and of the dag-processor.
    """

    runs: int = 90
    predictions: int = 365
    logs: int = 30


class Share(Record):
    """Files of one sort that go."""

    name: str
    n_files: int
    n_bytes: int


class Cleaning(Record):
    """What a cleaning removed, or in a dry run would remove."""

    applied: bool
    shares: tuple[Share, ...]
    sentence: str

    @property
    def n_bytes(self) -> int:
        """All bytes."""
        return sum(share.n_bytes for share in self.shares)


@dataclass(frozen=True)
class _Doomed:
    """A file that may go, its size, and the newest of its times at which it is still old enough."""

    path: Path
    n_bytes: int
    before: datetime


def clean(work: Workspace, limits: Limits | None = None, *, apply: bool = False) -> Cleaning:
    """Remove what is not needed any more, or in a dry run say what that would be.

    Raises:
        UsageError: a limit below one day.
    """
    limits = limits or Limits()
    for name, days in limits.model_dump().items():
        if days < 1:
            raise UsageError("Things are kept for one day at least", where=name, got=days)
    with work.ledger.cleaning():
        doomed = _doomed(work, limits)
        shares = []
        for name, files in doomed.items():
            gone = [file for file in files if not apply or _remove(file)]
            shares.append(Share(name=name, n_files=len(gone), n_bytes=sum(file.n_bytes for file in gone)))
        if apply:
            _tidy(work.home, doomed)
    n_files, n_bytes = sum(share.n_files for share in shares), sum(share.n_bytes for share in shares)
    sentence = f"{'Removed' if apply else 'Would remove'} {counted(n_files, 'file')} of {counted(n_bytes, 'byte')}"
    log.info("cleaned", applied=apply, files=n_files, bytes=n_bytes)
    return Cleaning(applied=apply, shares=tuple(shares), sentence=sentence)


def clear_up(home: Path, pipeline: str) -> None:
    """Remove at once what killed processes left where a run of this pipeline writes.

    It looks at the names in a few folders, at no file; other places are `clean`'s.
    """
    own = (home / name / pipeline for name in _OF_A_PIPELINE)
    gone = remove_abandoned([home, *(home / name for name in _SHARED), *own, *home.glob("store/segments/*")])
    if gone:
        log.info("cleared_up", pipeline=pipeline, files=len(gone), left_by="a_killed_process")


def _doomed(work: Workspace, limits: Limits) -> dict[str, list[_Doomed]]:
    """Return what goes, by sort, in the order of going: first what names files, then the files."""
    home, now = work.home, clock.now()
    runs, logs = now - timedelta(days=limits.runs), now - timedelta(days=limits.logs)
    predictions = now - timedelta(days=limits.predictions)
    temporary = list(_unfinished(home, before=now - GRACE))
    found = {
        "temporary files": temporary,
        "prediction indexes": _old(home.glob("predictions/*/*.json"), predictions),
        # Made again when that champion serves and is looked at.
        "monitoring references": _old(home.glob("monitoring/*/references/*.json"), runs),
        PAGES: _old(_past_pages(home), runs),
        "remembered findings": _old(_files(home / "cache", less=temporary), runs, when=_last_used),
        LIVE: list(_live(work)),
        LOGS: _old([path for name in _LOGS for path in _files(home / name)], logs),
    }
    going = {file.path for files in found.values() for file in files}
    roots = reachable.roots(work.ledger, since=runs)
    needed = reachable.needed(roots, (path for path in _naming(home) if path not in going), work.store)
    return found | _of_store(work, needed, roots.models, before=now - GRACE)


def _of_store(work: Workspace, needed: set[str], models: set[str], *, before: datetime) -> dict[str, list[_Doomed]]:
    notes = dict(reachable.notes(work.store))
    sorts: dict[str, list[Path]] = {"notes on segments": [], "segments of data": [], "models": [], "records": []}
    for path in work.store.root.glob("??/*"):
        digest = path.parent.name + path.name
        if digest in needed:
            continue
        if digest in notes:
            sorts["notes on segments"].append(notes[digest])
        sort = "segments of data" if digest in notes else "models" if digest in models else "records"
        sorts[sort].append(path)
    return {sort: _old(paths, before) for sort, paths in sorts.items()}


def _naming(home: Path) -> Iterator[Path]:
    """Yield the JSON files that may name files of the store."""
    for folder in home.iterdir():
        if folder.name not in _NAMING_NOTHING:
            yield from (path for path in _files(folder) if path.suffix == ".json")


def _past_pages(home: Path) -> Iterator[Path]:
    for site in (home / data_docs.FOLDER).glob("*"):
        yield from sorted(site.glob("validations/*/*/*/rows.html"))[:-1]  # the newest one stays


def _live(work: Workspace) -> Iterator[_Doomed]:
    """Yield what is kept of requests answered longer ago than their pipeline's spec keeps them."""
    for folder in (work.home / kept_rows.FOLDER).glob("[a-z]*/"):
        oldest = (clock.now() - _kept_for(work, folder.name)).date()
        for day in kept_rows.days_kept(work.home, folder.name):
            if day < oldest:
                yield from _old(_files(folder / day.isoformat()), _ANY_AGE)


def _kept_for(work: Workspace, pipeline: str) -> timedelta:
    """Return for how long answers are kept; of a pipeline whose spec is gone or broken, the usual time."""
    try:
        return resolve(work.settings.spec_path(pipeline)).spec.serving.log.keep
    except MlsysError:
        return PredictionLog().keep


def _unfinished(home: Path, before: datetime) -> Iterator[_Doomed]:
    """Yield what lies under a temporary name: a killed process's at any age, else what was written before `before`."""
    for place in [path for path in home.iterdir() if path.name in _WRITTEN or path.is_file()]:
        for path in _files(place):
            for part in (*reversed(path.relative_to(home).parents), path.relative_to(home)):
                if _TEMPORARY.fullmatch(part.name):
                    yield from _old([path], _ANY_AGE if is_abandoned(home / part) else before)
                    break


def _files(place: Path, less: Sequence[_Doomed] = ()) -> Iterator[Path]:
    left_out = {file.path for file in less}
    if place.is_dir() and not place.is_symlink():
        for folder, _, names in os.walk(place):
            yield from (path for name in names if (path := Path(folder, name)) not in left_out)
    elif place.is_file():
        yield place


def _last_written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)


def _last_used(path: Path) -> datetime:
    found = path.lstat()
    return datetime.fromtimestamp(max(found.st_mtime, found.st_atime), UTC)


def _old(paths: Iterable[Path], before: datetime, when: Callable[[Path], datetime] = _last_written) -> list[_Doomed]:
    found = []
    for path in paths:
        with suppress(FileNotFoundError):  # somebody's temporary file, finished meanwhile
            if when(path) < before:
                found.append(_Doomed(path, path.lstat().st_size, before))
    return found


def _remove(file: _Doomed) -> bool:
    try:
        if _last_written(file.path) >= file.before:  # renewed since it was listed
            return False
        file.path.unlink()
    except FileNotFoundError:
        return False
    return True


def _tidy(home: Path, doomed: Mapping[str, Sequence[_Doomed]]) -> None:
    """Remove folders of one run that became empty, and list the remaining Data Docs pages anew.

    Other folders stay: somebody may be about to write into them.
    """
    for file in [*doomed[LOGS], *doomed[PAGES], *doomed[LIVE]]:
        folder = file.path.parent
        with suppress(OSError):  # not empty, or removed with another file's
            while len(folder.relative_to(home).parts) > _KEPT_DEPTH:
                folder.rmdir()
                folder = folder.parent
    for file in doomed["temporary files"]:
        folder = file.path.parent
        with suppress(OSError):
            while any(_TEMPORARY.fullmatch(part) for part in folder.relative_to(home).parts):
                folder.rmdir()
                folder = folder.parent
    for pipeline in {file.path.relative_to(home).parts[1] for file in doomed[PAGES]}:
        data_docs.write_index(pipeline, home)
