"""A request that came to its end before its run was begun: it stands in the ledger like any other, with its reason."""

from __future__ import annotations

from mlsys import clock
from mlsys.errors import DataError, SpecError, TransientError, UsageError
from mlsys.events import get_logger
from mlsys.ledger import RequestRow
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace

log = get_logger(__name__)

# What kind of error ended it -> the reason that the ledger has; the first one that fits.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (SpecError, "wrong_spec"),
    (UsageError, "wrong_request"),
    (DataError, "data_refused"),
    (TransientError, "not_reachable"),
)


def reason_of(error: BaseException) -> str:
    """Return the reason code of an error: `wrong_spec`, `wrong_request`, `data_refused`, `not_reachable`, `error`."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), "error")


def record_refused(work: Workspace, request: RunRequest, *, reason: str, sentence: str) -> RequestRow | None:
    """Write into the ledger that a request failed, and return its row; None for a pipeline that does not exist.

    Args:
        work: the installation.
        request: what was asked for; a request that was accepted stays so.
        reason: see `reason_of`.
        sentence: what was wrong, complete.
    """
    if request.pipeline not in {path.stem for path in work.settings.pipelines.glob("*.yaml")}:
        return None
    row = RequestRow(
        request_id=request.request_id,
        run_id=None,
        status="failed",
        reason=reason,
        sentence=sentence,
        mode="live" if request.mode == "auto" else request.mode,
        day=_day(request),
        asked_by=request.asked_by,
        parameters=request.parameters,
    )
    known = work.ledger.request(request.request_id)
    if known is None or known.status != "accepted":
        work.ledger.add_request(request.pipeline, row)
    log.warning("request_failed", pipeline=request.pipeline, request=request.request_id, reason=reason)
    return work.ledger.request(request.request_id)


def _day(request: RunRequest) -> str | None:
    """Return the day that was asked for, or None where none was, or where it is no day."""
    asked = request.day or request.partition_key
    try:
        return None if asked is None else str(clock.parse_day(asked))
    except UsageError:
        return None
