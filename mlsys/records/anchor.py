"""A row of a pipeline's chain, remembered outside the ledger."""

from __future__ import annotations

from mlsys.records.base import Record


class ChainAnchor(Record):
    """Place and hash of a row, as they were when something was shown: whoever makes the chain anew can't make it fit.

    Attributes:
        seq: the row's place in its pipeline's chain, from 1 on; `hash` its SHA-256 there.
        where: who remembers it, in words; empty in the ledger's own answer.
    """

    seq: int
    hash: str
    where: str = ""

    @property
    def text(self) -> str:
        """`<seq>:<hash>`, as releases, tags and cards carry it."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str, *, where: str) -> ChainAnchor | None:
        """Return the anchor of a `text`, or None where it is none."""
        seq, _, digest = text.partition(":")
        return cls(seq=int(seq), hash=digest, where=where) if seq.isdecimal() and digest else None
