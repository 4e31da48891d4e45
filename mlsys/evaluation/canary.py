"""The canary of an upgrade: whether the champion answers as it did when it was promoted, with what is installed now.

It is asked in a fresh process, so that a model whose file breaks an interpreter breaks none that trains or serves.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlsys import keys
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.garbage import collect_seldom
from mlsys.ledger import ChampionChange
from mlsys.store import Store, canonical_json, recall, remember
from mlsys.wording import number
from mlsys.workspace import Workspace

log = get_logger(__name__)

CanaryState = Literal["unchanged", "identical", "within tolerance", "differs", "unreadable", "unknown"]

_PATIENCE_SECONDS = 300
_FOLDER = "canary"


@dataclass(frozen=True)
class Canary:
    """What became of the champion under the present environment.

    Attributes:
        state: `unchanged`: the packages are those of its promotion; `unknown`: it can be loaded, and no golden
            predictions were kept when it was promoted.
        sentence: the finding for people; `since` is the part of it that names what has changed.
    """

    state: CanaryState
    sentence: str
    since: str = ""

    @property
    def ok(self) -> bool:
        """Whether the champion may serve and be compared with."""
        return self.state not in ("differs", "unreadable")


def canary(work: Workspace, champion: ChampionChange, *, ask: bool = True) -> Canary | None:
    """Return whether a champion still answers as it did; what was found once for an environment is remembered.

    Without `ask` only what is known already is told, None where nothing is: for pages that must not wait.

    Raises:
        IntegrityError: its golden predictions or the records of its run are missing or were changed.
    """
    golden = work.store.read_json(champion.golden) if champion.golden else None
    candidate = work.ledger.candidate(champion.candidate_id)
    changed = keys.version_changes(golden["versions"] if golden else _recorded(work, champion))
    if not changed or candidate is None or candidate.model is None:
        return Canary("unchanged", "the packages are those of its promotion")
    key = {"model": candidate.model, "golden": champion.golden, "versions": keys.versions()}
    place = work.store.cache / _FOLDER / hashlib.sha256(canonical_json(key)).hexdigest()
    known = recall(place)
    if known is not None:
        return Canary(**json.loads(known))
    if not ask:
        return None
    plan = work.ledger.plan(champion.run_id)
    found = _judged(_asked(work.store, model=candidate.model, golden=champion.golden, spec=plan.spec), changed)
    log.info("canary", pipeline=champion.pipeline, version=champion.version, state=found.state)
    remember(place, json.dumps(asdict(found)).encode())
    return found


def _recorded(work: Workspace, champion: ChampionChange) -> Mapping[str, str]:
    """Return the versions that a champion's run has recorded; those of now where it has none."""
    digest = next((row.parts["environment"] for row in work.ledger.run(champion.run_id) if row.parts), None)
    recorded: Mapping[str, str] = work.store.read_json(digest)["versions"] if digest else keys.versions()
    return recorded


def _asked(store: Store, *, model: str, golden: str | None, spec: str) -> dict[str, Any]:
    """Return what a fresh process found: `largest` difference or None, or an `error` in words."""
    told = json.dumps({"store": str(store.root), "model": model, "golden": golden, "spec": spec})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mlsys.evaluation.canary"],
            input=told, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        return dict(json.loads(done.stdout.strip().rpartition("\n")[2]))
    except subprocess.TimeoutExpired:
        return {"error": f"it was not loaded within {_PATIENCE_SECONDS} seconds"}
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2] or "no word"
        return {"error": f"the process that loaded it ended with code {done.returncode}: {last}"}


def _judged(found: Mapping[str, Any], changed: list[str]) -> Canary:
    since = f"since its promotion: {', '.join(changed)}"
    state, told = _state(found)
    return Canary(state, f"{told}; {since}", since)


def _state(found: Mapping[str, Any]) -> tuple[CanaryState, str]:
    if "error" in found:
        return "unreadable", f"it can't be used with what is installed now ({found['error']})"
    largest = found["largest"]
    if largest is None:
        return "unknown", "it can be loaded, and no golden predictions were kept to compare"
    if largest == 0:
        return "identical", "its golden predictions are identical"
    apart = "have another shape" if math.isinf(largest) else f"differ by up to {number(largest * 100)} % of their range"
    if largest <= keys.TOLERANCE:
        return "within tolerance", f"its golden predictions {apart}, in their last digits"
    return "differs", f"its golden predictions {apart}"


def main() -> None:
    """Load a model and compare its golden predictions: the fresh process, told by standard input."""
    collect_seldom()
    from mlsys.spec import parse_dump
    from mlsys.training import golden, model_file

    told = json.load(sys.stdin)
    store = Store(Path(told["store"]))
    found: dict[str, Any] = {"largest": None}
    try:
        if told["golden"] is None:
            model_file.load(told["model"], store)
        else:
            known = store.read_json(told["golden"])
            spec = parse_dump(store.read_json(told["spec"])["spec"])
            found["largest"] = golden.apart(known, golden.answered(spec, known, told["model"], store))[0]
    except MlsysError as error:
        found = {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - what a model raises under packages that it was not made for
        found = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
