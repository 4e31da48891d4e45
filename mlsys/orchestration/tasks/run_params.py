"""What whoever starts a run may say: the form in Airflow's UI, and how a task reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from mlsys.errors import UsageError, near_match
from mlsys.spec import Spec

if TYPE_CHECKING:
    from mlsys.planning.plan import RunRequest

NAMES = ("day", "candidates", "tuning", "mode", "approval", "accept_loss", "reason")
_BY_SPEC = "as the spec says"
_TUNING = {_BY_SPEC: (), "on": ("tuning.enabled=true",), "off": ("tuning.enabled=false",)}


def run_params(spec: Spec) -> dict[str, Param]:
    """Return the parameters of a retraining; Airflow refuses a value that does not fit, with 400 over REST."""
    return {
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description="Last UTC day of data to include, YYYY-MM-DD. Empty: the partition key (under Advanced "
            "Options), or else the newest complete day. Leave it empty in a backfill, which sets its own days.",
        ),
        "candidates": _candidates(spec),
        "tuning": Param(
            _BY_SPEC,
            type="string",
            enum=[_BY_SPEC, "on", "off"],
            title="Tuning",
            description="Search for hyperparameters before fitting. As the spec says: "
            + (f"{spec.tuning.trials} trials per candidate." if spec.tuning.enabled else "off."),
        ),
        "mode": Param(
            "auto",
            type="string",
            enum=["auto", "live", "dry", "simulate", "train"],
            title="Mode",
            description_md="**auto** is *simulate* in a backfill and *live* everywhere else. **live** promotes when "
            "every gate passes, **dry** only decides, **simulate** looks at its day as if it were then, **train** "
            "registers the best model for the record. Only *live* can change the champion.",
        ),
        "approval": Param(
            False,
            type="boolean",
            title="Ask a person",
            description="Wait for a person's yes before promoting. Off: as the spec says"
            + (", which asks for one." if spec.approval.required else ", which asks for none."),
        ),
        "accept_loss": Param(
            False,
            type="boolean",
            title="Accept a loss",
            description="Go on although a change of the spec loses stored days that the source no longer has. Off: "
            "such a run is refused, and says how many days and rows it would lose.",
        ),
        "reason": Param(
            None,
            type=["null", "string"],
            maxLength=500,
            title="Reason",
            description="Why this run is asked for; kept in the ledger and shown on the report card.",
        ),
    }


def run_request(pipeline: str, context: Mapping[str, Any]) -> RunRequest:
    """Return what the run of a task's context asks for.

    Raises:
        UsageError: the run's configuration holds a name that is no parameter; Airflow lets it pass.
    """
    from mlsys.planning.plan import RunRequest

    dag_run, params = context["dag_run"], context["params"]
    refuse_unknown(dag_run.conf, NAMES)
    user = dag_run.triggering_user_name
    return RunRequest(
        pipeline,
        day=params.get("day"),
        partition_key=dag_run.partition_key,
        logical_date=dag_run.logical_date,
        run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        mode=params.get("mode") or "auto",
        overrides=_TUNING[params.get("tuning") or _BY_SPEC],
        candidates=tuple(params.get("candidates") or ()),
        approval=True if params.get("approval") else None,  # a run may ask for a person, never do without one
        accept_loss=bool(params.get("accept_loss")),
        reason=params.get("reason"),
        asked_by=f"airflow {dag_run.dag_id}" + (f", {user}" if user else ""),
        request_id=request_id(dag_run),
        pages=_pages(dag_run),
    )


def _pages(dag_run: Any) -> dict[str, str]:
    """Return what the card of a run links to: its page in Airflow, and MLflow's pages where a browser finds them."""
    from mlsys.orchestration.page import addresses
    from mlsys.orchestration.stack.environment import mlflow_page
    from mlsys.settings import load_settings

    mlflow = mlflow_page(load_settings())
    known = {"airflow": addresses.airflow_run(dag_run.dag_id, dag_run.run_id), "mlflow": mlflow or ""}
    return {name: address for name, address in known.items() if address and "@" not in address.partition("/dags/")[0]}


def request_id(dag_run: Any) -> str:
    """Return the id of the request that a run of Airflow is."""
    return f"{dag_run.dag_id}/{dag_run.run_id}"


def params_of(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of the run of a task's context.

    Raises:
        UsageError: the run's configuration holds a name that is none of them; Airflow lets that pass.
    """
    params: Mapping[str, Any] = context["params"]
    refuse_unknown(context["dag_run"].conf, tuple(params))
    return params


def refuse_unknown(conf: Mapping[str, Any] | None, known: tuple[str, ...]) -> None:
    """Refuse a run whose configuration holds a name that is no parameter.

    Raises:
        UsageError: names it, and the parameter that was probably meant.
    """
    for name in sorted(set(conf or ()) - set(known)):
        raise UsageError(
            f"The run's configuration holds `{name}`, which is no parameter. {near_match(name, known)}",
            where="conf",
        )


def _candidates(spec: Spec) -> Param:
    labels = [model.label for model in spec.models]
    return Param(
        None,
        type=["null", "array"],
        items={"type": "string", "enum": labels},
        uniqueItems=True,
        examples=labels,
        title="Candidates",
        description="Which of the spec's candidates to train. Empty: all of them.",
    )
