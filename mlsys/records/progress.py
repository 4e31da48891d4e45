"""How far a run has come: what each step behind the training hands on to the next, whole."""

from __future__ import annotations

from mlsys.records.base import Bundle
from mlsys.records.decision import Decision
from mlsys.records.evaluation import EvaluationSet
from mlsys.records.run import Prepared


class Evaluated(Bundle):
    """A run whose candidates and champion were scored on the same rows."""

    prepared: Prepared
    evaluations: EvaluationSet


class Decided(Bundle):
    """A run that the gates have judged."""

    prepared: Prepared
    evaluations: EvaluationSet
    decision: Decision
