"""What is logged: events with named fields, by structlog on top of the standard library's loggers.

A line reads `event key=value key='two words'`; one that has a sentence for people begins with it and reads
`The sentence. [event key=value]`. Whoever sets up handlers (the command line, Airflow, a test) decides
where it goes; a formatter that wants the fields finds them on the message, `LogLine.fields`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any, cast

import structlog
from structlog.stdlib import BoundLogger

_PLAIN = re.compile(r"[^\s'\"=]+")
_OUR_FRAMES = 4  # of structlog, between whoever logs and the standard library's logger


class LogLine(str):
    """A line of the log that knows what it is made of: numbers and None as they are, all else as text."""

    __slots__ = ("fields", "name")

    name: str
    fields: dict[str, Any]


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module; it depends on no configuration of structlog."""
    logger = structlog.wrap_logger(logging.getLogger(name), processors=[_as_line], wrapper_class=BoundLogger)
    return cast(BoundLogger, logger)


def _as_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return what the standard library's logger is called with."""
    name, traceback = str(event.pop("event")), event.pop("exc_info", None)
    fields = {key: value if isinstance(value, int | float | None) else str(value) for key, value in event.items()}
    line = LogLine(_in_words(name, fields))
    line.name, line.fields = name, fields
    return {"msg": line, "exc_info": traceback, "stacklevel": _OUR_FRAMES}


def _in_words(name: str, fields: dict[str, Any]) -> str:
    sentence = fields.get("sentence")
    shown = {key: value for key, value in fields.items() if key != "sentence" or not sentence}
    facts = " ".join([name, *(f"{key}={_spelt(str(value))}" for key, value in shown.items())])
    return f"{sentence} [{facts}]" if sentence else facts


def _spelt(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else repr(value)
