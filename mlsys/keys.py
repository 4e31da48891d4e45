"""Keys: what makes two runs the same run, and two decisions the same decision."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mlsys.components import components_in
from mlsys.metrics import METRICS
from mlsys.records import BuiltOn, Mode, Snapshot
from mlsys.spec import ResolvedSpec, Spec
from mlsys.spec.parts import fitted_by
from mlsys.store import canonical_json

NUMERIC_PACKAGES = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost")
TOLERANCE = 1e-6  # of the spread of two models' answers: what is closer differs in its last digits alone
OPTIONAL_PACKAGES = ("catboost", "imbalanced-learn", "lightgbm")  # part of a key where they are installed


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    found = {name: version(name) for name in NUMERIC_PACKAGES}
    for name in OPTIONAL_PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return {"python": platform.python_version(), **found}


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """Return the SHA-256 of mlsys's own source: it is no part of a DAG bundle's version, so records carry it."""
    return _source_of(Path(__file__).parent)


def foreign_code(spec: Spec) -> dict[str, str]:
    """Return the SHA-256 of the source of each other package that gives a component of a spec, by its name."""
    kinds = {type(part) for part in components_in(spec)} | {METRICS.find(spec.metrics.primary)}
    packages = sorted({kind.__module__.partition(".")[0] for kind in kinds} - {__package__})
    return {name: _source_of(Path(str(sys.modules[name].__file__)).parent) for name in packages}


def _source_of(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def training_key(resolved: ResolvedSpec, snapshot: Snapshot) -> str:
    """Return the key that names a run's candidates: same key, same models."""
    return training_key_of(resolved.spec, resolved.fingerprint, snapshot)


def training_key_of(spec: Spec, fingerprint: str, snapshot: Snapshot) -> str:
    """Return the training key of a spec that a run has stored, in the present environment."""
    key: dict[str, object] = {
        "pipeline": spec.pipeline,
        "snapshot": snapshot.fingerprint,
        "spec": fingerprint,
        "code": code_fingerprint(),
        "versions": versions(),
    }
    foreign = foreign_code(spec)
    return _digest(key | {"foreign_code": foreign} if foreign else key)


def fitting_key(spec: Spec, name: str, snapshot: Snapshot, sides: str, built_on: BuiltOn | None = None) -> str:
    """Return the key of one candidate's fit: same key, same bytes, whatever judges it and stands beside it.

    `sides` is the digest of the file that says on which side of the split each row stands; `built_on` the champion, of
    which it counts where the candidate is made of it.
    """
    key: dict[str, object] = {"fitted": fitted_by(spec, name), "snapshot": snapshot.fingerprint, "sides": sides}
    if built_on is not None and any(model.of_champion for model in spec.models if model.label == name):
        key["built_on"] = built_on.dump()
    return _digest(key | {"code": code_fingerprint(), "versions": versions(), "foreign_code": foreign_code(spec)})


def decision_key(training: str, mode: Mode, champion: str | None) -> str:
    """Return the key of a judgement: the candidates, the mode and the champion compared with."""
    return _digest({"training": training, "mode": mode, "champion": champion})


def refusal_key(decision: str) -> str:
    """Return the key of the decision that follows when a person refuses what a decision would have promoted."""
    return _digest({"decision": decision, "answer": "refused"})


def held_key(decision: str, since: str) -> str:
    """Return the key of the decision that follows when a hold of an instant keeps back what would be promoted."""
    return _digest({"decision": decision, "held": since})


def mended_key(decision: str) -> str:
    """Return the key of the decision that follows on an error whose cause was mended."""
    return _digest({"decision": decision, "after": "error"})


def rehydrated_key(training: str, champion: str) -> str:
    """Return the key of the decision by which a champion goes on as what it is when it is fitted anew."""
    return _digest({"training": training, "rehydrated": champion})


def run_id(pipeline: str, day: str, training: str, mode: Mode) -> str:
    """Return the readable name of a run; the same key and mode give the same name."""
    suffix = "" if mode == "live" else f"-{mode}"
    return f"{pipeline}-{day}-{training[:10]}{suffix}"


def _digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


def version_changes(then: Mapping[str, str]) -> list[str]:
    """Return in words which versions of Python and packages differ from those of then."""
    now = versions()
    return [
        f"{name} {then.get(name, 'missing')} -> {now.get(name, 'missing')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
