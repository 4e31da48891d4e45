"""The DAG that empties the outbox: what a server finds can't wait for the night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from airflow.sdk import DAG

from mlsys.durations import in_words
from mlsys.orchestration.dags.builders import default_args, named, sound_specs, step, tags
from mlsys.orchestration.tasks import notifying
from mlsys.settings import load_settings

_EVERY = timedelta(minutes=10)


def notices_dags() -> Iterator[DAG]:
    """Yield the DAG where a spec sends notices anywhere."""
    if any(spec.notify.channels for spec in sound_specs()):
        yield notices_dag()


def notices_dag() -> DAG:
    """Return the DAG that delivers notices."""
    with DAG(
        dag_id="notices",
        dag_display_name=named("deliver notices"),
        description="Deliver notices that wait in the outbox",
        doc_md=f"""### Notices
Every {in_words(_EVERY)}, and by hand.

#### What it does
Delivers what waits in the outbox, by the mail and the webhooks that specs name: what a server left there (a champion
that can't be served) and the monitors (one that was taken back), and what a receiver that was down did not take. A run
without anything to deliver is skipped; a receiver that is still down is tried again by the next one, for a week.
""",
        schedule=_EVERY,
        start_date=load_settings().schedule_start - timedelta(days=1),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("notices"),
        default_args=default_args(),
    ) as dag:
        step(notifying.deliver_notices)()
    return dag
