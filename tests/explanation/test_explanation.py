"""A whole run that ends with an explanation of its challenger: kept, found again, made again, and never in the way."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from given.page_reader import Page
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline
from mlsys.errors import TransientError
from mlsys.explanation import explanation
from mlsys.explanation.asked import Asked
from mlsys.explanation.explanation import explain
from mlsys.planning.plan import RunRequest
from mlsys.promotion.projection import project, show_explanation
from mlsys.registries.files import FileRegistry
from mlsys.report import explained
from mlsys.report.run_records import write_card
from mlsys.spec import Spec
from mlsys.targets.binary import BinaryTarget
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


def kept(work: Workspace, run_id: str) -> Path:
    return work.home / explained.path(work.ledger.plan(run_id))


def on_card(work: Workspace, run_id: str) -> str:
    return Page((work.home / write_card(work, run_id).path).read_text()).text


@pytest.fixture
def forgotten(work: Workspace, run_id: str) -> Any:
    """The explanation is gone during the test, and back afterwards."""
    path = kept(work, run_id)
    data = path.read_bytes()
    path.unlink()
    yield data
    path.write_bytes(data)


def test_a_run_ends_with_an_explanation_on_its_card(work: Workspace, run_id: str) -> None:
    text = on_card(work, run_id)
    assert "Why it answers so" in text
    assert "ROC AUC lost when one column is shuffled among 200 holdout rows" in text
    assert "The 10 most wrong answers" in text
    assert "The 10 most certain answers" in text
    assert "left out" not in text.partition("Why it answers so")[2].partition("What was read")[0]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (["logistic", {"kind": "xgboost", "n_estimators": 5}], "its member 'logistic' adds up log odds"),
        ([{"kind": "random_forest", "n_estimators": 5}, {"kind": "extra_trees", "n_estimators": 5}], None),
    ],
    ids=["log odds", "probabilities"],
)
def test_a_run_whose_challenger_is_a_blend_explains_it_or_says_why_not(
    home: Path, monkeypatch: pytest.MonkeyPatch, members: list[Any], said: str | None
) -> None:
    make_shop(home, home / "pipelines", days=11)
    blend = {"kind": "blend", "of": members}
    edit_spec(home / "pipelines", registries=["files"], explanations={"rows": 200, "top": 1}, models=[blend])
    enter(home, monkeypatch)
    with open_workspace() as own:
        finished = pipeline.run(own, RunRequest("shop", day=day(10)))
        found = json.loads(kept(own, str(finished.start.run_id)).read_bytes())
        text = on_card(own, str(finished.start.run_id))
    assert found["importance"]["columns"]
    if said is None:
        assert found["shares"]["scale"] == "probability"
    else:
        assert said in found["shares"]["left_out"]
        assert said in text


def test_it_finds_what_the_shop_was_made_of(work: Workspace, run_id: str) -> None:
    found = json.loads(kept(work, run_id).read_bytes())
    by_importance = [name for name, *_ in found["importance"]["columns"]]
    by_shares = [name for name, *_ in found["shares"]["columns"]]
    assert {*by_importance[:3]} == {"basket_value", "n_items", "channel"} == {*by_shares[:3]}
    assert "gift" in (by_importance[-1], by_shares[-1])  # a coin


def test_made_again_it_has_the_same_bytes(work: Workspace, run_id: str, forgotten: bytes) -> None:
    assert explain(work, run_id)
    assert kept(work, run_id).read_bytes() == forgotten


def test_it_is_made_once(work: Workspace, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation, "_asked", None)
    assert explain(work, run_id)


def test_one_that_is_torn_is_made_again_and_breaks_no_card(work: Workspace, run_id: str, forgotten: bytes) -> None:
    kept(work, run_id).write_bytes(forgotten[:1000])
    assert "Why it answers so" not in on_card(work, run_id)
    assert explain(work, run_id)
    assert kept(work, run_id).read_bytes() == forgotten


def test_killed_before_it_was_kept_it_is_made_again_whole(work: Workspace, run_id: str, forgotten: bytes) -> None:
    pid = os.fork()
    if pid == 0:
        explanation.write_if_other = lambda *_: os.kill(os.getpid(), 9)  # type: ignore[assignment]
        try:
            explain(work, run_id)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == 9
    assert "Why it answers so" not in on_card(work, run_id)
    assert explain(work, run_id)
    assert kept(work, run_id).read_bytes() == forgotten


def test_one_of_another_format_counts_as_none(work: Workspace, run_id: str, forgotten: bytes) -> None:
    kept(work, run_id).write_text(json.dumps({**json.loads(forgotten), "format": 2, "shares": {}}))
    assert "Why it answers so" not in on_card(work, run_id)


def test_a_registry_that_does_not_take_it_fails_nothing(
    work: Workspace, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[Any] = []

    def refuses(self: FileRegistry, *given: Any) -> None:
        asked_for.append(given)
        raise TransientError("It does not answer")

    monkeypatch.setattr(FileRegistry, "attach", refuses)
    show_explanation(work, run_id)
    project(work, "shop", force=True)
    ((_, candidate, files, _), _) = asked_for
    assert candidate == work.ledger.champion("shop").candidate_id  # type: ignore[union-attr]
    assert set(files) == {"explanation.html", "explanation.json"}
    assert b"The 10 most wrong answers" in files["explanation.html"]


def test_one_of_another_model_is_not_shown(work: Workspace, run_id: str, forgotten: bytes) -> None:
    other = json.loads(forgotten)
    other["of"]["model"] = "0" * 16
    kept(work, run_id).write_text(json.dumps(other))
    assert "Why it answers so" not in on_card(work, run_id)


def killed(asked: Asked) -> dict[str, Any]:
    os.kill(os.getpid(), 9)
    return {}


def slow(asked: Asked) -> dict[str, Any]:
    time.sleep(60)
    return {}


def odd(asked: Asked) -> dict[str, Any]:
    raise KeyError("no such feature")


@pytest.mark.parametrize(
    ("part", "reason"),
    [(killed, "signal 9"), (slow, "timeout after 1 s"), (odd, "KeyError: 'no such feature'")],
)
@pytest.mark.usefixtures("forgotten")
def test_a_part_that_fails_is_left_out_with_its_reason(
    work: Workspace,
    run_id: str,
    monkeypatch: pytest.MonkeyPatch,
    part: Callable[[Asked], dict[str, Any]],
    reason: str,
) -> None:
    monkeypatch.setattr(explanation, "PARTS", {**explanation.PARTS, "shares": part})
    edited(work, monkeypatch, seconds=1 if part is slow else 30)
    assert explain(work, run_id)
    text = on_card(work, run_id)
    assert "SHAP left out: " in text
    assert reason in text
    assert "ROC AUC lost when" in text


def edited(work: Workspace, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let the stored spec have other settings of explanations."""
    known = Workspace.spec_of

    def spec_of(self: Workspace, plan: Any) -> Spec:
        spec = known(self, plan)
        return spec.model_copy(update={"explanations": spec.explanations.model_copy(update=changes)})

    monkeypatch.setattr(Workspace, "spec_of", spec_of)


def test_a_failure_that_nobody_foresaw_fails_no_run(
    work: Workspace, run_id: str, forgotten: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(explanation, "_parts", full)
    assert not explain(work, run_id)
    assert "Why it answers so" not in on_card(work, run_id)


def test_a_task_that_can_not_be_explained_says_why(
    work: Workspace, run_id: str, forgotten: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BinaryTarget, "unexplained", "A coin has no reasons")
    assert explain(work, run_id)
    assert on_card(work, run_id).count("left out: A coin has no reasons") == 3


def test_single_rows_are_kept_off_the_card_where_the_spec_says_so(
    work: Workspace, run_id: str, forgotten: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(work, monkeypatch, show_rows=False)
    assert explain(work, run_id)
    found = json.loads(kept(work, run_id).read_bytes())
    assert (found["shares"]["wrong"], found["shares"]["certain"]) == ([], [])
    assert "most wrong" not in on_card(work, run_id)


def test_switched_off_nothing_is_made(
    work: Workspace, run_id: str, forgotten: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(work, monkeypatch, enabled=False)
    assert not explain(work, run_id)
    assert not kept(work, run_id).exists()


def test_with_several_threads_it_is_made_in_this_process(
    work: Workspace, run_id: str, forgotten: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Workspace.spec_of

    def spec_of(self: Workspace, plan: Any) -> Spec:
        spec = known(self, plan)
        return spec.model_copy(update={"training": spec.training.model_copy(update={"threads": 2})})

    monkeypatch.setattr(Workspace, "spec_of", spec_of)
    monkeypatch.setattr(explanation, "side_by_side", None)
    assert explain(work, run_id)
    assert json.loads(kept(work, run_id).read_bytes()) == json.loads(forgotten)


def test_no_file_of_the_store_is_named_which_housekeeping_would_then_keep(work: Workspace, run_id: str) -> None:
    text = kept(work, run_id).read_text()
    digests = [path.parent.name + path.name for path in work.store.root.glob("??/*")]
    assert not [digest for digest in digests if digest in text]
