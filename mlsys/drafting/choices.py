"""What a draft chooses for each learning task: metric, candidates and gates. Another task is one entry of `TASKS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlsys.drafting.yaml_text import Flow, nice
from mlsys.targets import TARGETS

_RARE = 0.1
_OF_CLASS = 30  # rows below which a class says little
# Chosen on the tables of two classes and of numbers of bench/quality.py, under one seed. Small steps want many rounds,
# which early stopping ends.
_PATIENT = {"n_estimators": 1500, "learning_rate": 0.05, "early_stopping_rounds": 50}
_SAMPLED = {"subsample": 0.8, "colsample_bytree": 0.7}
_BLENDED = "their mean: models of different kinds err in different places"


@dataclass(frozen=True)
class Situation:
    """What the choices depend on.

    Attributes:
        n_rows: labelled rows; n_holdout: those of the holdout; per_class: those of its rarer class.
        positive_share: of the labelled rows.
        spread: standard deviation of a number that is to be predicted, 0 of classes.
        surprise: log loss of a model that gives every row the share of each of several classes; else 0.
        timed: rows have a day.
        boosting: LightGBM and CatBoost are installed.
    """

    n_rows: int
    n_holdout: int
    per_class: int
    positive_share: float
    timed: bool
    spread: float = 0.0
    surprise: float = 0.0
    boosting: bool = True

    @property
    def rare(self) -> bool:
        """Whether the positive class is so rare that the order of its rows is what counts."""
        return self.positive_share < _RARE


Lines = list[tuple[Flow, str]]  # values in YAML's flow style, with a comment each


@dataclass(frozen=True)
class TaskChoices:
    """What a draft says for one task.

    Attributes:
        metrics: keys of `metrics`, with a comment each.
        models, gates: items of these lists.
    """

    metrics: Callable[[Situation], dict[str, tuple[object, str]]]
    models: Callable[[Situation], Lines]
    gates: Callable[[Situation], Lines]


def _binary_metrics(given: Situation) -> dict[str, tuple[object, str]]:
    if not given.rare:
        return {"primary": ("roc_auc", "chooses the best candidate and is what gates compare")}
    share = max(0.01, round(given.positive_share, 2))
    return {
        "primary": (
            "pr_auc",
            f"{given.positive_share:.1%} are positive: what counts is who stands on top".replace("%", " %"),
        ),
        "threshold": (share, "of precision, recall ...: at 0.5 hardly a row would be called positive"),
    }


def _class_models(given: Situation) -> Lines:
    return [(Flow("prior"), "the sanity line: a model that looks at nothing"), *_candidates(given, "logistic")]


def _binary_gates(given: Situation) -> Lines:
    gates: Lines = []
    if given.rare:
        floor = round(2 * given.positive_share, 3)
        gates.append(
            (Flow({"kind": "minimum", "metric": "pr_auc", "at_least": floor}), f"chance has {given.positive_share:.3g}")
        )
    gates.append(
        (
            Flow({"kind": "minimum", "metric": "roc_auc", "at_least": 0.6}),
            "chance has 0.5; raise it to what is worth using",
        )
    )
    return gates + _common_gates(given, per_class=_OF_CLASS)


def _candidates(given: Situation, line: str) -> Lines:
    """Return a line, boosted trees, and both averaged."""
    xgboost = {"kind": "xgboost", **_PATIENT, "max_depth": 5, **_SAMPLED}
    trees = (Flow(xgboost), "small steps, and each tree sees a part of the rows and columns; stops early")
    if not given.boosting:
        more = Flow({"kind": "blend", "of": [Flow(line), Flow(xgboost), Flow("hist_gradient_boosting")]})
        return [(Flow(line), ""), trees, (Flow("hist_gradient_boosting"), ""), (more, _BLENDED)]
    lightgbm = {"kind": "lightgbm", **_PATIENT, "num_leaves": 24, **_SAMPLED}
    catboost = {"kind": "catboost", **_PATIENT, "n_estimators": 1000, "one_hot_max_size": 10, "max_ctr_complexity": 1}
    more = Flow({"kind": "blend", "of": [Flow(line), Flow(lightgbm), Flow(catboost)]})
    return [(Flow(line), ""), trees, (Flow(catboost), "takes categories as they are"), (more, _BLENDED)]


def _common_gates(given: Situation, *, per_class: int = 0, rare: str = "rarer") -> Lines:
    enough = {"kind": "min_rows", "rows": 200, **({"per_class": per_class} if per_class else {})}
    few = given.n_holdout < 200 or given.per_class < per_class
    of_class = f", {given.per_class:,} of the {rare} class" if per_class else ""
    note = f"the holdout has about {given.n_holdout:,}{of_class}" + (
        ": no decision until there are more, or this is lowered" if few else ""
    )
    gates: Lines = [
        (Flow({"kind": "better_than_champion", "margin": 0.0}), "by more than chance, on the same rows"),
        (Flow(enough), note),
        (Flow("data_quality"), ""),
    ]
    return gates + ([(Flow({"kind": "freshness", "max_age": "3d"}), "")] if given.timed else [])


def _regression_metrics(given: Situation) -> dict[str, tuple[object, str]]:  # noqa: ARG001 - the shape of a choice
    return {"primary": ("rmse", "in the target's own unit; chooses the best candidate and is what gates compare")}


def _regression_models(given: Situation) -> Lines:
    return [(Flow("mean"), "the sanity line: a model that looks at nothing"), *_candidates(given, "ridge")]


def _regression_gates(given: Situation) -> Lines:
    ceiling = nice(given.spread * 0.95, up=False)
    floor = Flow({"kind": "minimum", "metric": "rmse", "at_most": ceiling})
    note = f"the mean alone has about {given.spread:.3g}; lower it to what is worth using"
    return [(floor, note), *_common_gates(given)]


def _multiclass_metrics(given: Situation) -> dict[str, tuple[object, str]]:  # noqa: ARG001 - as above
    return {"primary": ("log_loss", "of the probabilities; chooses the best candidate and is what gates compare")}


def _multiclass_gates(given: Situation) -> Lines:
    ceiling = nice(given.surprise * 0.95, up=False)
    floor = Flow({"kind": "minimum", "metric": "log_loss", "at_most": ceiling})
    note = f"the shares of the classes alone have about {given.surprise:.3g}; lower it to what is worth using"
    # A rare class is no reason never to decide: the metrics count it by its rows.
    per_class = max(1, min(_OF_CLASS, given.per_class // 2))
    return [(floor, note), *_common_gates(given, per_class=per_class, rare="rarest")]


TASKS: dict[str, TaskChoices] = {
    "binary": TaskChoices(_binary_metrics, _class_models, _binary_gates),
    "multiclass": TaskChoices(_multiclass_metrics, _class_models, _multiclass_gates),
    "regression": TaskChoices(_regression_metrics, _regression_models, _regression_gates),
}


def supported(task: str) -> bool:
    """Return whether a draft can be made for a task: there are choices for it, and a spec takes it."""
    return task in TASKS and task in TARGETS.names()
