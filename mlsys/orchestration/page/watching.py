"""Registries that differ from the ledger, noticed within a minute: an alias moved by hand, a link that is gone.

A thread of the api-server looks twice a minute. What it finds stands in the log and, by the next look at it, on the
Models page; `mlsys list`, `why` and `doctor` look themselves.
"""

from __future__ import annotations

from pathlib import Path
from threading import Event

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.promotion.projection import drift
from mlsys.settings import load_settings
from mlsys.workspace import Workspace, open_workspace

log = get_logger(__name__)

EVERY_SECONDS = 30
_found: dict[tuple[Path, str], tuple[str, ...]] = {}  # by home and pipeline; of this process


def differing(home: Path, pipeline: str) -> tuple[str, ...]:
    """Return what the newest look found to differ, in words."""
    return _found.get((home, pipeline), ())


def look(work: Workspace) -> None:
    """Look at the pointers of all pipelines once, and log what has begun or ceased to differ."""
    for name in work.ledger.pipelines():
        try:
            now = tuple(drift(work, name))
        except MlsysError as error:  # MLflow may be down, which other things say
            log.debug("not_looked_at", pipeline=name, error=str(error))
            continue
        if now != differing(work.home, name):
            if now:
                log.warning("registries_differ", pipeline=name, found="; ".join(now), mend=f"mlsys reconcile {name}")
            else:
                log.info("registries_agree", pipeline=name)
        _found[work.home, name] = now


def watch(stop: Event) -> None:
    """Look again and again until `stop` is set; where there is no home yet, none is made."""
    while not stop.wait(EVERY_SECONDS):
        try:
            settings = load_settings()
            if settings.root.is_dir():
                with open_workspace(settings) as work:
                    look(work)
        except MlsysError as error:
            log.debug("not_watched", error=str(error))
