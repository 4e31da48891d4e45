"""The append-only database of requests, runs, candidates, evaluations, decisions, champions and partitions."""

from mlsys.ledger.champions import ChampionMovedError, HeldError
from mlsys.ledger.engine import NewerLedgerError
from mlsys.ledger.ledger import Ledger
from mlsys.ledger.rows import ChampionChange, Entry, Hold, Judgement, LiveTrial, RequestRow, RunRow

__all__ = [
    "ChampionChange",
    "ChampionMovedError",
    "Entry",
    "HeldError",
    "Hold",
    "Judgement",
    "Ledger",
    "LiveTrial",
    "NewerLedgerError",
    "RequestRow",
    "RunRow",
]
