"""Queries as parts of others: what ends them, and what is bound in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from mlsys.sources.reading.queries import _parts, bound, subquery, unbound

DIALECTS = ["postgresql", "mysql", "sqlite", "oracle"]
PIECES = [
    "a",
    " ",
    "\n",
    "'",
    "''",
    '"',
    "`",
    "--",
    "-- x",
    "#",
    "/*",
    "*/",
    ";",
    ":x",
    ":y",
    "\\",
    "$$",
    "$t$",
    "E'",
    "1",
]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1 -- all of them",
        "SELECT 1; -- all",
        "SELECT 1 ; /* all; */ ;\n-- really; all\n",
        "  SELECT 1;;  ; ",
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_ends_a_query_goes(query: str, dialect: str) -> None:
    assert subquery(query, dialect) == "(SELECT 1\n)"


@pytest.mark.parametrize(
    "query", ["SELECT '; --' FROM t", 'SELECT ";" FROM t', "SELECT /* ; */ 1", "SELECT -- ;\n 1", "SELECT $$;$$ FROM t"]
)
def test_what_only_looks_like_an_end_stays(query: str) -> None:
    assert subquery(query, "postgresql") == f"({query}\n)"


def test_databases_differ_in_comments_and_backslashes() -> None:
    assert subquery("SELECT 1; # all", "mysql") == "(SELECT 1\n)"
    assert subquery("SELECT 5 # 3", "postgresql") == "(SELECT 5 # 3\n)"
    assert subquery(r"SELECT 'it\'s; -- x'", "mysql") == "(SELECT 'it\\'s; -- x'\n)"
    assert subquery(r"SELECT '\' ; -- x", "postgresql") == "(SELECT '\\'\n)"
    assert subquery(r"SELECT E'it\'s; -- x'", "postgresql") == "(SELECT E'it\\'s; -- x'\n)"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT '{\"k\":1}' WHERE id = :x", {"x"}),
        ("SELECT a LIKE '%12:30 :x%', :x", {"x"}),
        ("SELECT a::int, :x -- :x and :y\n", {"x"}),
        ('SELECT a[:n], :x, $$:x$$, ":x"', {"x"}),
        ("SELECT '12:30:00', ':x'", set()),
    ],
)
def test_only_known_names_outside_of_literals_are_bound(query: str, names: set[str]) -> None:
    clause = text(bound(query, {"x"}, "postgresql"))
    assert set(clause._bindparams) == names
    assert str(clause) == query


def test_a_colon_that_has_its_backslash_keeps_it() -> None:
    assert str(text(bound(r"SELECT '\:x'", {"x"}, "postgresql"))) == "SELECT ':x'"


def test_a_name_that_nobody_gives_is_told() -> None:
    assert unbound("SELECT :x, :city, ':y', a::int", {"x"}, "postgresql") == ["city"]


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES)).map("".join), st.sampled_from(DIALECTS))
def test_reading_a_query_loses_no_character(query: str, dialect: str) -> None:
    assert "".join(part for _, part in _parts(query, dialect)) == query
    assert bound(query, {"x"}, dialect).replace("\\", "") == query.replace("\\", "")
