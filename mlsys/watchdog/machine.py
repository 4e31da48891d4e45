"""Looks at the machine: its clock, its disk, and the notices that found no way out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from mlsys import clock
from mlsys.durations import in_words
from mlsys.notification.outbox import Outbox
from mlsys.watchdog.memory import Remembered
from mlsys.watchdog.sign import Sign
from mlsys.wording import counted

LOW_DISK = 1 << 30  # bytes
SHIFT = timedelta(minutes=1)  # of clocks; less is the daily work of a time server
GROWN_USED = timedelta(days=1)  # after which a clock that was set counts as right
UNDELIVERED = timedelta(minutes=15)  # a notice that waits for longer


def remembered(before: Remembered, at: datetime) -> Remembered:
    """Return what this look leaves for the next one, about the clock.

    Args:
        before: what the last look has left.
        at: the present, by the clock.
    """
    boot, running = clock.since_boot()
    booted = at - running
    if before.booted is None or before.boot != boot:
        return before.model_copy(update={"at": at, "boot": boot, "booted": booted, "shifted": None})
    if abs(booted - before.booted) <= SHIFT:
        return before.model_copy(update={"at": at, "shifted": None})
    since = before.shifted or running
    if running - since > GROWN_USED:
        return before.model_copy(update={"at": at, "booted": booted, "shifted": None})
    return before.model_copy(update={"at": at, "shifted": since})


def clock_sign(before: Remembered, at: datetime, *, written: Iterable[datetime], others: Iterable[datetime]) -> Sign:
    """Return whether the clock runs as it did: it decides which day is complete, and which row was there.

    Args:
        before: what the last look has left.
        at: the present, by the clock.
        written: when things were written, by the clock of then; none lies ahead.
        others: the present by the clocks of other machines.
    """
    boot, running = clock.since_boot()
    remedy = "Set it right, and see that a time server keeps it (`timedatectl`)."
    moved = timedelta(0) if before.booted is None or before.boot != boot else at - running - before.booted
    if abs(moved) > SHIFT:
        way = "forward" if moved > timedelta(0) else "back"
        sentence = f"The clock was set {way} by {in_words(moved)} since this machine was started. {remedy}"
        return Sign(cause="clock", ok=False, sentence=sentence)
    newest = max([*written, *([before.at] if before.at else [])], default=at)
    if newest - at > SHIFT:
        sentence = f"The clock has gone back: something was written {in_words(newest - at)} ahead of it. {remedy}"
        return Sign(cause="clock", ok=False, sentence=sentence)
    off = max((other - at for other in others), key=abs, default=timedelta(0))
    if abs(off) > SHIFT:
        way = "behind" if off > timedelta(0) else "ahead of"
        sentence = f"The clock is {in_words(off)} {way} the database's. {remedy}"
        return Sign(cause="clock", ok=False, sentence=sentence)
    return Sign(cause="clock", ok=True, sentence="The clock runs as it did.")


def disk_sign(home: Path) -> Sign:
    """Return whether there is room for a night's work."""
    free = shutil.disk_usage(home).free
    sentence = f"{free / 1e9:.1f} GB free at {home}."
    if free > LOW_DISK:
        return Sign(cause="disk", ok=True, sentence=sentence)
    return Sign(cause="disk", ok=False, sentence=f"{sentence} Free some: `mlsys clean --apply`, or move MLSYS_HOME.")


def notices_sign(home: Path, at: datetime) -> Sign:
    """Return whether notices leave the machine: a mail server that is down can't tell so by mail."""
    waiting = Outbox(home).waiting()
    unreadable = len(list((home / "notices" / "waiting").glob("*.unreadable")))
    if waiting and at - waiting[0][1].at > UNDELIVERED:
        _, oldest, channel = waiting[0]
        sentence = (
            f"{counted(len(waiting), 'notice')} can't be delivered, the oldest for {in_words(at - oldest.at)} by "
            f"{channel.kind}: {oldest.sentence.rstrip('.')}. See the connection, and the log for `notice_waits`."
        )
        return Sign(cause="notices", ok=False, sentence=sentence)
    if unreadable:
        sentence = f"{counted(unreadable, 'notice')} can't be read: look into {home / 'notices' / 'waiting'}."
        return Sign(cause="notices", ok=False, sentence=sentence)
    under_way = f"{counted(len(waiting), 'notice')} on the way." if waiting else "No notice waits."
    return Sign(cause="notices", ok=True, sentence=under_way)
