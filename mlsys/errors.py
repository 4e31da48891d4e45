"""Every error that mlsys raises on purpose, with its exit code.

MlsysError                 4   something failed
├── UsageError             2   a wrong argument or run parameter
│   └── SpecError          2   a pipeline's YAML is wrong
├── DataError              3   the data was refused: nothing was changed
├── TransientError         4   may pass by itself (a lock, the network): worth a retry
├── RunError               4   a step of the run failed
│   └── IntegrityError     4   a stored file or a ledger row is not what was recorded
│       └── NotUnderstoodError  4   it has what this mlsys does not know: a newer one wrote it
└── LostRaceError          5   another run promoted first, three times

A message says the rule that was broken, then where, the value got and what to try.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date
from pathlib import PurePath


class MlsysError(Exception):
    """Base of all errors raised on purpose; `str()` is one readable paragraph.

    Args:
        rule: what was wrong, as a sentence without a full stop.
        where: file, row, column or key path.
        got: the offending value; printed with `repr` and cut at 120 characters.
        remedy: what to try, as a sentence without a full stop.
        misspelt: a name that the spec has, and the one that was probably meant; `mlsys check --fix` replaces it.
    """

    exit_code = 4
    retryable = False

    def __init__(
        self,
        rule: str,
        *,
        where: str | None = None,
        got: object = None,
        remedy: str | None = None,
        misspelt: tuple[str, str | None] | None = None,
    ) -> None:
        self.misspelt = misspelt
        self.rule = rule
        self.where = where
        self.got = got
        self.remedy = remedy
        super().__init__(rule)

    def __str__(self) -> str:
        text = f"{self.where}: {self.rule}" if self.where else self.rule
        if self.got is not None:
            text += f" (got {shortened(self.got)})"
        text += "."
        if self.remedy:
            text += f" {self.remedy}."
        return text

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (candidates are trained in children); keywords must survive.
        return (_rebuild, (type(self), self.rule, self.where, self.got, self.remedy))


class UsageError(MlsysError):
    """A wrong argument or run parameter."""

    exit_code = 2


class SpecError(UsageError):
    """A pipeline's YAML is wrong."""


class DataError(MlsysError):
    """The data was refused."""

    exit_code = 3


class TransientError(MlsysError):
    """May pass by itself: a locked database, a connection that broke."""

    retryable = True


class RunError(MlsysError):
    """A step of the run failed."""


class IntegrityError(RunError):
    """A stored file or ledger row differs from what was recorded."""


class NotUnderstoodError(IntegrityError):
    """A stored record has what this mlsys does not know: a newer one wrote it, or somebody changed it."""


class LostRaceError(MlsysError):
    """Another run promoted first, as often as we tried."""

    exit_code = 5


def near_match(name: str, known: Iterable[str], hints: dict[str, str] | None = None) -> str:
    """Return `Did you mean 'x'? Known: a, b` for a misspelt name (at most 10 known names, and how many more)."""
    names = sorted(known)
    guess = nearest(name, names, hints)
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"Did you mean '{guess}'? Known: {shown}" if guess else f"Known: {shown or 'none'}"


def nearest(name: str, known: Iterable[str], hints: dict[str, str] | None = None) -> str | None:
    """Return the known name that was probably meant, or None."""
    close = difflib.get_close_matches(name[:200], sorted(known), n=1, cutoff=0.55)
    return (hints or {}).get(name) or (close[0] if close else None)


def shortened(value: object) -> str:
    """Return `repr` of a value, cut at 120 characters; of a day, a time or a path that of its text."""
    text = repr(str(value) if isinstance(value, date | PurePath) else value)
    return text if len(text) <= 120 else text[:117] + "..."


def _rebuild(kind: type[MlsysError], rule: str, where: str | None, got: object, remedy: str | None) -> MlsysError:
    return kind(rule, where=where, got=got, remedy=remedy)
