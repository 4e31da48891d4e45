from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.records import MetricValue
from mlsys.registries import mlflow_content as content
from mlsys.registries.base import Place
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.store import Store
from mlsys.testing.registries import PIPELINE, make_release

REGISTRY = MlflowRegistry()
AWKWARD = ["lr C=0.5", "rf 100%", "it's", "a/b", "a:b", 'say "x"', 'it\'s "x"', "ä" * 300, " ", "a\x00b", "☃\ud800"]


def renamed(release, name: str, **changes: object):
    """The release as if its candidate had had that name, and the spec those values."""
    first = release.candidate.model_copy(update={"name": name, "candidate_id": f"000000000001-{name}"})
    parts = ((first, release.parts[0][1]), *release.parts[1:])
    return replace(release, candidate=first, parts=parts, spec={"spec": {**release.spec["spec"], **changes}})


@pytest.mark.slow
@pytest.mark.parametrize("name", AWKWARD[:-2])
def test_no_name_of_a_candidate_is_refused(place: Place, name: str) -> None:
    release = renamed(make_release(place.store, version="1.0.0"), name, description="d" * 120_000)
    shown = REGISTRY.publish(release, place)
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    assert REGISTRY.pointed(PIPELINE, place) == release.candidate.candidate_id
    assert REGISTRY.publish(release, place) == shown


@pytest.fixture(scope="module")
def release_of_all(tmp_path_factory: pytest.TempPathFactory):
    return make_release(Store(tmp_path_factory.mktemp("texts")), version="1.0.0")


def test_versions_and_runs_tell_the_last_day_included_and_the_version_of_the_ledger(release_of_all) -> None:
    release = release_of_all
    last_day = str(release.plan.day)
    assert content.version_tags(release)["mlsys.day"] == content.run_tags(release)["mlsys.day"] == last_day
    assert content.version_tags(release)["mlsys.version"] == "1.0.0"


@pytest.mark.slow
@given(
    name=st.text(min_size=1) | st.sampled_from(AWKWARD),
    text=st.text() | st.integers(4_000, 120_000).map("x".__mul__),
    column=st.text(min_size=1),
)
def test_what_mlflow_is_told_keeps_its_limits(release_of_all, name: str, text: str, column: str) -> None:
    from mlflow.utils import validation

    release = renamed(release_of_all, name, description=text)
    candidate = release.candidate.model_copy(update={"reason": text, "params": {"p": text}})
    decision = release.decision.model_copy(update={"sentence": text})
    release = replace(release, decision=decision, columns={column: "text"}, candidate=candidate)
    told = [content.run_tags(release), content.candidate_tags(release, candidate, "p"), content.version_tags(release)]
    for key, value in [item for tags in told for item in tags.items()]:
        validation._validate_tag(key, value)
        assert len(value) <= 5000
    for key, value in content.experiment_tags(release).items():
        validation._validate_experiment_tag(key, value)
    for key, value in content.candidate_params(candidate).items():
        validation._validate_param(key, value)
    validation._validate_logged_model_name(content.safe_name(name))
    validation._validate_dataset(content.dataset_input(release).dataset)
    metric = MetricValue(name=name, value=0.5, n=3)
    evaluation = release.parts[1][1].model_copy(update={"holdout": (metric,)})
    for found in content.candidate_metrics(candidate, evaluation, release):
        validation._validate_metric(found.key, found.value, found.timestamp, found.step)
        assert len(found.key) <= 250
    for text in (content.description(release), content.verdict(release), content.run_name(release)):
        assert len(text) <= 5000
        text.encode()
        assert "\0" not in text


def test_nothing_is_tagged_a_success_that_is_none(store: Store) -> None:
    release = make_release(store)
    passed = replace(release, decision=release.decision.model_copy(update={"outcome": "promote", "reason": "x"}))
    released, other = (part for part, _ in passed.parts)
    assert content.version_tags(passed)["mlsys.outcome"] == "waiting"
    dry = replace(passed, plan=passed.plan.model_copy(update={"mode": "dry"}))
    assert content.version_tags(dry)["mlsys.outcome"] == "dry"
    assert content.run_name(dry).endswith(" dry")
    serving = replace(passed, version="1.0.0", promoted=("promote", "gates"))
    assert content.version_tags(serving)["mlsys.outcome"] == "promote"
    assert content.candidate_tags(serving, released, "parent")["mlsys.outcome"] == "promote"
    assert content.candidate_tags(serving, other, "parent")["mlsys.outcome"] == "not_chosen"
    failed = other.model_copy(update={"status": "failed"})
    assert content.candidate_tags(serving, failed, "parent")["mlsys.outcome"] == "failed"


def test_a_persons_override_is_tagged_as_one(store: Store) -> None:
    end = datetime(2026, 5, 20, tzinfo=UTC)
    release = replace(make_release(store), version="1.0.1", promoted=("manual", "ann"), expires=end)
    tags = content.version_tags(release)
    assert (tags["mlsys.outcome"], tags["mlsys.promotion"]) == ("reject", "manual")
    assert (tags["mlsys.promoted_by"], tags["mlsys.expires"]) == ("ann", end.isoformat())
