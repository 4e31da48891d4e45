"""Logs: one event a line, `event key=value key=value`, as text or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from mlsys.events import LogLine


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the event's fields as they stand in the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        message = record.getMessage()
        event = record.msg if isinstance(record.msg, LogLine) else None
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": event.name if event else message.split(" ", 1)[0],
            "message": message,
        }
        for key, value in (event.fields if event else {}).items():
            line.setdefault(key, value)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(form: Literal["text", "json"], level: str) -> None:
    """Send mlsys's events to standard error; other libraries only from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s %(message)s", datefmt="%H:%M:%S")
    # Some libraries set their own level when they are imported, so the handler decides.
    handler.addFilter(lambda record: record.name.startswith("mlsys") or record.levelno >= logging.WARNING)
    handler.setFormatter(JsonLines() if form == "json" else text)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("mlsys").setLevel(level)
