"""`mlsys doctor`: one finding per thing that could go wrong, each with its remedy."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from mlsys.database.embedded_files import everybody_enters, user_id
from mlsys.errors import IntegrityError, MlsysError
from mlsys.evaluation.canary import canary
from mlsys.ledger import ChampionChange
from mlsys.live.drill import drill
from mlsys.promotion.projection import drift
from mlsys.promotion.self_test import self_test
from mlsys.settings import Settings
from mlsys.snapshot.joined import table_specs
from mlsys.spec import Spec, resolve
from mlsys.upkeep.anchored import require_anchored
from mlsys.upkeep.diagnosis import Diagnosis
from mlsys.upkeep.plug_ins import plug_ins
from mlsys.upkeep.source_looks import look
from mlsys.upkeep.standing import PROBLEMS, Standing, standing
from mlsys.wording import counted
from mlsys.workspace import Workspace, open_workspace

_LOW_DISK = 1 << 30


def examine(settings: Settings) -> Iterator[Diagnosis]:
    """Yield what was found, cheap things first."""
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Diagnosis("python", supported, f"{sys.version.split()[0]}{'' if supported else '; use 3.11, 3.12 or 3.13'}")
    settings.make_home()
    yield _privacy(settings.root)
    free = shutil.disk_usage(settings.root).free
    remedy = "" if free > _LOW_DISK else "; free some space or move MLSYS_HOME"
    yield Diagnosis("disk", free > _LOW_DISK, f"{free / 1e9:.1f} GB free at {settings.root}{remedy}")
    yield from plug_ins()
    specs: dict[str, Spec] = {}
    for path in sorted(settings.pipelines.glob("*.yaml")):
        try:
            specs[path.stem] = resolve(path).spec
            yield Diagnosis(f"spec {path.stem}", ok=True, sentence="valid")
        except MlsysError as error:
            yield Diagnosis(f"spec {path.stem}", ok=False, sentence=str(error))
    for name, spec in specs.items():
        tested = self_test(spec)
        yield Diagnosis(f"gates {name}", tested.ok, tested.sentence)
    if specs:
        drilled = drill()
        yield Diagnosis("demotion", drilled.ok, drilled.sentence)
    try:
        with open_workspace(settings) as work:
            yield Diagnosis("database", ok=True, sentence=f"{work.databases.kind}, the ledger answers")
            for spec in specs.values():
                yield from (look(each, work.store) for each in (spec, *table_specs(spec)))
            pipelines = work.ledger.pipelines()
            for name in sorted({*pipelines, *specs}):
                yield from _pipeline(work, name)
            for name in sorted(work.ledger.pipelines(tables_too=True).keys() - pipelines):
                yield _chain(work, name)
    except MlsysError as error:
        yield Diagnosis("database", ok=False, sentence=str(error))


def _privacy(home: Path) -> Diagnosis:
    """Who may enter the home: its owner, or a group that somebody chose; not every account of the machine."""
    mode = stat.S_IMODE(home.stat().st_mode)
    if not everybody_enters(home):
        return Diagnosis(
            "home", ok=True, sentence=f"other accounts of this machine can't enter {home} (mode {mode:04o})"
        )
    remedy = f"chmod o= {home}"
    if (home / "pg" / "data").exists() and user_id() != os.geteuid():
        remedy = "its database runs as another account that passes through it: begin a new MLSYS_HOME"
    sentence = f"every account of this machine can enter {home} (mode {mode:04o}), which holds your data; {remedy}"
    return Diagnosis("home", ok=False, sentence=sentence)


def _night(stands: Standing) -> Iterator[Diagnosis]:
    """What became of the newest run, and what a run that fails, waits or is under way would hide of the champion."""
    sentence = f"{stands.happened} {stands.todo}".rstrip()
    yield Diagnosis(f"newest run {stands.pipeline}", stands.state not in PROBLEMS, sentence)
    if stands.missed and stands.state != "weak":
        yield Diagnosis(f"quality {stands.pipeline}", ok=False, sentence=f"{stands.missed}.")
    if stands.stale and stands.state != "stale":
        yield Diagnosis(f"data {stands.pipeline}", ok=False, sentence=f"{stands.stale}.")


def _chain(work: Workspace, name: str) -> Diagnosis:
    try:
        rows = counted(work.ledger.verify(name), "row")
        return Diagnosis(f"ledger {name}", ok=True, sentence=f"{rows}, unbroken chain{require_anchored(work, name)}")
    except MlsysError as error:
        return Diagnosis(f"ledger {name}", ok=False, sentence=str(error))


def _environment(work: Workspace, champion: ChampionChange) -> Iterator[Diagnosis]:
    """Whether the champion answers as it did when it was promoted, where other packages are installed now."""
    name = f"environment {champion.pipeline}"
    try:
        found = canary(work, champion)
    except IntegrityError as error:
        yield Diagnosis(name, ok=False, sentence=str(error))
        return
    if found is not None:
        remedy = "" if found.ok else f". Fit it anew: mlsys rehydrate {champion.pipeline}"
        yield Diagnosis(name, found.ok, f"{champion.version}: {found.sentence}{remedy}")


def _pipeline(work: Workspace, name: str) -> Iterator[Diagnosis]:
    yield from _night(standing(work, name))
    yield _chain(work, name)
    champion = work.ledger.champion(name)
    if champion is None:
        yield Diagnosis(f"champion {name}", ok=True, sentence="none yet")
        return
    candidate = work.ledger.candidate(champion.candidate_id)
    try:
        work.store.read_bytes((candidate.model if candidate else None) or "0" * 64)
        yield Diagnosis(f"champion {name}", ok=True, sentence=f"{champion.version}, its model file is whole")
    except IntegrityError as error:
        yield Diagnosis(f"champion {name}", ok=False, sentence=f"{error} Or: mlsys rollback {name} --reason '...'")
    yield from _environment(work, champion)
    try:
        stale = drift(work, name, read=True)
    except MlsysError as error:
        yield Diagnosis(f"registries {name}", ok=False, sentence=str(error))
        return
    sentence = "agree with the ledger" if not stale else f"{'; '.join(stale)}. Mend with: mlsys reconcile {name}"
    yield Diagnosis(f"registries {name}", not stale, sentence)
