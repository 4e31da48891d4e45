"""Inside the envelope of the version that serves nobody is asked; outside of it a person has the last word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import SPEC, day, edit_spec

from mlsys import pipeline
from mlsys.orchestration.tasks.questions import promotion_question
from mlsys.planning.plan import RunRequest
from mlsys.promotion import envelope
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.records import Decided, Decision, ModelVersion
from mlsys.spec import Spec, load_spec
from mlsys.spec.governance import Envelope
from mlsys.upkeep.standing import standing
from mlsys.workspace import Workspace

KEYS = {"models.logistic.C": {"at_least": 0.1, "at_most": 10}, "split": {}}


def spec_of(folder: Path, **changes: Any) -> Spec:
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(SPEC), **changes}))
    return load_spec(path)


def changed(folder: Path, **changes: Any) -> list[str]:
    before = spec_of(folder)
    return list(envelope._changed(before, spec_of(folder, **changes), Envelope(may_change=KEYS)))


@pytest.mark.slow
def test_what_may_change_and_how_far(tmp_path: Path) -> None:
    prior = {"kind": "prior"}
    assert changed(tmp_path, split={"kind": "time", "validation_days": 3, "holdout_days": 3}) == []
    assert changed(tmp_path, models=[{"kind": "logistic", "C": 5}, prior]) == []
    assert changed(tmp_path, models=[prior, {"kind": "logistic"}]) == []  # candidates go by their names
    assert changed(tmp_path, models=[{"kind": "logistic"}]) == []  # who is left out can't win
    assert changed(tmp_path, description="Another text", tags=["new"]) == []
    (found,) = changed(tmp_path, models=[{"kind": "logistic", "C": 50}, prior])
    assert found == "`models.logistic.C` was 1.0 and is 50.0; allowed is 0.1 to 10"
    (found,) = changed(tmp_path, owner="somebody else")
    assert found == "`owner` was mlsys and is somebody else"
    assert changed(tmp_path, models=[{"kind": "logistic"}, prior, {"kind": "random_forest"}])
    assert "approved by a person" in changed(tmp_path, governance={"tier": "low"})[0]


@pytest.mark.parametrize(
    ("force", "told"),
    [
        (Envelope(floors={"roc_auc": 0.7}), []),
        (Envelope(floors={"roc_auc": 0.9}), ["its roc_auc is 0.8, at least 0.9 is allowed"]),
        (Envelope(floors={"log_loss": 0.3}), ["its log_loss is 0.4, at most 0.3 is allowed"]),
        (Envelope(floors={"f1": 0.3}), ["its f1 could not be measured"]),
        (Envelope(max_change_of_positives=0.5), []),
        (Envelope(max_change_of_positives=0.1), ["it says positive of 50.0\u00a0% of the holdout rows"]),
    ],
)
def test_what_of_its_measurements_lies_outside(force: Envelope, told: list[str]) -> None:
    values = [{"name": "roc_auc", "value": 0.8, "n": 9}, {"name": "log_loss", "value": 0.4, "n": 9}]
    details = {
        "evaluations": [{"model_id": "new", "name": "new", "role": "candidate", "holdout": values}],
        "confusion": {"new": {"tp": 3, "fp": 2, "fn": 2, "tn": 3}, "old": {"tp": 1, "fp": 0, "fn": 4, "tn": 5}},
    }
    facts = {"decision_key": "k", "run_id": "r", "outcome": "promote", "reason": "x", "sentence": "s", "gates": ()}
    found = list(envelope._measured(force, Decision(**facts, challenger="new", champion="old"), details))
    assert [text[: len(wanted)] for text, wanted in zip(found, told, strict=True)] == told
    unknown = list(envelope._measured(Envelope(max_change_of_positives=0.5), Decision(
        **facts, challenger="new", champion="older"
    ), details))  # fmt: skip
    assert unknown == ["the share of positive answers could not be compared with the champion's"]


def told(work: Workspace) -> str:
    spec = load_spec(work.settings.spec_path("shop"))
    return envelope.spec_outside(work, spec) or ""


def judged(work: Workspace, **asked: Any) -> ModelVersion:
    finished = pipeline.run(work, RunRequest("shop", **asked))
    assert finished.version is not None
    return finished.version


@pytest.mark.slow
def test_an_envelope_is_approved_by_a_person_and_holds_from_then_on(work: Workspace) -> None:
    before = work.ledger.decisions("shop")[0]
    assert "envelope" not in before.dump()
    gates = [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.1}]  # whatever is fitted passes
    wanted = {"envelope": {"may_change": {"training.seed": {"at_most": 50}}}}
    edit_spec(work.home / "pipelines", gates=gates, governance=wanted)
    assert "nobody has approved the envelope" in told(work)
    waits = judged(work, day=day(11))
    assert not waits.changed
    assert waits.decision.needs_person
    assert "no version that served has been approved with this envelope" in waits.sentence
    assert standing(work, "shop").state == "waits"
    run_id = waits.decision.run_id
    promote_by_hand(work, "shop", run_id, candidate=None, reason="the committee has approved it")
    assert standing(work, "shop").state != "waits"

    assert told(work) == ""
    serves = judged(work, day=day(12))
    assert serves.changed
    assert serves.decision.envelope is not None
    assert serves.decision.envelope.inside
    assert serves.sentence.endswith("inside the envelope of version 1.1.0")
    assert judged(work, day=day(12), overrides=("training.seed=43",)).changed
    outside = judged(work, day=day(12), overrides=("training.seed=51",))
    assert not outside.changed
    assert "`training.seed` was 43 and is 51; allowed is at most 50" in outside.sentence
    edit_spec(work.home / "pipelines", owner="somebody else")
    assert "outside the envelope of version 1.2.0, `owner` was mlsys and is somebody else" in told(work)
    html = (work.home / "reports" / "shop" / f"{outside.decision.run_id}.html").read_text()
    assert "so that a person has the last word" in html


@pytest.mark.slow
def test_airflow_asks_the_person(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    edit_spec(work.home / "pipelines", governance={"envelope": {}})
    finished = pipeline.run(work, RunRequest("shop", day=day(12)))
    assert finished.version is not None
    assert finished.evaluations is not None
    plan, snapshot = finished.start.plan, finished.start.snapshot
    assert plan is not None
    assert snapshot is not None
    prepared = pipeline.split(work, plan, snapshot, finished.parts["checks"])  # type: ignore[arg-type]
    decision = finished.version.decision.model_copy(update={"outcome": "promote"})
    decided = Decided(prepared=prepared, evaluations=finished.evaluations, decision=decision)
    asked = promotion_question(decided.dump())
    assert asked is not None
    assert "It lies outside any approved envelope" in asked.body
    inside = decision.envelope.model_copy(update={"inside": True}) if decision.envelope else None
    calm = decided.model_copy(update={"decision": decision.model_copy(update={"envelope": inside})})
    assert promotion_question(calm.dump()) is None
