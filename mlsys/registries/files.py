"""A registry of plain files: `registry/<pipeline>/vX.Y.Z/` and a link to the model that serves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from mlsys.errors import IntegrityError, RunError
from mlsys.events import get_logger
from mlsys.records import MEASURED, Candidate, ChainAnchor, Evaluation
from mlsys.registries.base import Place, Registry, Release, Shown
from mlsys.registries.requirements import pinned_requirements
from mlsys.store import canonical_json, move, sha256_of, write_atomically
from mlsys.temporary import temporary_folder

logger = get_logger(__name__)

FOLDER = "registry"
LINK = "best_model.joblib"
MODEL = "model.joblib"
RECORD = "release.json"
METRICS = "metrics.json"
SPEC = "spec.yaml"
GOLDEN = "golden.json"
REQUIREMENTS = "requirements.txt"


class FileRegistry(Registry):
    """Promoted models as folders: model, metrics, spec and requirements side by side.

    `best_model.joblib` is a relative link that is swapped in one step, so a reader sees the old model or the new one.
    `mlsys.load_champion` reads the model, and so does `joblib.load`. It runs code while loading: compare the file's
    SHA-256 with `release.json` first, as the former does.
    """

    kind: Literal["files"] = "files"

    def publish(self, release: Release, place: Place) -> Shown:
        """Write the folder of a version; its name is the version, with a `+` and its file's digest for a new fit of it.

        Raises:
            RunError: the release has no version or no model, or the disk is full.
            IntegrityError: the version's folder holds another candidate.
        """
        version, digest = release.version, release.candidate.model
        if version is None or digest is None:
            raise RunError(
                "Only a fitted and promoted candidate enters the file registry", got=release.candidate.candidate_id
            )
        name = _name(release)
        target = _folder(release.plan.pipeline, place) / f"v{name}"
        if target.exists():
            shown = _candidate_in(target)
            if shown is not None and shown != release.candidate.candidate_id:
                raise IntegrityError(
                    f"The folder holds another candidate than the ledger's {release.candidate.candidate_id}",
                    where=str(target),
                    got=shown,
                    remedy="Move the folder away and run `mlsys reconcile`",
                )
            if _wrong(target, release):
                known = _said(target).get("anchor")
                _write(target, release, place.store.read_bytes(digest), _golden(release, place), anchor=known)
            return Shown(name)
        with temporary_folder(target.parent) as temporary:
            _write(temporary, release, place.store.read_bytes(digest), _golden(release, place))
            temporary.chmod(0o755)
            move(temporary, target)
        logger.info("file_release", pipeline=release.plan.pipeline, version=name)
        return Shown(name)

    def point(self, pipeline: str, candidate_id: str | None, place: Place) -> None:
        """Swap the link to the version that holds a candidate, or remove it.

        Raises:
            IntegrityError: no version holds the candidate.
        """
        folder = _folder(pipeline, place)
        link = folder / LINK
        if candidate_id is None:
            link.unlink(missing_ok=True)
            return
        if self.pointed(pipeline, place) == candidate_id:
            return
        holder = _holder(folder, candidate_id)
        if holder is None:
            raise IntegrityError(
                "No version in the file registry holds the champion",
                where=str(folder),
                got=candidate_id,
                remedy="Run `mlsys reconcile`",
            )
        # A link can't be replaced in place; a new one under another name is renamed over it.
        with temporary_folder(folder) as beside:
            fresh = beside / LINK
            fresh.symlink_to(Path(holder.name) / MODEL)
            fresh.replace(link)

    def pointed(self, pipeline: str, place: Place) -> str | None:
        """Return the candidate id of the version that the link names, or None."""
        serving = serving_folder(pipeline, place.home)
        return None if serving is None else _candidate_in(serving)

    def damage(self, pipeline: str, champion: Candidate, place: Place) -> str | None:
        """Return what is wrong with the file that the link names, or None."""
        return _damage(_folder(pipeline, place) / LINK, champion)

    def anchors(self, pipeline: str, place: Place) -> list[ChainAnchor]:
        """Return what the release records of all versions remember of the ledger's chain."""
        found = []
        for version in sorted(_folder(pipeline, place).glob("v*")):
            where = f"release {version.name} in the file registry"
            anchor = ChainAnchor.parse(str(_said(version).get("anchor", "")), where=where)
            found += [] if anchor is None else [anchor]
        return found

    def differences(self, pipeline: str, releases: Sequence[Release], place: Place) -> list[str]:
        """Return what is wrong with the folders of versions: gone, of another candidate, without files, or changed."""
        found = []
        for release in releases:
            folder = _folder(pipeline, place) / f"v{_name(release)}"
            found += [f"{folder}: {said}" for said in _wrong(folder, release)]
        return found

    def copy_of(self, pipeline: str, candidate: Candidate, place: Place) -> bytes | None:
        """Return the model file of the folder that says it holds a candidate, or None."""
        for folder in sorted(_folder(pipeline, place).glob("v*")):
            with suppress(OSError, IntegrityError):
                if release_record(folder).get("candidate_id") == candidate.candidate_id:
                    return (folder / MODEL).read_bytes()
        return None


def _wrong(folder: Path, release: Release) -> list[str]:
    if not folder.is_dir():
        return ["the folder of this version is gone"]
    try:
        record = release_record(folder)
    except IntegrityError:
        return [f"{RECORD} is damaged"]
    wanted_files = (RECORD, METRICS, SPEC, REQUIREMENTS, *((GOLDEN,) if release.golden else ()))
    missing = [name for name in wanted_files if not (folder / name).is_file()]
    if missing:
        return [f"{', '.join(missing)} is missing"]
    wanted = {"candidate_id": release.candidate.candidate_id, "sha256": release.candidate.model}
    other = [key for key, value in wanted.items() if record.get(key) != value]
    if other:
        return [f"{RECORD} names another {', '.join(other)}"]
    damage = _damage(folder / MODEL, release.candidate)
    changed = [name for name, as_released in _contents(release).items() if not _agrees(folder / name, as_released)]
    said = [f"{', '.join(changed)} is not as it was released"] if changed else []
    return [*([damage] if damage else []), *said]


def _contents(release: Release) -> dict[str, Callable[[bytes], bool]]:
    """Return for each file beside the model whether its content is what the ledger and the store have.

    An older mlsys wrote fewer fields of a record, so that records are compared, and only keys that are there. What must
    be installed is no part of the ledger: the packages of today say nothing about those of then.
    """
    import yaml

    record, evaluation = json.loads(canonical_json(_record(release))), _evaluation(release)

    def is_record(data: bytes) -> bool:
        said = json.loads(data)
        known = Candidate.model_validate(said.get("candidate", record["candidate"]))
        as_fitted = known.model_copy(update={name: getattr(release.candidate, name) for name in MEASURED})
        return as_fitted == release.candidate and all(
            said.get(key, value) == value for key, value in record.items() if key != "candidate"
        )

    def is_evaluation(data: bytes) -> bool:
        said = json.loads(data)
        return (None if said is None else Evaluation.model_validate(said)) == evaluation

    def is_spec(data: bytes) -> bool:
        with suppress(yaml.YAMLError):
            return bool(yaml.safe_load(data) == json.loads(canonical_json(_spec(release))))
        return False

    found: dict[str, Callable[[bytes], bool]] = {
        RECORD: is_record,
        METRICS: is_evaluation,
        SPEC: is_spec,
    }
    if release.golden is not None:
        found[GOLDEN] = lambda data: hashlib.sha256(data).hexdigest() == release.golden
    return found


def _agrees(path: Path, as_released: Callable[[bytes], bool]) -> bool:
    try:
        return as_released(path.read_bytes())
    except (OSError, ValueError, TypeError, AttributeError):  # nothing that mlsys has written
        return False


def _damage(model: Path, candidate: Candidate) -> str | None:
    try:
        found = sha256_of(model)
    except OSError as error:
        return f"{model} can't be read: {error.strerror}"
    return None if found == candidate.model else f"{model} is not the model that was promoted"


def _holder(folder: Path, candidate_id: str) -> Path | None:
    return next((version for version in folder.glob("v*") if _candidate_in(version) == candidate_id), None)


def _candidate_in(folder: Path) -> str | None:
    """Return the candidate that a folder says it holds; None where it says nothing that can be read."""
    found = _said(folder).get("candidate_id")
    return found if isinstance(found, str) else None


def _said(folder: Path) -> dict[str, Any]:
    """Return what the record of a folder says; nothing where it can't be read."""
    with suppress(IntegrityError):
        return release_record(folder)
    return {}


def _name(release: Release) -> str:
    """Return the version, with a `+` and its file's digest where it is a new fit of one that was shown before."""
    return f"{release.version}+{str(release.candidate.model)[:8]}" if release.again else str(release.version)


def serving_folder(pipeline: str, home: Path) -> Path | None:
    """Return the folder of the version that the link names now, whether it is there or not; None without a link."""
    link = home / FOLDER / pipeline / LINK
    return link.parent / link.readlink().parent if link.is_symlink() else None


def folder_of(pipeline: str, candidate_id: str, home: Path) -> Path | None:
    """Return the folder of the version that holds a candidate, or None."""
    return _holder(home / FOLDER / pipeline, candidate_id)


def release_record(folder: Path) -> dict[str, Any]:
    """Return what `release.json` in the folder of a version says, or nothing where there is none.

    Raises:
        IntegrityError: it is no JSON.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise IntegrityError("A release record is damaged", where=str(folder / RECORD)) from error
    return record if isinstance(record, dict) else {}


def _folder(pipeline: str, place: Place) -> Path:
    return place.home / FOLDER / pipeline


def _golden(release: Release, place: Place) -> bytes | None:
    return None if release.golden is None else place.store.read_bytes(release.golden)


def _write(folder: Path, release: Release, model: bytes, golden: bytes | None, *, anchor: str | None = None) -> None:
    """Write the files of a version; `anchor` is the one that stood there before, which is never replaced."""
    record = _record(release)
    anchor = anchor or (release.anchor.text if release.anchor else None)
    record |= {"anchor": anchor} if anchor else {}
    spec, evaluation = _spec(release), _evaluation(release)
    write_release(folder, model=model, record=record, spec=spec, metrics=evaluation, golden=golden)


def _spec(release: Release) -> Mapping[str, Any]:
    found: Mapping[str, Any] = release.spec.get("spec", release.spec)
    return found


def _evaluation(release: Release) -> Evaluation | None:
    return {c.candidate_id: e for c, e in release.parts}.get(release.candidate.candidate_id)


def _record(release: Release) -> dict[str, Any]:
    """Return what the record of a version says, less the row of the ledger that it rests on."""
    return {
        "pipeline": release.plan.pipeline,
        "version": release.version,
        "candidate_id": release.candidate.candidate_id,
        "sha256": release.candidate.model,
        "run_id": release.plan.run_id,
        "training_key": release.plan.training_key,
        "decision_key": release.decision.decision_key,
        "outcome": release.decision.outcome,
        "sentence": release.decision.sentence,
        "cutoff": release.snapshot.cutoff.isoformat(),
        "last_day": release.plan.day.isoformat(),
        "snapshot": release.snapshot.fingerprint,
        "n_rows": release.snapshot.n_rows,
        "candidate": release.candidate.model_dump(mode="json"),
    }


def write_release(
    folder: Path,
    *,
    model: bytes,
    record: Mapping[str, Any],
    spec: Mapping[str, Any],
    metrics: Evaluation | None,
    golden: bytes | None = None,
) -> None:
    """Write the files of a version; `record` names the model's `sha256`, `spec` is a dumped one."""
    import yaml

    files = {
        MODEL: model,
        METRICS: _readable(metrics.model_dump(mode="json") if metrics else None),
        SPEC: yaml.safe_dump(dict(spec), sort_keys=False, allow_unicode=True).encode(),
        REQUIREMENTS: "".join(f"{line}\n" for line in pinned_requirements(model, spec)).encode(),
        RECORD: _readable(dict(record)),
    }
    if golden is not None:
        files[GOLDEN] = golden
    for name, data in files.items():
        write_atomically(folder / name, data, mode=0o444, begun_in=folder.parent)


def _readable(value: Any) -> bytes:
    return json.dumps(json.loads(canonical_json(value)), indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
