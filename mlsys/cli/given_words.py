"""What was given on the command line with nothing in it, as scripts do whose variable is not set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlsys.errors import UsageError

_BARE = re.compile(r"(--[a-z-]+)=\s*")


def require_words(arguments: Sequence[str]) -> None:
    """Refuse arguments that are empty, or blanks alone.

    `--until "$END"` would mean for ever, `--day "$DAY"` the newest day, `--from "$TABLE"` this folder.

    Raises:
        UsageError: names the option.
    """
    for before, word in zip(["", *arguments], arguments, strict=False):
        bare = _BARE.fullmatch(word)
        if bare is None and word.strip():
            continue
        where = bare[1] if bare else before if before.startswith("--") else "the command line"
        raise UsageError("Something was given that is empty", where=where, got=word, remedy="Leave it out, or say what")
