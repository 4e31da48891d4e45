"""What every step works with: settings, ledger and store, opened together and closed together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlsys.database.databases import Databases, open_databases
from mlsys.errors import NotUnderstoodError, SpecError, UsageError
from mlsys.ledger import Ledger, NewerLedgerError
from mlsys.records import Plan
from mlsys.registries.base import Place
from mlsys.settings import Settings, load_settings
from mlsys.spec import Spec, parse_dump
from mlsys.store import Store, write_atomically

_NOTE = "written_by.json"  # the newest mlsys that wrote to a home


@dataclass(frozen=True)
class Workspace:
    """An opened installation."""

    settings: Settings
    databases: Databases
    ledger: Ledger
    store: Store

    @property
    def home(self) -> Path:
        """MLSYS_HOME, absolute."""
        return self.settings.root

    @property
    def place(self) -> Place:
        """Where registries write."""
        return Place(
            store=self.store, home=self.home, tracking_uri=self.settings.mlflow_uri or self.databases.mlflow_url
        )

    def require_registries(self, spec: Spec) -> None:
        """Refuse what a registry of the spec could only refuse after the promotion.

        Raises:
            UsageError: with the registry's reason.
        """
        for registry in spec.registries:
            obstacle = registry.obstacle(spec.pipeline, self.place)
            if obstacle is not None:
                remedy = "Choose an MLSYS_HOME with a shorter path"
                raise UsageError(obstacle, where=f"registries ({registry.kind})", remedy=remedy)

    def spec_of(self, plan: Plan) -> Spec:
        """Return the spec that a run was started with, even when its file has changed since."""
        return parse_dump(self.dumped_spec(plan)["spec"])

    def dumped_spec(self, plan: Plan) -> dict[str, Any]:
        """Return the stored spec of a run, with the origin of every value."""
        dumped = self.store.read_json(plan.spec)
        if not isinstance(dumped, dict):
            raise SpecError("The stored spec of the run is damaged", where=plan.spec)
        return dumped

    def has_models(self, training_key: str) -> bool:
        """Whether the models of a training key are all there; housekeeping removes those of old runs."""
        files = [c.model for c in self.ledger.candidates(training_key) if c.model is not None]
        return all(self.store.renew(file) for file in files)


@contextmanager
def open_workspace(settings: Settings | None = None) -> Iterator[Workspace]:
    """Open the installation of `settings` (default: the environment's); the embedded database runs meanwhile.

    Raises:
        UsageError: a wrong setting, or a ledger that a newer mlsys has changed.
        TransientError: the database does not answer.
        NotUnderstoodError: inside, from a record of a newer mlsys; says which, where the home knows it.
    """
    settings = settings or load_settings()
    with open_databases(settings) as databases:
        ledger = _opened(databases.ledger_url, settings.root)
        try:
            yield Workspace(settings, databases, ledger, Store(settings.store))
        except NotUnderstoodError as error:
            newest = _written_by(settings.root)
            if newest is None or _numbers(newest) <= _numbers(version("mlsys")):
                raise
            rule = f"{error.rule} (mlsys {newest} has written to this home)"
            raise NotUnderstoodError(rule, where=error.where, remedy=error.remedy) from error
        finally:
            ledger.close()


def _opened(url: str, home: Path) -> Ledger:
    """Return the ledger, and note which mlsys may have written to it.

    Raises:
        NewerLedgerError: a newer one has changed its tables; says which.
    """
    newest, ours = _written_by(home), version("mlsys")
    try:
        ledger = Ledger.open(url)
    except NewerLedgerError as error:
        rule = f"{error.rule} (mlsys {newest})" if newest and newest != ours else error.rule
        raise NewerLedgerError(rule, where=error.where, remedy=error.remedy) from error
    if newest is None or _numbers(newest) < _numbers(ours):
        write_atomically(home / _NOTE, json.dumps({"mlsys": ours}).encode())
    return ledger


def _written_by(home: Path) -> str | None:
    with suppress(OSError, ValueError, LookupError, TypeError):  # none yet, or damaged: it is written anew
        return str(json.loads((home / _NOTE).read_text())["mlsys"])
    return None


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]
