"""The champion out of the file registry, without a database and without the ledger: checked first, unpickled then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import IntegrityError, RunError, UsageError, near_match
from mlsys.serving.champion import Champion

if TYPE_CHECKING:
    from mlsys.settings import Settings
    from mlsys.spec import Spec

_MEND = "Let `mlsys reconcile {}` write it again from the store"


def load_champion(pipeline: str, *, home: str | Path | None = None) -> Champion:
    """Return the model that serves now, from the file registry, after comparing its bytes with those promoted.

    Args:
        pipeline: name of the spec.
        home: the MLSYS_HOME to look in; default that of the environment, which is `var` where it is not set.

    Raises:
        UsageError: no such pipeline, or no champion of it in the file registry.
        IntegrityError: the file is gone, or not the one that was promoted; nothing was unpickled.
        RunError: the installed packages can't read the model, or it answers otherwise than when it was promoted.
    """
    from mlsys.registries.files import serving_folder
    from mlsys.settings import load_settings

    settings = load_settings()
    if home is not None:
        settings = settings.model_copy(update={"home": Path(home)})
    folder = serving_folder(pipeline, settings.root)
    if folder is None:
        raise _nobody(pipeline, settings)
    return champion_in(folder, pipeline)


def champion_in(folder: Path, pipeline: str, *, ask_it: bool = False) -> Champion:
    """Return the model in the folder of a version, after comparing its bytes with those promoted.

    With `ask_it` it answers its golden rows first, as it does anyway where other packages are installed than then.

    Raises:
        IntegrityError, RunError: as `load_champion`.
    """
    from mlsys.registries.files import MODEL, release_record
    from mlsys.training.model_file import unpickled

    data, record = _read(folder / MODEL, pipeline), release_record(folder)
    if hashlib.sha256(data).hexdigest() != record.get("sha256"):
        raise IntegrityError(
            "The champion's file is not the one that was promoted; it was not opened",
            where=str(folder / MODEL),
            remedy=_MEND.format(pipeline),
        )
    spec, model = spec_beside(folder), unpickled(data, where=str(folder / MODEL))
    _require_like_promoted(folder, spec, model, ask_it=ask_it)
    positive = getattr(spec.target, "positive", None) if spec.target.two_classes else None
    return Champion(
        pipeline=pipeline,
        version=str(record.get("version")),
        candidate_id=str(record.get("candidate_id")),
        cutoff=datetime.fromisoformat(str(record.get("cutoff"))),
        task=spec.target.task,
        target=spec.target.column,
        positive=positive,
        threshold=None if positive is None else _threshold(record, spec),
        classes=spec.target.knows(model),
        features=spec.feature_columns(),
        joins=spec.joins,
        model=model,
        folder=folder,
        actions=getattr(spec.target, "actions", ()),
    )


def _require_like_promoted(folder: Path, spec: Spec, model: Any, *, ask_it: bool) -> None:
    """Compare the model's golden predictions where other packages are installed than when it was promoted.

    With `ask_it` they are compared with the same packages, too.

    Raises:
        RunError: they differ by more than their last digits.
    """
    from mlsys import keys
    from mlsys.registries.files import GOLDEN
    from mlsys.training import golden

    try:
        known = json.loads((folder / GOLDEN).read_bytes())
    except (OSError, ValueError):  # of an earlier version, which kept none
        return
    changed = keys.version_changes(known["versions"])
    if not changed and not ask_it:
        return
    largest, _ = golden.apart(known, spec.target.about(known["classes"]).answers(model, golden.rows_of(known)))
    if largest > keys.TOLERANCE:
        raise RunError(
            f"The champion answers otherwise than when it was promoted: by up to {largest:.2g} of the range of its "
            f"answers. Since then: {', '.join(changed) or 'no other packages'}",
            where=str(folder),
            remedy=f"Fit it anew with these packages: `mlsys rehydrate {spec.pipeline}`; or install the former ones",
        )


def _threshold(record: Mapping[str, Any], spec: Spec) -> float:
    """Return the threshold chosen for the model itself, or that of its spec."""
    own = record.get("candidate", {}).get("threshold")
    return spec.metrics.usual_threshold if own is None else float(own)


def _nobody(pipeline: str, settings: Settings) -> UsageError:
    """Return why there is no champion to load."""
    registry = settings.root / "registry"
    known = {path.stem for path in settings.pipelines.glob("*.yaml")} | {path.name for path in registry.glob("*/")}
    if pipeline not in known:
        return UsageError(
            f"There is no pipeline '{pipeline}'" + (f". {near_match(pipeline, known)}" if known else ""),
            where=str(settings.root),
            remedy="MLSYS_HOME, or `home=`, says in which home to look",
        )
    return UsageError(
        f"{pipeline} has no champion in the file registry",
        where=str(registry / pipeline),
        remedy=f"Make one with `mlsys run {pipeline}`. If `mlsys champion {pipeline}` names one, its spec leaves "
        "`files` out of `registries`: load it from MLflow, or add `files` and run `mlsys reconcile`",
    )


def _read(path: Path, pipeline: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"The champion's file can't be read: {error.strerror}", where=str(path), remedy=_MEND.format(pipeline)
        ) from error


def spec_beside(folder: Path) -> Spec:
    """Return the spec that the model in the folder of a version was fitted by.

    Raises:
        IntegrityError: it can't be read.
    """
    import yaml

    from mlsys.registries.files import SPEC
    from mlsys.spec import parse_dump

    try:
        return parse_dump(yaml.safe_load((folder / SPEC).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise IntegrityError(
            "The spec beside the champion's file can't be read",
            where=str(folder / SPEC),
            remedy="Move the folder away and run `mlsys reconcile`",
        ) from error
