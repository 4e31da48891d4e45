"""The champion as an asset of Airflow: an event whenever another model begins to serve, and at no other time.

The event is posted over the REST API. One that a task emits carries the partition key of its run, and DAGs that are
scheduled on an asset alone never see events with a key (Airflow 3.3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset

from mlsys.errors import UsageError
from mlsys.events import get_logger
from mlsys.orchestration.api import champion_events, service

if TYPE_CHECKING:
    from mlsys.workspace import Workspace

log = get_logger(__name__)


def champion_asset(pipeline: str) -> Asset:
    """Return the asset that stands for the champion of a pipeline."""
    return Asset(name=champion_events.asset_name(pipeline), uri=f"mlsys://{pipeline}/champion")


def announce(work: Workspace, pipeline: str) -> str | None:
    """Post an event for the present champion, unless the newest one is about it already; return what that one said.

    Raises:
        TransientError: Airflow does not answer; the next call makes up for it.
    """
    try:
        with service.connect() as api:
            return champion_events.mend(work, pipeline, api)
    except UsageError as error:
        log.warning("champion_not_announced", pipeline=pipeline, reason=str(error))
        return None
