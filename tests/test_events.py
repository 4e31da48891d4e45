"""Events in the log: a line for people, and its fields for whoever formats them."""

from __future__ import annotations

import logging

import pytest

from mlsys.events import LogLine, get_logger


def test_a_line_names_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        get_logger("mlsys.somewhere").info("fitted", rows=3, reason="it's 100 % done", error=ValueError("no"), none="")
    (record,) = caplog.records
    assert record.getMessage() == """fitted rows=3 reason="it's 100 % done" error=no none=''"""
    assert isinstance(record.msg, LogLine)
    assert (record.msg.name, record.msg.fields["reason"]) == ("fitted", "it's 100 % done")
    assert (record.name, record.filename) == ("mlsys.somewhere", "test_events.py")


def test_a_sentence_for_people_stands_first(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        get_logger("mlsys.somewhere").info("decided", outcome="reject", sentence="It is worse than the champion.")
    (record,) = caplog.records
    assert record.getMessage() == "It is worse than the champion. [decided outcome=reject]"
    assert isinstance(record.msg, LogLine)
    assert record.msg.fields == {"outcome": "reject", "sentence": "It is worse than the champion."}


def test_a_level_that_is_not_wanted_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        get_logger("mlsys.somewhere").info("fitted")
    assert not caplog.records


def test_an_exception_brings_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("lost")
    except KeyError:
        get_logger("mlsys.somewhere").exception("failed", step="train")
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "failed step=train")
    assert "KeyError: 'lost'" in caplog.text
