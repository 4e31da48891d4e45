"""Standard output and error whose troubles decide nothing: a run's exit code says what became of the run."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class Steady(io.TextIOBase):
    """A text stream that escapes what its encoding can't spell, and drops what can't be written.

    It hides the bytes below it, which click and others would write to beside it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The name of the encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What is done about characters that the encoding does not have."""
        return "backslashreplace"

    def write(self, text: str) -> int:
        """Write a text as far as the stream takes it."""
        if self._stream is not None:
            with suppress(OSError, ValueError):  # a closed pipe, a full disk, a stream that was closed
                self._stream.write(text.encode(self.encoding, self.errors).decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Hand on what is written."""
        if self._stream is not None:
            try:  # noqa: SIM105 - it is called once more when Python ends, and `suppress` is gone by then
                self._stream.flush()
            except (OSError, ValueError):
                pass

    def writable(self) -> bool:
        """Return True: whoever asks may write."""
        return True

    def isatty(self) -> bool:
        """Return whether a person sees it."""
        with suppress(OSError, ValueError, AttributeError):
            return self._stream is not None and self._stream.isatty()
        return False

    def fileno(self) -> int:
        """Return the descriptor below.

        Raises:
            OSError: there is none.
        """
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()


@contextmanager
def steady_streams() -> Iterator[None]:
    """Let everything inside the block write to streams that never fail."""
    before: tuple[Any, Any] = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Steady(before[0]), Steady(before[1])  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def open_closed_streams() -> None:
    """Open the standard descriptors that whoever started us had closed, or the next file would get their numbers.

    A library that prints would then write into a model or a database.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
