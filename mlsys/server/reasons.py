"""Why a row is answered as it is: what each of its columns adds to the answer, by SHAP (see `mlsys.models`).

They say what this model does with the row, not what causes what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlsys.errors import MlsysError
from mlsys.explanation.kept_values import short, value_of
from mlsys.schema import ColumnSpec
from mlsys.server.rows import GivenRow
from mlsys.serving.plain_path import frame_of

if TYPE_CHECKING:
    from mlsys.models.contributions import Contributions
    from mlsys.server.served import ServedModel

SHOWN = 8  # columns that are named


def reasons(model: ServedModel, row: GivenRow) -> dict[str, Any]:
    """Return `base`, what is said before any column adds something, `columns` with what each `adds`, the largest first,
    the `rest` of them together, their sum `said`, and the `scale` of all these; or why it can't be said, `left_out`.

    Of several classes it is about the most probable one.
    """
    try:
        found, calibrated = _contributions(model, row)
    except (MlsysError, ValueError, LookupError) as error:
        return {"left_out": error.rule if isinstance(error, MlsysError) else str(error)}
    if not found.gap <= found.tolerance:
        return {"left_out": "What the columns add does not add up to what the model says"}
    output = int(found.said[0].argmax()) if found.base.size > 1 else 0
    adds = found.values[0, :, output]
    names = list(model.champion.features)
    order = sorted(range(adds.size), key=lambda i: (-abs(adds[i]), names[i]))
    assert model.target is not None
    scale = model.target.fitted_scale if found.scale == "fitted" else found.scale
    columns = [
        {
            "column": names[i],
            "value": _shown(row[names[i]], model.champion.features[names[i]]),
            "adds": short(float(adds[i])),
        }
        for i in order[:SHOWN]
    ]
    return {
        "scale": f"{scale} before calibration" if calibrated else scale,
        "base": short(float(found.base[output])),
        "columns": columns,
        "rest": short(float(adds[order[SHOWN:]].sum())),
        "said": short(float(found.said[0, output])),
    }


def _shown(value: Any, column: ColumnSpec) -> Any:
    """Return a value as it was given; a long text shortened."""
    return value_of(value, column) if column.type in ("text", "category") else value


def _contributions(model: ServedModel, row: GivenRow) -> tuple[Contributions, bool]:
    """Return what columns add in a row, and whether that is before a calibration.

    Raises:
        ValueError: the model's kind can't be divided, or its features mix columns; says why.
        UsageError: the library that divides it is not installed.
        LookupError: the release does not say of which kind the model is.
    """
    from mlsys.models import MODELS
    from mlsys.models.calibration import uncalibrated
    from mlsys.models.contributions import of_pipeline

    champion, target = model.champion, model.target
    if target is None or target.unexplained:
        raise ValueError("The learning task is not known" if target is None else target.unexplained)
    known = model.release["candidate"]
    kind = MODELS.stored((known.get("built_on") or known)["params"])
    before = uncalibrated(champion.model)
    part = target.fitted_part(champion.model if before is None else before)
    rows = champion.prepare(frame_of(champion, [row]))
    found = of_pipeline(kind.shares, part, rows)
    if found.from_zero and model.known.examples:  # of lines: counted from a mean row
        both = champion.prepare(frame_of(champion, [row, *model.known.examples]))
        found = of_pipeline(kind.shares, part, both).centred(slice(1, None))
    return found, before is not None
