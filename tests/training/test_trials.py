"""What a search has tried is found again by its hyperparameters, and only whole."""

from __future__ import annotations

from mlsys.models.logistic import Logistic
from mlsys.records import TriedSet
from mlsys.store import Store, remember
from mlsys.training.trials import Memory

TRIAL = TriedSet(params={"C": 0.5}, value=0.75, seconds=1.5)


def test_a_trial_is_known_by_its_hyperparameters_its_candidate_and_its_key(store: Store) -> None:
    memory = Memory.of(store, "key", "mine")
    assert memory.known(Logistic(C=0.5)) is None
    memory.keep(Logistic(C=0.5), TRIAL)
    assert memory.known(Logistic(C=0.5)) == TRIAL
    assert memory.known(Logistic(C=0.6)) is None
    assert Memory.of(store, "key", "other").known(Logistic(C=0.5)) is None
    assert Memory.of(store, "another", "mine").known(Logistic(C=0.5)) is None


def test_what_is_damaged_or_of_another_release_is_tried_again(store: Store) -> None:
    memory = Memory.of(store, "key", "mine")
    memory.keep(Logistic(), TRIAL)
    path = next(memory.folder.iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert memory.known(Logistic()) is None
    remember(path, b'{"value": 0.75, "colour": "red"}')
    assert memory.known(Logistic()) is None
