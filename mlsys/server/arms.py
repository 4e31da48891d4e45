"""Who else is in a server's memory: models that are tried beside a champion, and which of them answers a request.

As with champions, the ledger says who is tried, and every server follows it. A model that can't be loaded, or answers
its golden rows otherwise than then, is not tried, and one that keeps failing is asked no more: nobody is answered any
worse for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, LiveTrial
from mlsys.live.rules import LiveRules, changed_at, rules_of
from mlsys.live.running import running
from mlsys.server.answered import CHAMPION
from mlsys.server.choosing import Incoming
from mlsys.server.failing_arms import ArmFailures, FailingArms
from mlsys.server.served import ServedModel, load_tried
from mlsys.workspace import Workspace

log = get_logger(__name__)

CLIENT_KEY = "x-mlsys-key"  # header by which a client names whom a whole request is about
_BUCKETS = 10_000
_APART = "\x1f"

TrialState = Literal["asked", "stopped", "not loaded"]


@dataclass(frozen=True)
class Arm:
    """A model that is tried, and how."""

    trial: LiveTrial
    model: ServedModel


@dataclass(frozen=True)
class _Tried:
    """What a server knows of a pipeline beside its champion.

    Attributes:
        read: when the spec file was written that the rules are of, and for which champion.
        broken: trials whose models can't be loaded, by candidate, and why: another trial is another attempt.
    """

    rules: LiveRules
    read: tuple[int, str]
    arms: tuple[Arm, ...] = ()
    broken: Mapping[str, tuple[LiveTrial, str]] = field(default_factory=dict)

    @property
    def answering(self) -> Arm | None:
        return next((arm for arm in self.arms if arm.trial.role == "ab"), None)


class Arms:
    """The models that are tried, by pipeline.

    Args:
        work: gives the opened installation, or None while its database is away from the start.
    """

    def __init__(self, work: Callable[[], Workspace | None]) -> None:
        self._work = work
        self._tried: Mapping[str, _Tried] = {}
        self.failing = FailingArms()

    def rules(self, pipeline: str) -> LiveRules | None:
        """Return what is kept of a pipeline's answers; None before the first look at the ledger."""
        found = self._tried.get(pipeline)
        return None if found is None else found.rules

    def shadows(self, pipeline: str) -> tuple[Arm, ...]:
        """Return the models that score silently."""
        silent = (arm for arm in self.tried(pipeline) if arm.trial.role == "shadow")
        return tuple(arm for arm in silent if not self.failing.of(arm.trial).stopped)

    def tried(self, pipeline: str) -> tuple[Arm, ...]:
        """Return all models that are tried."""
        found = self._tried.get(pipeline)
        return () if found is None else found.arms

    @property
    def trials(self) -> list[LiveTrial]:
        """The trials of all pipelines whose models are loaded."""
        return [arm.trial for _, found in sorted(self._tried.items()) for arm in found.arms]

    def choose(self, asked: Incoming) -> tuple[str, ServedModel]:
        """Return who answers a request, by name, and the model.

        It goes by the key of its rows, or by the key that the client gave for the whole of it: the same key is
        answered by the same model for as long as the trial lasts, on every server, and goes on being when the share
        grows. Without a key, and where the keys of its rows disagree, the champion answers.
        """
        found = self._tried.get(asked.pipeline)
        arm = found.answering if found is not None else None
        if found is None or arm is None or arm.trial.candidate_id == asked.champion.champion.candidate_id:
            return CHAMPION, asked.champion
        if self.failing.of(arm.trial).stopped:
            return CHAMPION, asked.champion
        client = asked.headers.get(CLIENT_KEY)
        keys = [client] if client else [_key_of(row, found.rules.key) for row in asked.given]
        if all(key is not None and is_chosen(arm.trial, key) for key in keys):
            return arm.trial.candidate_id, arm.model
        return CHAMPION, asked.champion

    def note(self, pipeline: str, candidate_id: str, error: Exception | None) -> None:
        """Note that a model that is tried has answered, or what it raised."""
        for arm in self.tried(pipeline):
            if arm.trial.candidate_id == candidate_id and error is None:
                self.failing.answered(arm.trial)
            elif arm.trial.candidate_id == candidate_id and error is not None:
                self.failing.failed(arm.trial, error)

    def standing(self, pipeline: str) -> list[dict[str, Any]]:
        """Return how each trial stands, for people and programs."""
        found = self._tried.get(pipeline)
        if found is None:
            return []
        loaded = [_standing(arm.trial, self.failing.of(arm.trial)) for arm in found.arms]
        return [*loaded, *(_told(trial, "not loaded", reason) for trial, reason in found.broken.values())]

    def refresh(self) -> None:
        """Look into the ledger once, and load what is tried now and is not loaded.

        Raises:
            TransientError, sqlalchemy.exc.SQLAlchemyError: the ledger can't be read; what is tried goes on.
        """
        work, found = self._work(), {}
        if work is None:
            return
        for pipeline in work.ledger.pipelines():
            champion = work.ledger.champion(pipeline)
            if champion is not None:
                found[pipeline] = _followed(work, champion, self._tried.get(pipeline))
        self._tried = found


def _followed(work: Workspace, champion: ChampionChange, before: _Tried | None) -> _Tried:
    read = (changed_at(work, champion.pipeline), champion.candidate_id)
    rules = before.rules if before is not None and before.read == read else _rules(work, champion, before)
    known = {arm.trial.candidate_id: arm for arm in before.arms} if before else {}
    was_broken = before.broken if before else {}
    arms: list[Arm] = []
    broken: dict[str, tuple[LiveTrial, str]] = {}
    for trial in running(work, champion, rules, now=clock.now()):
        name = trial.candidate_id
        if name in known:
            arms.append(Arm(trial, known[name].model))
        elif name in was_broken and was_broken[name][0].at == trial.at:
            broken[name] = was_broken[name]
        else:
            arms += _loaded(work, trial, broken)
    return _Tried(rules, read, tuple(arms), broken)


def _rules(work: Workspace, champion: ChampionChange, before: _Tried | None) -> LiveRules:
    """Return the rules of a pipeline's spec; those from before it was broken, where it is."""
    try:
        return rules_of(work, champion)
    except MlsysError as error:
        log.warning("rules_unknown", pipeline=champion.pipeline, reason=str(error))
        return before.rules if before is not None else LiveRules(key={}, kept=False)


def _loaded(work: Workspace, trial: LiveTrial, broken: dict[str, tuple[LiveTrial, str]]) -> list[Arm]:
    about = {"pipeline": trial.pipeline, "candidate": trial.candidate_id}
    try:
        model = load_tried(trial, work)
    except Exception as error:  # whatever a damaged file makes a library raise, the others are followed on
        broken[trial.candidate_id] = (trial, f"{type(error).__name__}: {error}")
        log.exception("not_tried", **about)
        return []
    log.info("tried", **about, role=trial.role, share=trial.share, answered_by=model.answered_by)
    return [Arm(trial, model)]


def _standing(trial: LiveTrial, failures: ArmFailures) -> dict[str, Any]:
    state: TrialState = "stopped" if failures.stopped else "asked"
    return _told(trial, state, failures.reason) | {"failures": failures.total}


def _told(trial: LiveTrial, state: TrialState, reason: str) -> dict[str, Any]:
    """Return a trial for people and programs; `reason` is the newest failure, None where there was none."""
    how = {"candidate": trial.candidate_id, "role": trial.role, "share": trial.share, "until": trial.until.isoformat()}
    return {**how, "state": state, "reason": reason or None}


def is_chosen(trial: LiveTrial, key: str) -> bool:
    """Return whether rows of a key are answered by a trial's model: of so many keys in a hundred, always the same."""
    text = _APART.join((trial.pipeline, trial.candidate_id, key))
    number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
    return number % _BUCKETS < trial.share * _BUCKETS // 100


def _key_of(row: Mapping[str, Any], key: Mapping[str, Any]) -> str | None:
    values = [row.get(name) for name in key]
    return None if any(value is None for value in values) else _APART.join(map(str, values))
