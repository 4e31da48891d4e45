from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlsys.orchestration.tasks.approval import APPROVE, REJECT, AskPerson, Question
from mlsys.records import Answer

ASKED = Question("Promote?", "**Everything** one must know", timedelta(hours=3))


def nothing_to_ask(**arguments: object) -> None:
    assert arguments == {"start": 1}


def asker(question: Any = nothing_to_ask, **settings: Any) -> AskPerson:
    return AskPerson(task_id="approve", question=question, question_arguments={"start": 1}, **settings)


def answered(option: str, *, reason: str | None = None, user: str | None = "ann", timedout: bool = False) -> Answer:
    event = {
        "chosen_options": [option],
        "params_input": {"reason": reason},
        "responded_at": datetime(2026, 5, 2, tzinfo=UTC),
        "responded_by_user": {"id": user, "name": user} if user else None,
        "timedout": timedout,
    }
    return Answer.load(asker().execute_complete({}, event))


def test_without_a_question_it_returns_at_once() -> None:
    assert asker().execute({}) is None


def test_nobodys_answer_is_a_refusal() -> None:
    task = asker()
    assert (task.options, task.defaults) == ([APPROVE, REJECT], [REJECT])
    assert answered(REJECT, user=None, timedout=True) == Answer(answer="timed_out", who="nobody")


def test_a_yes_and_a_no_carry_who_and_why() -> None:
    assert answered(APPROVE, reason="looks good") == Answer(answer="approved", who="ann", reason="looks good")
    assert answered(REJECT, reason="  ") == Answer(answer="refused", who="ann")


def test_the_question_waits_as_long_as_it_says_and_not_as_long_as_a_task_may_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.providers.standard.operators import hitl
    from airflow.sdk.exceptions import TaskAwaitingInput

    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: sent.append(detail))
    task = asker(lambda start: ASKED, execution_timeout=timedelta(minutes=1))

    class Instance:
        id = "1"

    with pytest.raises(TaskAwaitingInput) as waiting:
        task.execute({"task_instance": Instance()})
    assert task.execution_timeout is None
    assert waiting.value.timeout == timedelta(hours=3)
    assert (sent[0]["subject"], sent[0]["body"]) == ("Promote?", "**Everything** one must know")
    assert sent[0]["params"]["reason"]["value"] is None
