"""Whether a challenger lies inside what may change without a person.

The envelope in force is that of the version that serves: a spec can't widen its own. So a change of the envelope is
itself outside, and what a person then approves is the new envelope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mlsys.ledger import ChampionChange
from mlsys.metrics import METRICS
from mlsys.records import HISTORICAL, Candidate, Decision, EnvelopeFinding, Evaluation, EvaluationSet
from mlsys.report.formats import figure, share
from mlsys.spec import Spec, flatten
from mlsys.spec.governance import Allowed, Envelope
from mlsys.workspace import Workspace

# What changes neither a model nor a decision, nor who is asked.
_FREE = frozenset(
    {
        *("description", "tags", "schedule", "notify", "scoring", "monitors", "serving", "explanations", "registries"),
        "pipeline",
    }
)
_LONGEST = 80  # characters of a value that are told
_NAMED = 3  # findings that the sentence tells


def envelope_of(
    work: Workspace, spec: Spec, decision: Decision, evaluations: EvaluationSet, champion: ChampionChange | None
) -> EnvelopeFinding | None:
    """Return whether a decision's challenger lies inside the envelope in force; None where there is none.

    Raises:
        IntegrityError: the details of the evaluation, or the champion's spec, are missing or were changed.
    """
    plan = work.ledger.plan(decision.run_id)
    if decision.challenger is None or plan.mode in HISTORICAL:
        return None
    before = work.spec_of(work.ledger.plan(champion.run_id)) if champion else None
    mine, force = _envelope(spec), _envelope(before)
    if mine is None and force is None:
        return None
    version = champion.version if champion and force else None
    if force is None or before is None:
        outside = ["no version that served has been approved with this envelope"]
    else:
        details = work.store.read_json(evaluations.details)
        name = next((c.name for c in work.ledger.candidates(plan.training_key) if _is(c, decision.challenger)), "")
        outside = [*_changed(before, spec, force), *_winner(force, name), *_measured(force, decision, details)]
    return EnvelopeFinding(
        version=version, inside=not outside, outside=tuple(outside[:20]), sentence=_sentence(version, outside)
    )


def spec_outside(work: Workspace, spec: Spec) -> str | None:
    """Return in words that what a spec's next run promotes will wait for a person, and why; None where it will not.

    Raises:
        IntegrityError: the champion's spec is missing or was changed.
    """
    champion = work.ledger.champion(spec.pipeline)
    before = work.spec_of(work.ledger.plan(champion.run_id)) if champion else None
    force = _envelope(before)
    if before is None or force is None or champion is None:
        return (
            None if _envelope(spec) is None else "A promotion waits for a person: nobody has approved the envelope yet."
        )
    outside = list(_changed(before, spec, force))
    if not outside:
        return None
    more = f" (and {len(outside) - _NAMED} more)" if len(outside) > _NAMED else ""
    told = "; ".join(outside[:_NAMED])
    return f"A promotion waits for a person: outside the envelope of version {champion.version}, {told}{more}."


def _is(candidate: Candidate, challenger: str) -> bool:
    return candidate.candidate_id == challenger


def _envelope(spec: Spec | None) -> Envelope | None:
    return spec.governance.envelope if spec is not None and spec.governance is not None else None


def _sentence(version: str | None, outside: list[str]) -> str:
    if not outside:
        return f"It lies inside the envelope of version {version}: no person has to be asked"
    more = f" (and {len(outside) - _NAMED} more)" if len(outside) > _NAMED else ""
    whose = f"the envelope of version {version}" if version else "any approved envelope"
    return f"It lies outside {whose}, so that a person has the last word: {'; '.join(outside[:_NAMED])}{more}"


def _changed(before: Spec, after: Spec, force: Envelope) -> Iterator[str]:
    """Yield in words the keys of the spec that changed further than the envelope allows."""
    old, new = _leaves(before), _leaves(after)
    gone = {name.label for name in before.models} - {name.label for name in after.models}
    for key in sorted({*old, *new}):
        left_out = key.startswith("models.") and key.split(".")[1] in gone
        if old.get(key, _ABSENT) == new.get(key, _ABSENT) or left_out:
            continue
        told = f"`{key}` was {_said(old, key)} and is {_said(new, key)}"
        if key.startswith("governance."):
            yield f"{told}: governance itself is approved by a person"
            continue
        allowed = _allowed(force.may_change, key)
        if allowed is None:
            yield told
        elif key in new and (refusal := allowed.refusal(new[key])):
            yield f"{told}; allowed is {refusal}"


_ABSENT = object()


def _leaves(spec: Spec) -> dict[str, Any]:
    """Return the values that count by their key path; candidates go by their names."""
    dumped = {key: value for key, value in spec.dump().items() if key not in _FREE}
    dumped["models"] = {model.label: told for model, told in zip(spec.models, dumped["models"], strict=True)}
    return flatten(dumped)


def _said(leaves: Mapping[str, Any], key: str) -> str:
    text = str(leaves[key]) if key in leaves else "not given"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _allowed(keys: Mapping[str, Allowed], key: str) -> Allowed | None:
    """Return what the envelope says of a key, or of a block above it."""
    parts = key.split(".")
    for pattern, allowed in keys.items():
        wanted = pattern.split(".")
        if len(wanted) <= len(parts) and all(map(fnmatchcase, parts, wanted)):
            return allowed
    return None


def _winner(force: Envelope, name: str) -> Iterator[str]:
    if force.may_win and name not in force.may_win:
        yield f"'{name}' won, and only {', '.join(force.may_win)} may"


def _measured(force: Envelope, decision: Decision, details: Mapping[str, Any]) -> Iterator[str]:
    """Yield in words what of the challenger's measurements lies outside."""
    scored = [Evaluation.load(one) for one in details["evaluations"] if one["model_id"] == decision.challenger]
    for metric, floor in force.floors.items():
        found = scored[0].on_holdout(metric) if scored else None
        value = found.value if found else None
        higher = METRICS.find(metric).direction == "higher"
        if value is None:
            yield f"its {metric} could not be measured"
        elif value < floor if higher else value > floor:
            yield f"its {metric} is {figure(value)}, {'at least' if higher else 'at most'} {figure(floor)} is allowed"
    most = force.max_change_of_positives
    shares = [_positives(details, model) for model in (decision.challenger, decision.champion)]
    if most is None or decision.champion is None:
        return
    if shares[0] is None or shares[1] is None:
        yield "the share of positive answers could not be compared with the champion's"
    elif abs(shares[0] - shares[1]) > most:
        yield (
            f"it says positive of {share(shares[0])} of the holdout rows, the champion of {share(shares[1])}; "
            f"a change of {share(most)} is allowed"
        )


def _positives(details: Mapping[str, Any], model: str | None) -> float | None:
    counts = details.get("confusion", {}).get(model)
    n_rows = sum(counts.values()) if counts else 0
    return (counts["tp"] + counts["fp"]) / n_rows if counts and n_rows else None
