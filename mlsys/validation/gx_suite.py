"""Great Expectations, reduced to what validation needs: rules and a frame in, positions of failing rows out.

Great Expectations computes details about every expectation, and most of them pass. So the first pass asks for yes
or no alone and the second one asks for the failing rows of the expectations that failed. The expectations are
compiled from the spec each time; nothing of Great Expectations is kept on disk but the Data Docs.
"""

from __future__ import annotations

import copy
import importlib
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlsys.checks.base import Check
from mlsys.events import get_logger
from mlsys.records import State
from mlsys.schema import Schema

logger = get_logger(__name__)

_MODULES = ("great_expectations.expectations", "great_expectations.render.renderer", "great_expectations.render.view")


@dataclass(frozen=True)
class SuiteOutcome:
    """What one rule found in a frame.

    Attributes:
        state: `error` when the rule could not be applied at all; `message` then says why.
        positions: `(n_failed,)` int64, positions of the failing rows, ascending; None for a rule about the table.
    """

    state: State
    positions: np.ndarray | None = None
    message: str = ""


@dataclass(frozen=True)
class SuiteRun:
    """Outcomes in the order of the rules, and Great Expectations' own objects for the Data Docs."""

    outcomes: tuple[SuiteOutcome, ...]
    suite: Any
    result: Any


def run_suite(frame: pd.DataFrame, rules: Sequence[Check], schema: Schema, *, name: str) -> SuiteRun:
    """Return what each rule (scope `partition`) finds in `frame`, whose index counts its rows from 0."""
    # Imported modules that Python drops, pandas calls that pandas drops: warnings about Great Expectations' own code.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        suite, result = _validated(frame, rules, schema, name)
    outcomes = tuple(_outcome(rule, item) for rule, item in zip(rules, result.results, strict=True))
    n_failed = sum(outcome.state != "pass" for outcome in outcomes)
    logger.info("suite_run", rules=len(rules), rows=len(frame), failed=n_failed)
    return SuiteRun(outcomes, suite, result)


def preload() -> None:
    """Import all of Great Expectations that is needed here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Python drops and it still uses
        _quiet_library()
        for module in _MODULES:
            importlib.import_module(module)


def _numbered(expectation: Any, number: int) -> Any:
    # Results come back grouped by column, not in the order of the suite: each carries the number of its rule.
    expectation.meta = {**(expectation.meta or {}), "rule": number}
    return expectation


def _number(item: Any) -> int:
    return int(item.expectation_config.meta["rule"])


def _validated(frame: pd.DataFrame, rules: Sequence[Check], schema: Schema, name: str) -> tuple[Any, Any]:
    gx = _quiet_library()
    expectations = [_numbered(rule.expectation(schema), i) for i, rule in enumerate(rules)]
    context = _quiet_context(gx)
    asset = context.data_sources.add_pandas("mlsys").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("new").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name=name, expectations=[copy.copy(e) for e in expectations])
    result = batch.validate(suite, result_format="BOOLEAN_ONLY")
    result.results = sorted(result.results, key=_number)
    failed = [i for i, item in enumerate(result.results) if not item.success and not _problem(item)]
    if failed:
        again = gx.ExpectationSuite(name=f"{name}_rows", expectations=[expectations[i] for i in failed])
        details = batch.validate(
            again,
            result_format={
                "result_format": "COMPLETE",
                "partial_unexpected_count": 3,
                "return_unexpected_index_query": False,
            },
        )
        for item in details.results:
            result.results[_number(item)] = item
    return suite, result


def _quiet_library() -> Any:
    # Read once, at import: without it a thread that reports usage over the network is started.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # What it tells at INFO is about its own functions and folders; one of its modules sets that level itself.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types import base

    base.logger.setLevel(logging.WARNING)
    return gx


def _quiet_context(gx: Any) -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


def _outcome(rule: Check, item: Any) -> SuiteOutcome:
    problem = _problem(item)
    if problem:
        return SuiteOutcome("error", message=problem)
    if not rule.rowwise:
        return SuiteOutcome("pass" if item.success else "fail", message=_observed(item))
    positions = [] if item.success else item.result["unexpected_index_list"]
    return SuiteOutcome("pass" if item.success else "fail", np.unique(np.asarray(positions, dtype=np.int64)))


def _observed(item: Any) -> str:
    value = None if item.success else item.result.get("observed_value")
    return "" if value is None else f"found {value}"


def _problem(item: Any) -> str:
    """Return the first exception of a result, or nothing: exceptions are recorded there, not raised."""
    return next(iter(_messages(item.exception_info)), "")


def _messages(info: object) -> Iterator[str]:
    # Either one exception, or a mapping from metric ids to mappings like it.
    if not isinstance(info, Mapping):
        return
    if info.get("raised_exception") is True:
        text = str(info.get("exception_message") or "unknown problem").strip()
        yield text.splitlines()[0][:300]
    for value in info.values():
        yield from _messages(value)
