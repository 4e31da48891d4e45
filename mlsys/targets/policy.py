"""Logged decisions with what came of them: a policy chooses an action for each row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from mlsys.components import AsWritten, OneOrMore
from mlsys.errors import DataError, MlsysError, RunError
from mlsys.gates.base import Gate
from mlsys.metrics.decided import ANY, LoggedChoices
from mlsys.metrics.logged import MOST_ACTIONS, Logged, pack
from mlsys.targets.base import Target
from mlsys.targets.looks import Looks
from mlsys.targets.made_of import LabelColumns
from mlsys.targets.truth import Truth
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class PolicyTarget(Target):
    """The next action, chosen so that it succeeds; its worth is estimated from what was done in like situations.

    Attributes:
        positive: the class of `column` that is a success, by its name as text (`yes`, `True`, `1`).
        action: the column of the action that was taken; it is no feature.
        actions: the actions there are, in the order in which a policy numbers them; rows with another one are no
            labelled rows.
        customer: the column of whom a decision was about: decisions about one are on one side of the split and are
            resampled together; it is no feature.
        step: the column that numbers a customer's decisions, rising; it is no feature.
        logged_by: columns that those who decided looked at. The chance of each action is estimated from them; what
            they knew beyond these is not accounted for, and the report says how much it could take.
        task: what kind of prediction it is: an action.
    """

    positive: Annotated[str, AsWritten(), WithJsonSchema({"type": ["string", "number", "boolean"]})]
    action: str
    actions: tuple[str, ...] = Field(min_length=2, max_length=MOST_ACTIONS)
    customer: str
    step: str
    logged_by: Annotated[tuple[str, ...], OneOrMore()]
    task: Literal["policy"] = "policy"
    estimator = "policy"
    primary = "dr_lift"
    method = "predict"
    predictions = LoggedChoices
    looks = Looks(errors=("dr_lift", "snips_lift"), beside=("effective_rows",))
    unexplained = "A policy takes what its table says is worth most; the card shows the states that it visited most"
    asked = (
        "champion.predict(rows)  # of a DataFrame: the name of the next action\n"
        "champion.values(rows)  # what each action is worth in the table, the best one first\n"
    )

    @field_validator("positive", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)

    @field_validator("actions")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"each action is named once, not as in {list(value)}")
        return value

    @property
    def made_of(self) -> LabelColumns:
        """What became of a decision, what was done, about whom and which time, and what those who decided saw.

        All but the last are no features; decisions about one customer are on one side of the split.
        """
        own = {"column": self.column, "action": self.action, "customer": self.customer, "step": self.step}
        seen = {f"logged_by.{i}": name for i, name in enumerate(self.logged_by)}
        return LabelColumns({**own, **seen}, hidden=tuple(own.values()), unit=self.customer)

    def ungated(self, gates: Sequence[Gate]) -> str | None:
        """Ask for both estimates and for the overlap: each is right where another one fails."""
        kinds = {gate.kind for gate in gates}
        limited = {getattr(gate, "metric", None) for gate in gates if getattr(gate, "at_least", None) is not None}
        missing = [name for name in ("dr_lift", "snips_lift") if name not in limited]
        if missing:
            limits = " and ".join(f'`{{kind: minimum, metric: {name}, at_least: 0, "on": bound}}`' for name in missing)
            return f"a policy must clear both estimates of its lift: add {limits}"
        return None if "overlap" in kinds else "a policy is judged by the rows in which it agrees: add `- overlap`"

    def truth(self, column: pa.ChunkedArray) -> Truth:
        """Return packed decisions; one whose result, action or customer is not known has no label."""
        import numpy as np
        import pyarrow.compute as pc

        from mlsys.targets.labels import labels_of

        parts = {name: pc.struct_field(column, name) for name in self.made_of.names}
        labels = labels_of(parts[self.column])
        success = labels.binary(labels.resolve(self.positive))
        actions, customer, step = (labels_of(parts[name]) for name in (self.action, self.customer, self.step))
        number = np.array([*(_place(name, self.actions) for name in actions.names), -1])[actions.codes]
        n_rows = len(column)
        logged = Logged(
            customer=_hashes(customer.names)[customer.codes],
            situation=self._situations(parts, n_rows),
            step=np.array([*(_number(name) for name in step.names), 0])[step.codes],
            n_actions=np.full(n_rows, len(self.actions)),
            action=number,
            success=success,
        )
        unknown = {
            "no label": success < 0,
            "no action of the spec": (number < 0) & (success >= 0),
            "no customer": (customer.codes < 0) & (success >= 0) & (number >= 0),
        }
        known = ~np.logical_or.reduce(list(unknown.values()))
        return Truth(np.where(known, pack(logged), -1), unknown, labels)

    def _situations(self, parts: dict[str, pa.ChunkedArray], n_rows: int) -> np.ndarray:
        import numpy as np

        from mlsys.targets.labels import labels_of

        found = np.zeros(n_rows, dtype=np.int64)
        for name in self.logged_by:
            labels = labels_of(parts[name])
            found = found * 1_000_003 + _hashes(labels.names)[labels.codes]
        return found

    def refused(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Refuse decisions of which none is about an action of the spec."""
        foreign = rows & truth.unusable["no action of the spec"]
        if not foreign.any() or (rows & truth.known).any():
            return None
        return DataError(
            f"No row has an action of the spec: {counted(int(foreign.sum()), 'row has', 'rows have')} another one",
            where=f"column {self.action}",
            got=list(self.actions),
            remedy="Name the actions in `target.actions` as they stand in the data",
        )

    def lacking(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Say that there is no label, one result alone, or one action alone."""
        import numpy as np

        from mlsys.metrics.logged import unpack

        found = super().lacking(truth, rows)
        if found is not None:
            return found
        logged = unpack(truth.y[rows & truth.known])
        n_rows = counted(logged.success.size, "decision")
        if np.unique(logged.success).size < 2:
            rule = f"All of {n_rows} {'succeeded' if logged.success[0] else 'failed'}"
            remedy = f"See whether '{self.positive}' is what `target.positive` should be, or take in more rows"
            return DataError(rule, where=f"column {self.column}", remedy=remedy)
        if np.unique(logged.action).size < 2:
            rule = f"In all of {n_rows} the same action was taken"
            got = self.actions[int(logged.action[0])]
            return DataError(rule, where=f"column {self.action}", got=got, remedy="Nothing tells what others would do")
        return None

    def unfit(self, y: np.ndarray) -> str | None:
        """Return in words that no policy can be learnt, or None."""
        from mlsys.metrics.logged import unpack

        if not y.size or (unpack(y).success == unpack(y).success[0]).all():
            return "have one and the same result"
        return None

    def class_counts(self, y: np.ndarray) -> dict[str, int]:
        """Return how many decisions succeeded and failed."""
        n_good = int((y & 1).sum())
        return {"succeeded": n_good, "failed": y.size - n_good}

    def answers(self, pipeline: Any, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` float64 numbers of actions: the one with the highest value, the first of equal ones.

        Raises:
            RunError: the model gives neither an action nor one finite value per action.
        """
        import numpy as np

        found = np.asarray(pipeline.predict(rows), dtype="float64")
        if found.shape == (len(rows), len(self.actions)) and np.isfinite(found).all():
            best: np.ndarray = found.argmax(axis=1).astype("float64")
            return best
        if found.shape != (len(rows),) or not np.isin(found, np.r_[ANY, np.arange(len(self.actions))]).all():
            raise RunError("The model gives neither an action nor one finite value per action", got=found.shape)
        return found

    def columns(self, answers: np.ndarray) -> list[pd.Series]:
        """Return the one column of the actions' names; of a policy to which all are alike there is none to name."""
        import numpy as np
        import pandas as pd

        names = np.array([*self.actions, "any action"], dtype=object)  # ANY, -1, is the last one
        return [pd.Series(names[answers.astype(int)])]

    def learning(self, pipeline: Any) -> dict[str, Any]:
        """Return what a policy's pipeline kept of its learning, with the actions' names; empty where it kept none."""
        kept = getattr(pipeline[-1], "learning_", None)
        return {} if kept is None else {**kept, "actions": list(self.actions)}


def _place(name: str, actions: Sequence[str]) -> int:
    return actions.index(name) if name in actions else -1


def _number(text: str) -> int:
    try:
        return int(float(text))
    except ValueError:
        return 0


def _hashes(names: Sequence[str]) -> np.ndarray:
    """Return `(n_names + 1,)` int64 hashes of texts, the same everywhere; the last one is that of a missing value."""
    import numpy as np

    digests = (hashlib.sha256(name.encode()).digest()[:4] for name in names)
    return np.array([*(int.from_bytes(digest, "little") for digest in digests), 0], dtype=np.int64)
