"""The thread that keeps a shelf on the ledger's heels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.server.shelf import EVERY_SECONDS, Shelf

log = get_logger(__name__)


@contextmanager
def following(shelf: Shelf, *, every: float = EVERY_SECONDS) -> Iterator[None]:
    """Look into the ledger every so many seconds for as long as the block lasts."""
    ends = threading.Event()
    thread = threading.Thread(target=_follow, args=(shelf, ends, every), name="ledger-follower", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def _follow(shelf: Shelf, ends: threading.Event, every: float) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    while not ends.wait(every):
        try:
            shelf.refresh()
        except (MlsysError, SQLAlchemyError, OSError) as error:
            log.warning("ledger_away", reason=str(error))
