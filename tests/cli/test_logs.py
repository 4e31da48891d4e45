"""One event a line, as text or as JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from mlsys.cli.logs import JsonLines, set_up
from mlsys.events import get_logger

pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.fixture
def line_of(caplog: pytest.LogCaptureFixture) -> Callable[..., dict[str, Any]]:
    def _line_of(event: str, **fields: object) -> dict[str, Any]:
        with caplog.at_level(logging.INFO):
            get_logger("mlsys.planning.plan").info(event, **fields)
        text = JsonLines().format(caplog.records[-1])
        assert "\n" not in text
        found: dict[str, Any] = json.loads(text)
        return found

    return _line_of


def test_a_json_line_holds_the_event_and_its_fields(line_of) -> None:
    line = line_of("run_started", run="shop-2026-05-12-ab", rows=960)
    assert (line["event"], line["run"], line["rows"]) == ("run_started", "shop-2026-05-12-ab", 960)
    assert (line["level"], line["logger"]) == ("info", "mlsys.planning.plan")
    assert line["message"] == "run_started run=shop-2026-05-12-ab rows=960"


def test_any_text_is_one_field(line_of) -> None:
    line = line_of("failed", reason="no 'such' table=\"it\"", step=ValueError("take it"))
    assert (line["reason"], line["step"]) == ("no 'such' table=\"it\"", "take it")


def test_a_line_of_another_library_is_an_event_too() -> None:
    record = logging.makeLogRecord(
        {"name": "some.library", "levelname": "WARNING", "msg": "beware of %s", "args": ("it",)}
    )
    line = json.loads(JsonLines().format(record))
    assert (line["event"], line["message"]) == ("beware", "beware of it")


def test_a_field_never_replaces_what_every_line_has(line_of) -> None:
    line = line_of("found", level="high", at="noon", logger="mine", message="none")
    assert (line["level"], line["logger"]) == ("info", "mlsys.planning.plan")
    assert line["at"].endswith("+00:00")
    assert line["message"].startswith("found level=high")


def test_a_message_of_several_lines_stays_one_line(line_of) -> None:
    assert line_of("failed", reason="first\nsecond")["reason"] == "first\nsecond"


def test_an_exception_is_kept_with_its_traceback(line_of) -> None:
    try:
        raise ValueError("oops")
    except ValueError:
        assert "ValueError: oops" in line_of("failed", exc_info=True)["traceback"]


def test_only_warnings_of_other_libraries_are_shown(capsys) -> None:
    set_up("text", "INFO")
    get_logger("mlsys.snapshot.snapshot").info("snapshot", rows=3)
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
    logging.getLogger("mlsys.snapshot.snapshot").warning("rejected_rows")
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "rejected_rows"


def test_setting_up_twice_shows_every_event_once(capsys) -> None:
    set_up("text", "INFO")
    set_up("text", "INFO")
    logging.getLogger("mlsys").info("once")
    assert capsys.readouterr().err.count("once") == 1
