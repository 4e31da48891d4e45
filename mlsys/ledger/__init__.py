"""The append-only database of requests, runs, candidates, evaluations, decisions, champions and partitions."""

from mlsys.ledger.engine import NewerLedgerError
from mlsys.ledger.ledger import ChampionMovedError, Ledger
from mlsys.ledger.rows import ChampionChange, Entry, Judgement, RequestRow, RunRow

__all__ = [
    "ChampionChange",
    "ChampionMovedError",
    "Entry",
    "Judgement",
    "Ledger",
    "NewerLedgerError",
    "RequestRow",
    "RunRow",
]
