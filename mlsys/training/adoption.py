"""Models that stand already: a candidate of another run that was fitted on the same rows by the same keys of its spec.

A run whose spec differs in its gates alone, or in another candidate, need not fit what an earlier one has fitted. Where
a fit is to be found is remembered below MLSYS_HOME/cache; what it is, the ledger says.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlsys import keys
from mlsys.events import get_logger
from mlsys.ledger import Ledger
from mlsys.records import Candidate, Prepared
from mlsys.spec import Spec
from mlsys.store import Store, recall, remember

log = get_logger(__name__)


def adopted(spec: Spec, prepared: Prepared, *, name: str, ledger: Ledger, store: Store) -> Candidate | None:
    """Return a candidate as its fit would make it, from one that was fitted before; None where there is none."""
    found = standing(key_of(spec, prepared, name), ledger=ledger, store=store)
    if found is None:
        return None
    own = Candidate.id_of(prepared.plan.training_key, name)
    log.info("adopted", candidate=own, fitted_as=found.candidate_id)
    return found.model_copy(update={"candidate_id": own})


def standing(key: str, *, ledger: Ledger, store: Store) -> Candidate | None:
    """Return the candidate that was fitted under a key, if its file is still there; that is renewed."""
    known = recall(_path(key, store))
    found = None if known is None else ledger.candidate(known.decode())
    if found is None or found.status != "fitted" or found.model is None or not store.renew(found.model):
        return None
    return found


def note(spec: Spec, prepared: Prepared, candidate: Candidate, *, store: Store) -> None:
    """Remember where a fit is to be found."""
    if candidate.status == "fitted":
        remember(_path(key_of(spec, prepared, candidate.name), store), candidate.candidate_id.encode())


def key_of(spec: Spec, prepared: Prepared, name: str) -> str:
    """Return the key of one candidate's fit."""
    built_on = prepared.plan.built_on
    return keys.fitting_key(spec, name, prepared.snapshot, prepared.split.assignment, built_on)


def as_first_fitted(prepared: Prepared, known: Iterable[Candidate]) -> Prepared:
    """Return a run with the champion that its candidates were made of when they were first fitted.

    They stand under the run's training key, which does not name the champion: of two runs with the same key the second
    one has the models of the first.
    """
    found = next((candidate.built_on for candidate in known if candidate.built_on is not None), None)
    if found is None:
        return prepared
    return prepared.model_copy(update={"plan": prepared.plan.model_copy(update={"built_on": found})})


def _path(key: str, store: Store) -> Path:
    return store.cache / "fitted" / f"{key}"
