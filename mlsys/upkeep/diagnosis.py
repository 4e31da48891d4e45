"""What `mlsys doctor` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at."""

    subject: str
    ok: bool
    sentence: str
