"""What a pipeline's spec says of its answered requests: which columns are kept, and by which key labels will come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from mlsys.errors import UsageError
from mlsys.ledger import ChampionChange
from mlsys.schema import ColumnSpec
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import Spec, resolve
from mlsys.workspace import Workspace


@dataclass(frozen=True)
class LiveRules:
    """What is kept of answered requests.

    Attributes:
        key: the columns that name a row, with their declared types; labels are joined by them.
        kept: whether answers are kept at all.
        left_out: columns whose values are not kept.
        watch_previous: for so long after a promotion the champion before it goes on as a shadow.
    """

    key: Mapping[str, ColumnSpec]
    kept: bool = True
    left_out: frozenset[str] = frozenset()
    watch_previous: timedelta = timedelta(0)


def rules_of(work: Workspace, champion: ChampionChange) -> LiveRules:
    """Return the rules of a pipeline that has a champion.

    Raises:
        SpecError: its spec is broken.
    """
    return rules_by(present_spec(work, champion))


def rules_by(spec: Spec) -> LiveRules:
    """Return the rules that a spec gives."""
    names = layout_of(spec).key
    return LiveRules(
        key={name: spec.columns[name] for name in names},
        kept=spec.serving.log.enabled,
        left_out=frozenset(spec.serving.log.leave_out),
        watch_previous=spec.serving.watch_previous,
    )


def present_spec(work: Workspace, champion: ChampionChange) -> Spec:
    """Return a pipeline's spec as its file is now; where there is none, the one that the champion was trained by.

    Raises:
        SpecError: the file is broken.
    """
    try:
        path = work.settings.spec_path(champion.pipeline)
    except UsageError:  # a server may have a home without the folder of the specs
        return work.spec_of(work.ledger.plan(champion.run_id))
    return resolve(path).spec
