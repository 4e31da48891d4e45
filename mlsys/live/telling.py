"""Notices of what servers and live evidence find: left in the outbox, which a DAG empties."""

from __future__ import annotations

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange
from mlsys.live.rules import present_spec
from mlsys.notification.outbox import Notice, Outbox
from mlsys.workspace import Workspace

log = get_logger(__name__)


def leave(work: Workspace, champion: ChampionChange, notice: Notice) -> None:
    """Log a notice about a pipeline, and leave it in the outbox where the pipeline's spec wants it; raises nothing.

    One that was left or delivered before changes nothing.
    """
    from sqlalchemy.exc import SQLAlchemyError

    log.warning("notice", kind=notice.event, pipeline=notice.pipeline, sentence=notice.sentence)
    try:
        wanted = present_spec(work, champion).notify
        if wanted.wants(notice.event):
            Outbox(work.home).put(notice, wanted.channels)
    except (MlsysError, SQLAlchemyError, OSError) as error:
        log.warning("notice_not_sent", kind=notice.event, pipeline=notice.pipeline, reason=str(error))
