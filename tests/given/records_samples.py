"""Realistic records of one run, for tests of what reads records: reports, pages, command lines.

The run retrains `phishing` for 2026-03-08. Five candidates meet a champion; a *story* is how it ends.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

from given.scores_samples import CHAMPION, N_NEGATIVE, N_POSITIVE, SKILL, TRAINING_KEY, candidate_id, evaluations
from given.spec_samples import PARAMS, environment, spec_dump

from mlsys.records import (
    Arrivals,
    BadRows,
    Candidate,
    CheckReport,
    CheckResult,
    Decision,
    GateResult,
    ModelVersion,
    Outcome,
    Plan,
    Prepared,
    Snapshot,
    Split,
    SplitCounts,
)
from mlsys.report.card import Card
from mlsys.store import Store

DAY = date(2026, 3, 8)
CUTOFF = datetime(2026, 3, 9, tzinfo=UTC)
Story = Literal["promote", "reject", "inconclusive", "historical", "error", "first"]
FailedStep = Literal["validate", "train", "evaluate", "promote"]


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def card(store: Store, story: Story = "promote") -> Card:
    """Return the whole run of a story; the evaluation's details lie in `store`."""
    failed = ("random_forest",) if story == "historical" else ()
    scored = {
        "first": evaluations(store, champion_state="none"),
        "reject": evaluations(store, best="logistic"),
        "inconclusive": evaluations(store, champion_state="not_comparable"),
        "error": evaluations(store, champion_state="error", best=None),
    }
    return Card(
        plan=plan(story),
        snapshot=snapshot(),
        checks=check_report(),
        split=split(),
        candidates=candidates(failed=failed),
        evaluations=scored.get(story) or evaluations(store, failed=failed),
        decision=decision(story),
        version=model_version(story),
        spec=spec_dump(),
        environment=environment(),
    )


def failed_card(step: FailedStep, store: Store) -> Card:
    """Return a run that failed at a step, with the records that had been made until then."""
    tried = {"validate": (), "train": candidates(failed=tuple(PARAMS))}
    judged = step == "promote"
    return Card(
        plan=plan(),
        snapshot=snapshot(),
        checks=refused_checks() if step == "validate" else check_report(),
        split=None if step == "validate" else split(),
        candidates=tried.get(step, candidates()),
        evaluations=evaluations(store) if judged else None,
        decision=decision("promote") if judged else None,
        version=None,
        spec=spec_dump(),
        environment=environment(),
        failure=_FAILURES[step],
        failed_step=step,
    )


_FAILURES: dict[FailedStep, str] = {
    "validate": "phishing, check `url_length not null`: The data of 2026-03-08 was refused: 31 of 178 rows have no "
    "value. Mend the data, or the rule in the spec.",
    "train": "training: No candidate could be fitted. Every fit ran into its time limit of 1h.",
    "evaluate": "store/5c/1f0e9a: The file of candidate xgboost is not what was recorded. Restore it from a backup.",
    "promote": f"phishing-2026-03-08-{TRAINING_KEY[:10]}: Other runs promoted first 3 times. Trigger the run again.",
}


def plan(story: Story = "promote") -> Plan:
    """Return the plan of the run; `historical` is a `train` run, `first` has no champion yet."""
    return Plan(
        pipeline="phishing",
        run_id="phishing-2026-03-08-5c1f0e9a7b34",
        request_id="r-000041",
        day=DAY,
        day_source="partition",
        cutoff=CUTOFF,
        mode="train" if story == "historical" else "live",
        reason="nightly",
        spec=_digest("spec"),
        spec_fingerprint=_digest("spec fingerprint"),
        training_key=TRAINING_KEY,
        seed=42,
        champion=None if story == "first" else CHAMPION,
        overrides=("models.3.n_estimators=600",),
    )


def snapshot() -> Snapshot:
    """Return 60 days of websites, the newest one read by this run."""
    return Snapshot(
        fingerprint=_digest("snapshot"),
        manifest=_digest("manifest"),
        cutoff=CUTOFF,
        n_rows=10_462,
        n_labelled=10_391,
        n_partitions=60,
        first_day=date(2026, 1, 8),
        last_day=DAY,
        newest_event=datetime(2026, 3, 8, 23, 52, 17, tzinfo=UTC),
        n_duplicate_keys=3,
    )


def arrivals() -> Arrivals:
    """Return what the run was the first to read: one day."""
    return Arrivals(n_partitions=1, n_rows=_N_CHECKED, days=(DAY,))


_N_CHECKED = 178


def check_report() -> CheckReport:
    """Return a report with a failed critical check within tolerance, a warning and passes."""
    results = (*_open_results(), *_passed_results())
    return CheckReport(
        state="pass",
        results=results,
        n_checks=len(results) - 1,
        n_own=1,
        n_rows=_N_CHECKED,
        n_partitions=1,
        n_quarantined=2,
        quarantined_share=2 / _N_CHECKED,
        bad=BadRows(n_bad=2, n_rows=_N_CHECKED, of="newest day"),
        tolerated_share=0.02,
        quarantine=_digest("quarantine"),
        details=_digest("check details"),
        data_docs="data_docs/phishing/index.html",
    )


def _open_results() -> tuple[CheckResult, ...]:
    outside = "2 of 178 rows lie outside 0 to 5,000."
    unknown = "1 of 178 rows has a value outside the set."
    young = "Too few days to know the usual number of rows."
    warning = {"severity": "warning", "state": "fail"}
    return (
        _result(
            "url_length between 0 and 5000", "between", outside, state="fail", n_failed=2, examples=("-3", "48210")
        ),
        _result("brand is one of 14 values", "one_of", unknown, **warning, n_failed=1, examples=("n0rdbank",)),
        _result(
            "rows per day between 50 and 1000",
            "row_count",
            young,
            **{**warning, "state": "inconclusive"},
            n_failed=None,
        ),
    )


def _passed_results() -> tuple[CheckResult, ...]:
    names = {
        "website_id unique": "unique",
        "website_id not null": "not_null",
        "url_length not null": "not_null",
        "label is one of legitimate, phishing": "one_of",
        "n_subdomains between 0 and 40": "between",
    }
    fresh = _result("newest event at most 3 days before the cutoff", "fresh", "8 minutes.", n_failed=None)
    return (*(_result(name, kind, "All rows keep it.") for name, kind in names.items()), fresh)


def _result(name: str, kind: str, sentence: str, **more: Any) -> CheckResult:
    known: dict[str, Any] = {"severity": "critical", "state": "pass", "n_rows": _N_CHECKED, "n_failed": 0}
    return CheckResult(name=name, kind=kind, sentence=sentence, **{**known, **more})


def refused_checks() -> CheckReport:
    """Return a report that refuses the data: a critical check failed on more rows than are tolerated."""
    report = check_report()
    cause = {
        "name": "url_length not null",
        "state": "fail",
        "n_failed": 31,
        "sentence": "31 of 178 rows have no value.",
    }
    worst = report.results[0].model_copy(update={**cause, "kind": "not_null", "examples": ()})
    others = tuple(result for result in report.results if result.name != worst.name)
    return report.model_copy(
        update={
            "state": "fail",
            "results": (worst, *others),
            "n_checks": len(others),
            "n_quarantined": 33,
            "quarantined_share": 33 / report.n_rows,
            "bad": BadRows(n_bad=33, n_rows=_N_CHECKED, of="newest day"),
        }
    )


def split() -> Split:
    """Return a time split: 48 days, 5 days, 7 days."""

    def counts(legitimate: int, phishing: int) -> SplitCounts:
        return SplitCounts(n_rows=legitimate + phishing, classes={"legitimate": legitimate, "phishing": phishing})

    return Split(
        kind="time",
        assignment=_digest("assignment"),
        training=counts(5_021, 3_242),
        validation=counts(532, 355),
        holdout=counts(N_NEGATIVE, N_POSITIVE),
        left_out={"no label": 71, "quarantined": 2},
        sentence="Training 2026-01-08 to 2026-02-24, validation to 2026-03-01, holdout 2026-03-02 to 2026-03-08.",
    )


def prepared(made: Plan | None = None, *, sides: Split | None = None) -> Prepared:
    """Return a run after its split."""
    parts = Prepared(plan=made or plan(), snapshot=snapshot(), checks=check_report(), split=split())
    return parts if sides is None else parts.model_copy(update={"split": sides})


def candidates(*, failed: tuple[str, ...] = ()) -> tuple[Candidate, ...]:
    """Return the five candidates, those in `failed` without a model."""
    return tuple(_candidate(name, name in failed, position) for position, name in enumerate(PARAMS))


def _candidate(name: str, failed: bool, position: int) -> Candidate:
    known: dict[str, Any] = {"candidate_id": candidate_id(name), "name": name, "kind": name, "params": PARAMS[name]}
    if failed:
        reason = "The fit ran into its time limit of 1h. Try fewer trees or `training.timeout`"
        return Candidate(**known, status="failed", reason=reason)
    return Candidate(
        **known,
        status="fitted",
        baseline=name == "prior",
        model=_digest(name),
        model_bytes=(41_300, 18_940_112, 1_214_000, 884_100, 3_912)[position],
        seed=42 + position,
        n_training_rows=8_263,
        n_features=27,
        fit_seconds=(0.31, 1.94, 0.88, 1.27, 0.04)[position],
        notes=("early stopping after 214 of 600 rounds",) if name == "xgboost" else (),
    )


def decision(story: Story) -> Decision:
    """Return the decision of a story, with all gates run."""
    outcome, reason, sentence, advice = _STORIES[story]
    champion = None if story == "first" else CHAMPION
    return Decision(
        decision_key=_digest(f"decision {story}"),
        run_id=plan(story).run_id,
        outcome=outcome,
        reason=reason,
        sentence=sentence,
        challenger=None if story == "error" else candidate_id("logistic" if story == "reject" else "xgboost"),
        champion=champion,
        gates=_gates(story),
        advice=advice,
    )


_STORIES: dict[Story, tuple[Outcome, str, str, str | None]] = {
    "promote": (
        "promote",
        "all_gates_passed",
        "xgboost beats the champion: ROC AUC is 0.0162 higher on the same 1,239 "
        "rows, and the lower bound of the difference, 0.0109, lies above 0.",
        None,
    ),
    "first": ("promote", "all_gates_passed", "There was no champion; xgboost keeps every absolute limit.", None),
    "reject": (
        "reject",
        "not_better",
        "logistic is worse than the champion: ROC AUC is 0.0214 lower, and one gate failed.",
        "The champion goes on serving. Nothing needs to be done.",
    ),
    "inconclusive": (
        "inconclusive",
        "champion_not_comparable",
        "The champion can't read this snapshot, so nothing can be said about which model is better.",
        "Promote by hand with a reason, if the new schema should serve.",
    ),
    "historical": (
        "historical",
        "mode_train",
        "The run is about past data in mode `train`: the model is registered, never promoted by itself.",
        "Promote it by hand if it should serve, giving a reason.",
    ),
    "error": (
        "error",
        "champion_error",
        "The champion could not be scored: its file is not what was recorded.",
        "Restore the champion's file from a backup, or roll back to an earlier version.",
    ),
}


def _gates(story: Story) -> tuple[GateResult, ...]:
    share = "1.1 % of the new rows are quarantined; 2 % are tolerated."
    age = "The newest row is 8 minutes older than the cutoff; 3 days are allowed."
    return (
        *_gates_over_scores(story),
        _gate("data quality", "data_quality", 0.0112, 0.02, share, distance=0.0088),
        _gate("freshness", "freshness", 0.128, 72.0, age, distance=71.872),
    )


def _gates_over_scores(story: Story) -> tuple[GateResult, ...]:
    least, better = "ROC AUC at least 0.8", ("better than champion", "better_than_champion")
    observed, sentence, more = _AGAINST_CHAMPION[story]
    more = {**more, **(_BOUND if observed is not None else {})}
    if story == "error":
        nobody = "No challenger was judged."
        return (
            _gate(least, "minimum", None, 0.8, nobody, state="inconclusive"),
            _gate(*better, observed, 0.0, sentence, **more),
        )
    auc, n_rows = SKILL["logistic" if story == "reject" else "xgboost"][0], N_POSITIVE + N_NEGATIVE
    enough = f"The holdout has {n_rows:,} rows; at least 200 are asked."
    return (
        _gate(least, "minimum", auc, 0.8, f"ROC AUC is {auc:.4f}; at least 0.8 is asked."),
        _gate(*better, observed, 0.0, sentence, **more),
        _gate("enough holdout rows", "min_rows", n_rows, 200, enough),
    )


_ABOVE: tuple[float | None, str, dict[str, Any]] = (
    0.0109,
    "The lower bound of the difference, 0.0109, lies above the margin of 0.",
    {"estimate": 0.0162},
)
_BELOW = "The lower bound of the difference, -0.0297, lies below the margin of 0."
_BOUND = {"observed_as": "its lower bound", "estimate_as": "difference", "needs": ">", "unit": "difference"}
_AGAINST_CHAMPION: dict[Story, tuple[float | None, str, dict[str, Any]]] = {
    "promote": _ABOVE,
    "historical": _ABOVE,
    "first": (None, "There is no champion to beat.", {}),
    "reject": (-0.0297, _BELOW, {"state": "fail", "reason": "not_better", "estimate": -0.0214}),
    "inconclusive": (
        None,
        "The champion can't be compared.",
        {"state": "inconclusive", "reason": "champion_not_comparable"},
    ),
    "error": (None, "The champion could not be scored.", {"state": "error", "reason": "champion_error"}),
}


def _gate(name: str, kind: str, observed: float | None, limit: float, sentence: str, **more: Any) -> GateResult:
    known: dict[str, Any] = {"state": "pass", "distance": None if observed is None else observed - limit}
    return GateResult(gate=kind, name=name, observed=observed, limit=limit, sentence=sentence, **{**known, **more})


def model_version(story: Story) -> ModelVersion:
    """Return what serves after the run."""
    made = decision(story)
    promoted = made.outcome == "promote"
    return ModelVersion(
        pipeline="phishing",
        changed=promoted,
        champion=made.challenger if promoted else made.champion,
        version="1.0.7" if promoted else None,
        mlflow_version="12",
        mlflow_run_id="7d0c5b1e9a4f4e0f8f6f2b6f0c3d2a19",
        path="registry/phishing/v1.0.7/model.joblib" if promoted else None,
        sentence="xgboost serves as v1.0.7." if promoted else "The champion stays.",
        decision=made,
    )
