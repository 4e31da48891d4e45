"""Tables on terminals and pipes of any width: no word is broken, and nothing is left out."""

from __future__ import annotations

import pytest

from mlsys.cli.tables import show_facts, show_table, widths_of

HEADER = ("requested", "day", "status", "why", "run")
RUN = "shop-2026-05-24-0123456789"
ROWS = [
    ("2026-05-24 02:00", "2026-05-24", "done", "The challenger is not clearly better than the champion", RUN),
    ("2026-05-25 02:00", None, "failed", "There is no [such] database file", None),
]


def words(text: str) -> set[str]:
    return {word for row in ROWS for cell in row if cell for word in cell.split() if word in text}


@pytest.mark.parametrize("columns", ["50", "80", "120", "200"])
def test_every_width_shows_every_word_whole(capsys, monkeypatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show_table(HEADER, ROWS)
    out = capsys.readouterr().out
    assert words(out) == {word for row in ROWS for cell in row if cell for word in cell.split()}
    assert max(map(len, out.splitlines())) <= int(columns)


def test_a_narrow_pipe_has_a_block_for_each_row(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    show_table(HEADER, ROWS)
    first, second = capsys.readouterr().out.split("\n\n")[:2] or ("", "")
    lines = [line.rstrip() for line in first.splitlines()]
    assert lines[0] == "requested  2026-05-24 02:00"
    assert lines[-1] == f"run        {RUN}"
    assert "day" not in second  # it is not known
    assert "status     failed" in second


def test_a_wide_pipe_has_columns(capsys, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    show_table(HEADER, ROWS)
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.split() == list(HEADER)
    assert first.startswith("2026-05-24 02:00  2026-05-24  done")


@pytest.mark.parametrize("columns", ["", "0", "wide", "-3"])
def test_a_senseless_width_is_none(capsys, monkeypatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show_table(("a", "b"), [("x", "y")])
    assert capsys.readouterr().out.split() == ["a", "b", "x", "y"]


def test_columns_share_the_width_and_break_no_word() -> None:
    lines = [("pipeline", "what happened"), ("shop", "many words " * 10)]
    assert widths_of(lines, 200) == [8, 110]
    assert widths_of(lines, 50) == [8, 40]
    assert widths_of(lines, 20) is None
    assert widths_of([("key",), ("x" * 60,)], 50) is None


def test_facts_stand_beside_their_names_and_unknown_ones_are_left_out(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    show_facts([("data up to", "2026-05-24"), ("link", None), ("because", "all gates pass " * 5)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "data up to  2026-05-24"
    assert lines[2].startswith("            ")
    assert not any("link" in line for line in lines)
