"""One event a line, as text or as JSON."""

from __future__ import annotations

import json
import logging

import pytest

from mlsys.cli.logs import JsonLines, set_up

pytestmark = pytest.mark.usefixtures("logging_as_before")


def line_of(message: str, *args: object, **keywords: object) -> dict[str, str]:
    record = logging.makeLogRecord(
        {"name": "mlsys.planning.plan", "levelno": logging.INFO, "levelname": "INFO", "msg": message, "args": args}
        | keywords
    )
    text = JsonLines().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_json_line_holds_the_event_and_its_fields() -> None:
    line = line_of("run_started run=%s rows=%d", "shop-2026-05-12-ab", 960)
    assert (line["event"], line["run"], line["rows"]) == ("run_started", "shop-2026-05-12-ab", "960")
    assert (line["level"], line["logger"]) == ("info", "mlsys.planning.plan")
    assert line["message"] == "run_started run=shop-2026-05-12-ab rows=960"


def test_a_quoted_value_is_one_field() -> None:
    line = line_of("failed reason='no such table' step=\"take it\"")
    assert (line["reason"], line["step"]) == ("no such table", "take it")


def test_a_field_never_replaces_what_every_line_has() -> None:
    line = line_of("found level=high at=noon logger=mine message=none")
    assert (line["level"], line["logger"]) == ("info", "mlsys.planning.plan")
    assert line["at"].endswith("+00:00")
    assert line["message"].startswith("found level=high")


def test_a_message_of_several_lines_stays_one_line() -> None:
    assert line_of("failed reason=%s", "first\nsecond")["message"].endswith("first\nsecond")


def test_an_exception_is_kept_with_its_traceback() -> None:
    try:
        raise ValueError("oops")
    except ValueError as error:
        caught = (type(error), error, error.__traceback__)
    assert "ValueError: oops" in line_of("failed", exc_info=caught)["traceback"]


def test_only_warnings_of_other_libraries_are_shown(capsys) -> None:
    set_up("text", "INFO")
    logging.getLogger("mlsys.snapshot.snapshot").info("snapshot rows=%d", 3)
    other = logging.getLogger("some.library")
    other.setLevel(logging.DEBUG)  # as some do when they are imported
    other.info("chatter")
    other.warning("beware")
    shown = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=1)[1] for line in shown] == [
        "INFO    mlsys.snapshot.snapshot snapshot rows=3",
        "WARNING some.library beware",
    ]


def test_json_is_a_setting(capsys) -> None:
    set_up("json", "WARNING")
    logging.getLogger("mlsys.snapshot.snapshot").info("unheard")
    logging.getLogger("mlsys.snapshot.snapshot").warning("rejected_rows rows=%d", 2)
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "rejected_rows"


def test_setting_up_twice_shows_every_event_once(capsys) -> None:
    set_up("text", "INFO")
    set_up("text", "INFO")
    logging.getLogger("mlsys").info("once")
    assert capsys.readouterr().err.count("once") == 1
