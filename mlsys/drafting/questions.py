"""What a table can't tell: asked on a terminal, else refused with the option that answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlsys.errors import UsageError

_SHOWN = 12


@dataclass(frozen=True)
class OpenQuestion:
    """Something that only a person knows.

    Attributes:
        about: file, table or column.
        text: the question, as a sentence with its mark.
        why: what the table says about it, as a sentence without a full stop.
        choices: what can be answered; empty where any text will do.
        option: the option of the command line that answers it beforehand.
    """

    about: str
    text: str
    why: str
    choices: tuple[str, ...]
    option: str


Answerer = Callable[[OpenQuestion], str]


def refuse(question: OpenQuestion) -> str:
    """Answer no question: there is nobody to ask.

    Raises:
        UsageError: names the option that answers it.
    """
    raise UsageError(question.why, where=question.about, remedy=f"Say it with {question.option}{_some(question)}")


def _some(question: OpenQuestion) -> str:
    return f": {in_a_row(question.choices)}" if question.choices else ""


def in_a_row(names: Sequence[str]) -> str:
    """Return `a, b or c`, or the first of many."""
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])}, ..."
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)
