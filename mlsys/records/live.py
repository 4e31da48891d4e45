"""What the labels say of a model that is tried beside the champion."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from mlsys.records.base import Record
from mlsys.records.evaluation import Comparison, MetricValue

# `better` and `worse` stand for good: looking every day was reckoned with.
LiveVerdict = Literal["better", "worse", "open", "unknown"]


class LiveEvidence(Record):
    """A live trial, judged by the labels that are known.

    Attributes:
        candidate: who is tried; `champion`, `version`: beside whom.
        role: a `shadow` is compared row by row; of `ab` each model has rows of its own.
        since: when the two began to answer side by side; `until`: when the trial ends by itself.
        n_answers: rows of requests that the candidate scored; n_known: of them, those whose label is known.
        first_day, last_day: UTC days of those.
        comparison: candidate against champion by the primary metric, at the bound of a test that is looked at daily;
            None where nothing can be compared, which the sentence says.
        candidate_value, champion_value: of the primary metric on these rows.
        alpha: chance that two equal models are ever told apart in this direction; `looks`: days that it reckons with.
        verdict: `better` or `worse` of the candidate; `open` where the labels do not say so yet, `unknown` where
            nothing can be compared.
    """

    pipeline: str
    candidate: str
    champion: str
    version: str
    role: Literal["shadow", "ab"]
    since: datetime
    until: datetime
    n_answers: int = 0
    n_known: int = 0
    first_day: date | None = None
    last_day: date | None = None
    comparison: Comparison | None = None
    candidate_value: MetricValue | None = None
    champion_value: MetricValue | None = None
    alpha: float = 0.0
    looks: int = 0
    verdict: LiveVerdict = "unknown"
    sentence: str
