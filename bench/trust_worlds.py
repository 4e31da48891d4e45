"""Logistic worlds whose truth is known, one year long, and models fitted on their newest days.

A day has `ROWS` rows with `COLUMNS` independent standard normal columns, and labels whose log odds are a weighted sum
of them. The weights of a day are its truth; how they move is what a world is. A model's true ROC AUC depends on nothing
but the correlation of its scores with the log odds, and is read from a table made by numerical integration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, erf, pi, radians, sin, sqrt
from typing import Any

import numpy as np

NIGHTS, ROWS, COLUMNS = 365, 175, 24
STRENGTH = 2.5  # standard deviation of the log odds
WINDOW, WITHHELD, HOLDOUT, HASHED = 30, 12, 7, 14
CHANGE = 150  # the night of an abrupt change, and of a new column
GAINS = {"gain .005": 0.005, "gain .01": 0.01, "gain .02": 0.02}
WORLDS = ("stationary", "slow drift", "abrupt", "seasonal", *GAINS)
_ABRUPT, _SEASON = radians(30), (radians(20), 120)  # the angle that the weights turn by; the swing, and its days
_DAILY_TURN = radians(1.5)
_PHI = np.vectorize(erf, otypes=[float])

Kind = str  # split | all | hash: which of the newest days' rows a model is fitted on
Model = tuple[Kind, int]  # and the night of its fit


def _auc_table(size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return correlations and the ROC AUC that each gives."""
    z = np.linspace(-6, 6, 241)
    density, odds = np.exp(-z * z / 2), 1 / (1 + np.exp(-STRENGTH * z))
    positive, negative = density * odds, density * (1 - odds)
    pairs = np.outer(positive / positive.sum(), negative / negative.sum())
    correlations = np.concatenate([np.linspace(0, 0.95, size // 4), 1 - np.geomspace(0.05, 1e-6, size)])
    gap = z[:, None] - z[None, :]
    areas = [float((pairs * 0.5 * (1 + _PHI(r * gap / (2 * sqrt(1 - r * r))))).sum()) for r in correlations]
    return correlations, np.array(areas)


@dataclass
class Year:
    """The rows of a simulated year, their truth, and the models fitted in it so far.

    Attributes:
        x: `(n_days, ROWS, COLUMNS)`; y: `(n_days, ROWS)` of 0 and 1. Day `WINDOW + t` is the day that night t brings.
        weights: `(n_days, COLUMNS)` the truth.
        seen: columns that the models of a night may use.
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    seen: np.ndarray
    table: tuple[np.ndarray, np.ndarray]
    fitted: dict[Model, np.ndarray] = field(default_factory=dict)
    placements: dict[tuple[Any, ...], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def model(self, kind: Kind, night: int) -> Model:
        """Fit the model of a night, by one step of Newton from that of the night before."""
        model = (kind, night)
        if model not in self.fitted:
            before = self.fitted.get((kind, night - 1))
            self.fitted[model] = self._fit(kind, night, before)
        return model

    def _fit(self, kind: Kind, night: int, before: np.ndarray | None) -> np.ndarray:
        x, y = self._training(kind, night)
        n = int(self.seen[night])
        x, weights = x[:, :n], np.zeros(n)
        steps = 1
        if before is None or (before[n - 1] == 0.0):
            steps = 6
        else:
            weights = before[:n].astype("float64")
        for _ in range(steps):
            p = 1 / (1 + np.exp(-(x @ weights.astype("float32"))))
            hessian = (x * (p * (1 - p))[:, None]).T @ x + np.eye(n)
            weights = weights + np.linalg.solve(hessian.astype("float64"), (x.T @ (y - p) - weights).astype("float64"))
        return np.concatenate([weights, np.zeros(COLUMNS - n)]).astype("float32")

    def _training(self, kind: Kind, night: int) -> tuple[np.ndarray, np.ndarray]:
        first, last = night, night + WINDOW
        if kind == "split":
            last -= WITHHELD
        x, y = self.x[first:last], self.y[first:last]
        if kind != "hash":
            return x.reshape(-1, COLUMNS), y.reshape(-1)
        parts = [(x[:-HASHED], y[:-HASHED]), (x[-HASHED:, ::2], y[-HASHED:, ::2])]
        return (
            np.concatenate([part.reshape(-1, COLUMNS) for part, _ in parts]),
            np.concatenate([part.reshape(-1) for _, part in parts]),
        )

    def truth(self, model: Model, night: int) -> float:
        """Return the true ROC AUC of a model on the day that a night's model serves first."""
        found, weights = self.fitted[model].astype("float64"), self.weights[WINDOW + night]
        correlation = float(found @ weights / sqrt((found @ found) * (weights @ weights)))
        return float(np.interp(correlation, *self.table))

    def difference(self, new: Model, old: Model, days: slice, rows: slice = slice(None)) -> tuple[float, float]:
        """Return the difference of two ROC AUCs on the rows of days, with its standard error (DeLong 1988)."""
        parts = [self._placements(model, days, rows) for model in (new, old)]
        of_positives, of_negatives = (parts[0][i] - parts[1][i] for i in (0, 1))
        variance = of_positives.var(ddof=1) / of_positives.size + of_negatives.var(ddof=1) / of_negatives.size
        return float(of_positives.mean()), sqrt(max(float(variance), 1e-12))

    def _placements(self, model: Model, days: slice, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        key = (*model, days.start, days.stop, rows.start)
        if key not in self.placements:
            scores = self.x[days, rows].reshape(-1, COLUMNS) @ self.fitted[model]
            positive = self.y[days, rows].reshape(-1) == 1
            high, low = scores[positive], scores[~positive]
            above = np.searchsorted(np.sort(low), high) / low.size
            self.placements[key] = above, 1 - np.searchsorted(np.sort(high), low) / high.size
        return self.placements[key]


def make_table() -> tuple[np.ndarray, np.ndarray]:
    """Return the table of true ROC AUC by correlation, made once for all worlds."""
    return _auc_table()


def make_year(world: str, seed: int, table: tuple[np.ndarray, np.ndarray]) -> Year:
    """Return a year of a world; the same seed gives the same year."""
    generator = np.random.default_rng([WORLDS.index(world), seed])
    n_days = NIGHTS + WINDOW + 1
    directions = np.linalg.qr(generator.normal(size=(COLUMNS, COLUMNS)))[0]
    weights = STRENGTH * _path(world, n_days, directions, generator, table)
    x = generator.normal(size=(n_days, ROWS, COLUMNS)).astype("float32")
    odds = np.einsum("drc,dc->dr", x, weights.astype("float32"))
    y = (generator.random((n_days, ROWS)) < 1 / (1 + np.exp(-odds))).astype("float32")
    seen = np.full(NIGHTS + 1, COLUMNS)
    if world in GAINS:
        seen[:CHANGE] = COLUMNS - 1
    return Year(x, y, weights, seen, table)


def _path(
    world: str,
    n_days: int,
    directions: np.ndarray,
    generator: np.random.Generator,
    table: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return the direction of the weights by day, each of length 1."""
    first, second = directions[0], directions[1]
    if world in GAINS:  # the last column carries what the gain takes; all others as it comes
        correlation = float(np.interp(table[1][-1] - GAINS[world], table[1], table[0]))
        others = np.append(first[:-1] / np.linalg.norm(first[:-1]) * correlation, sqrt(1 - correlation**2))
        return np.tile(others, (n_days, 1))
    if world == "slow drift":
        found = [first]
        for _ in range(n_days - 1):
            step = generator.normal(size=COLUMNS)
            step -= (step @ found[-1]) * found[-1]
            found.append(cos(_DAILY_TURN) * found[-1] + sin(_DAILY_TURN) * step / np.linalg.norm(step))
        return np.array(found)
    angles = np.zeros(n_days)
    if world == "abrupt":
        angles[WINDOW + CHANGE :] = _ABRUPT
    if world == "seasonal":
        angles = _SEASON[0] * np.sin(2 * pi * np.arange(n_days) / _SEASON[1])
    return np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second)
