"""What one look of the watchdog found: a cause that somebody can act on, well or in trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, get_args

from mlsys.errors import MlsysError, shortened
from mlsys.records import Record

Cause = Literal[
    "clock", "disk", "database", "notices", "scheduler", "dag_files",
    "spec", "paused", "run", "source", "labels", "scores", "monitors",
]  # fmt: skip
CAUSES: tuple[Cause, ...] = get_args(Cause)


class Sign(Record):
    """One thing that was looked at.

    Attributes:
        cause: what would be the matter; a stable word for alarms.
        pipeline: whose, or empty where it is the whole installation's.
        ok: False is a trouble.
        sentence: what was seen, for people, complete; of a trouble also what to do.
        acknowledged: why somebody lets this trouble be, and until when; None where nobody does.
    """

    cause: Cause
    pipeline: str = ""
    ok: bool
    sentence: str
    acknowledged: str | None = None

    @property
    def name(self) -> str:
        """The cause, and whose."""
        return f"{self.cause} {self.pipeline}".rstrip()

    @property
    def alarms(self) -> bool:
        """Whether it is a trouble that nobody has acknowledged."""
        return not self.ok and self.acknowledged is None


def guarded(cause: Cause, pipeline: str, look: Callable[[], Sign | Iterable[Sign] | None]) -> Iterator[Sign]:
    """Yield what a look finds; one that fails is a trouble by itself, and the others go on."""
    try:
        found = look()
        yield from [found] if isinstance(found, Sign) else found or ()
    except MlsysError as error:
        yield Sign(cause=cause, pipeline=pipeline, ok=False, sentence=str(error))
    except Exception as error:  # noqa: BLE001 - a driver or a damaged file may raise anything; silence is what must not be
        why = f"{type(error).__name__}: {shortened(str(error))}"
        yield Sign(cause=cause, pipeline=pipeline, ok=False, sentence=f"It can't be looked at: {why}.")
