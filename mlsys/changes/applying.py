"""A planned change taken over: what was set for the plan goes into the spec's file, and all else there stays as it is.

What the plan has fitted is found by its key: the next run on the same rows adopts it byte for byte.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlsys.changes.records import SpecPlan
from mlsys.changes.spec_plan import plan_of
from mlsys.drafting.splicing import Splices
from mlsys.drafting.yaml_text import in_flow, key
from mlsys.errors import DataError, RunError, SpecError, UsageError
from mlsys.events import get_logger
from mlsys.spec.overrides import apply as put
from mlsys.spec.text import Document, KeyPath, parsed, read
from mlsys.store import write_atomically
from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class Applied:
    """A change that is in the spec's file now.

    Attributes:
        before, after: the texts of the file; the same where it said so already.
    """

    path: Path
    before: str
    after: str
    plan: SpecPlan


def apply(work: Workspace, name: str, *, overrides: Sequence[str] = ()) -> Applied:
    """Write `key.path=value` overrides into the file of a spec, unless a run by it would not come to a decision.

    Raises:
        UsageError: as `plan_of`, or a value that can't be written where it belongs.
        DataError: a run would refuse to start.
        RunError: the changed gates decide `error`.
    """
    planned = plan_of(work, name, overrides=overrides)
    if planned.refused:
        raise DataError(planned.refused, where=name, remedy="Nothing was written")
    if planned.now is not None and planned.now.outcome == "error":
        raise RunError(
            f"The changed gates decide `error`: {planned.now.sentence}", where=name, remedy="Nothing was written"
        )
    path = work.settings.spec_path(name)
    before, after = read(path).text, written(path, overrides)
    if after != before:
        target = path.resolve()  # a link stays one
        write_atomically(target, after.encode("utf-8"), mode=target.stat().st_mode & 0o777)
        log.info("applied", pipeline=name, spec=planned.spec_fingerprint[:12], keys=len(overrides))
    return Applied(path, before, after, planned)


def written(path: Path, overrides: Sequence[str]) -> str:
    """Return the text of a spec's file with overrides written into it.

    Raises:
        SpecError: the file can't be read, or an override names no key.
        UsageError: a value can't be written where it belongs.
    """
    text = read(path).text
    for override in overrides:
        text = _with(path, text, override)
    return text


def _with(path: Path, text: str, override: str) -> str:
    """Return the text of a spec with one override; what comes out is read again and held against what it should be."""
    document = parsed(path, text)
    wanted = Document(path, text, copy.deepcopy(document.mapping), dict(document.written))
    keys: KeyPath = tuple(put(wanted, override).split("."))
    try:
        splices = Splices(document)
        _splice(splices, document, wanted, keys)
        after = splices.text()
        if parsed(path, after).mapping == wanted.mapping:
            return after
    except (AssertionError, ValueError, LookupError, SpecError):  # a place of a form that splices don't know
        pass
    raise UsageError(
        "This value can't be written into the file as it stands there", where=f"--set {override}",
        remedy=f"Write it by hand into {path.name}",
    )  # fmt: skip


def _splice(splices: Splices, document: Document, wanted: Document, keys: KeyPath) -> None:
    known = next(keys[:depth] for depth in range(len(keys), -1, -1) if not depth or keys[:depth] in document.written)
    if known and (known == keys or document.written[known].token is not None):
        # The value itself, or a short form (`- logistic`) that becomes the mapping it stands for.
        splices.replace_value(known, in_flow(_at(wanted.mapping, known)))
        return
    below = keys[: len(known) + 1]
    splices.append_entry(known, [f"{key(below[-1])}: {in_flow(_at(wanted.mapping, below))}"])


def _at(mapping: Any, keys: KeyPath) -> Any:
    for part in keys:
        mapping = mapping[int(part)] if isinstance(mapping, list) else mapping[part]
    return mapping
