"""Tabular Q-learning on logged decisions: what each action is worth in each state, learnt by playing them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Fitted, Model, SearchRange

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.features.base import FeatureColumns, Features


class QLearning(Model):
    """A table of states and actions (Watkins and Dayan, Machine Learning 8, 1992), learnt by epsilon-greedy episodes.

    Episodes begin, batch by batch, at decisions that succeeded (30 %), at first ones (30 %) and at any (40 %): of a few
    successes among many rows too little would be learnt otherwise. So values in the table are those of that mix; they
    rank the actions of a state, and are no forecast. A state that training never saw has the mean values of all.

    The table is what scikit-learn calls a linear model of states: a model file needs nothing of mlsys.

    Attributes:
        bins: of each number and rate; more make states that fewer rows tell of.
        rates: categories that enter by the rate at which their training rows succeeded.
        codes: categories that enter by their codes; default those that do not enter by a rate.
        without: columns that are no part of a state: a candidate without one shows what it is worth.
        episodes: how many are played.
        alpha: learning rate of a pair's first visit; it falls with visits, to half after 100.
        gamma: what a reward one decision later counts.
        epsilon_decay: of the chance of an action at random, which begins at 1 and falls to 0.01, per batch.
        prior: decisions in all states that answer an action beside those in the state itself.
    """

    kind: Literal["q_learning"] = "q_learning"
    effort = 4
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("policy",)
    search: ClassVar = {"bins": SearchRange(2, 4), "gamma": SearchRange(0.5, 0.99), "prior": SearchRange(2.0, 50.0)}
    bins: int = Field(default=2, ge=1, le=20)
    rates: tuple[str, ...] = ()
    codes: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    episodes: int = Field(default=100_000, ge=100, le=10_000_000)
    alpha: float = Field(default=0.1, gt=0, le=1)
    gamma: float = Field(default=0.95, ge=0, lt=1)
    epsilon_decay: float = Field(default=0.995, gt=0, lt=1)
    prior: float = Field(default=10.0, ge=0, le=1e6)

    def transformer(self, recipe: Features, columns: FeatureColumns) -> Any:  # noqa: ARG002 - a table needs states
        """Return the unfitted transformer of the rows to the features of states.

        Raises:
            ValueError: `rates`, `codes` or `without` names no column that is there.
        """
        from mlsys.features.base import FeatureColumns
        from mlsys.models.states import features

        known = (*columns.numeric, *columns.categorical)
        for field, allowed in (("rates", columns.categorical), ("codes", columns.categorical), ("without", known)):
            foreign = [name for name in getattr(self, field) or () if name not in allowed]
            if foreign:
                raise ValueError(f"`{field}` of `q_learning` names {foreign}; it can be of {list(allowed)}")
        kept = FeatureColumns(
            *(tuple(n for n in names if n not in self.without) for names in (columns.numeric, columns.categorical))
        )
        rates = [name for name in kept.categorical if name in self.rates]
        wanted = self.codes if self.codes is not None else [name for name in kept.categorical if name not in rates]
        return features(kept, rates=rates, codes=[name for name in kept.categorical if name in wanted])

    def estimator(self, task: FitTask) -> Any:  # noqa: ARG002 - it is fitted in `fit`
        """Return the linear model that holds the table."""
        from sklearn.linear_model import LinearRegression

        return LinearRegression()

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Number the states, learn the table, and put it into a pipeline that gives `(n_rows, n_actions)` values.

        Args:
            features: from `transformer`, unfitted.
            rows: `(n_rows, n_columns)` raw feature columns.
            y: `(n_rows,)` packed decisions.
            task: its seed is the only source of chance.

        Raises:
            ValueError: the model can't be what the task asks for, or the features give too many states.
        """
        import numpy as np
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import OneHotEncoder

        from mlsys.metrics.logged import unpack
        from mlsys.models import learning, states

        self.require(task)
        logged = unpack(y)
        table = np.asarray(features.fit_transform(rows, logged.success), dtype="float64")
        names = [str(name) for name in features.get_feature_names_out()]
        edges = [self._edges(name, column) for name, column in zip(names, table.T, strict=True)]
        numbering = states.numbering(edges)
        numbers = numbering.fit_transform(table)
        encoder = OneHotEncoder(handle_unknown="ignore").fit(numbers)
        place = np.searchsorted(encoder.categories_[0], numbers[:, 0])
        rules = learning.Rules(self.episodes, self.alpha, self.gamma, self.epsilon_decay, self.prior)
        learnt = learning.learn(rules, place, logged, n_states=len(encoder.categories_[0]), seed=task.seed)
        model = self.estimator(task)
        model.intercept_, model.coef_ = learnt.general, (learnt.table - learnt.general).T
        model.n_features_in_ = len(learnt.table)
        model.learning_ = learnt.told([states.told(number, names, edges) for number in encoder.categories_[0]])
        steps = [("features", features), ("state", numbering), ("table", encoder), ("model", model)]
        return Fitted(Pipeline(steps), learnt.notes)

    def _edges(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return the bins of a feature; each code of a category has one of its own."""
        import numpy as np

        from mlsys.models import states

        if name.startswith("codes__"):
            return np.arange(-0.5, values.max())  # so that -1, a category that training never saw, has one too
        return states.edges_of(values, self.bins)
