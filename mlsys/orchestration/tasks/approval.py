"""A person has the last word: a task that asks in Airflow's UI, waits without a worker, and hands on the answer.

While it waits it holds no slot and needs no triggerer. Nobody's answer in time is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseNotifier, Param

from mlsys.orchestration.tasks.workplace import Data

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


APPROVE, REJECT = "Approve", "Reject"
NOBODY = "nobody"


@dataclass(frozen=True)
class Question:
    """What a person is asked.

    Attributes:
        subject: one line.
        body: Markdown: what there is to know before answering.
        timeout: after this long without an answer the question counts as refused.
    """

    subject: str
    body: str
    timeout: timedelta


class AskPerson(HITLOperator):  # type: ignore[misc]
    """Asks a person for a yes when there is something to ask, and returns a `records.Answer`, or None at once.

    Args:
        question: returns what to ask, or None; gets `question_arguments`, which may be outputs of other tasks. A
            function of a module, since the worker that asks is not the one that read the DAG.
        told: told in the moment the question can be answered.
    """

    template_fields: Sequence[str] = ("subject", "body", "question_arguments")

    def __init__(
        self,
        *,
        question: Callable[..., Question | None],
        question_arguments: Mapping[str, Any],
        told: BaseNotifier | None = None,
        **settings: Any,
    ) -> None:
        reason = Param(None, type=["null", "string"], maxLength=500, title="Reason", description="Kept in the ledger.")
        # Airflow fills in the DAG's own parameters and time limit, neither of which is meant for the person's answer.
        settings |= {"params": {"reason": reason}, "execution_timeout": None}
        super().__init__(
            subject="A person has the last word",
            options=[APPROVE, REJECT],
            defaults=REJECT,
            notifiers=told,
            **settings,
        )
        self.question = question
        self.question_arguments = dict(question_arguments)

    def execute(self, context: Context) -> None:
        """Ask and wait, or return at once when there is nothing to ask."""
        asked = self.question(**self.question_arguments)
        if asked is None:
            self.log.info("no_person_is_asked")
            return
        self.subject, self.body, self.response_timeout = asked.subject, asked.body, asked.timeout
        self.params["reason"] = None  # the run's own parameter of that name is not the person's reason
        super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Data:
        """Return the answer as a record; Airflow calls it when there is one, or when nobody gave one in time."""
        from mlsys.records import Answer

        said = super().execute_complete(context, event)
        user = event.get("responded_by_user")
        refused = "timed_out" if event.get("timedout") else "refused"
        answer = Answer(
            answer="approved" if said["chosen_options"] == [APPROVE] else refused,
            who=str(user["name"] or user["id"]) if user else NOBODY,
            reason=(said["params_input"].get("reason") or "").strip() or None,
        )
        self.log.info("answered answer=%s who=%s reason=%r", answer.answer, answer.who, answer.reason)
        return answer.dump()
