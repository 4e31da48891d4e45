"""The champion in a process that answers: loaded from the file registry, without a database and without the ledger."""

from mlsys.serving.champion import Champion as Champion
from mlsys.serving.loading import champion_in as champion_in
from mlsys.serving.loading import load_champion as load_champion
