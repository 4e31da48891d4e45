"""The thread that keeps a shelf on the ledger's heels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from mlsys.errors import MlsysError
from mlsys.server.shelf import EVERY_SECONDS, Shelf
from mlsys.workspace import open_workspace

if TYPE_CHECKING:
    from mlsys.settings import Settings

_OPENING_SECONDS = 5.0  # between two attempts to open a ledger that was away from the start


@contextmanager
def following(shelf: Shelf, *, every: float = EVERY_SECONDS, settings: Settings | None = None) -> Iterator[None]:
    """Look into the ledger every so many seconds for as long as the block lasts.

    With `settings` a ledger that was away from the start is opened as soon as it answers.
    """
    ends = threading.Event()
    thread = threading.Thread(target=_follow, args=(shelf, ends, every, settings), name="ledger-follower", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def _follow(shelf: Shelf, ends: threading.Event, every: float, settings: Settings | None) -> None:
    with ExitStack() as opened:
        if shelf.work is None and settings is not None:
            _open(shelf, ends, settings, opened)
        while not ends.wait(every):
            shelf.look()


def _open(shelf: Shelf, ends: threading.Event, settings: Settings, opened: ExitStack) -> None:
    while not ends.is_set():
        try:
            shelf.work = opened.enter_context(open_workspace(settings))
        except MlsysError as error:
            shelf.note_away(error)
            ends.wait(_OPENING_SECONDS)
        else:
            return
