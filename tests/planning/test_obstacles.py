"""`mlsys check` says what a run would refuse beyond the rules of the checks, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import edit_spec, enter, make_shop

from mlsys.cli.main import invoke
from mlsys.planning.obstacles import relative_source, without_key
from mlsys.spec import load_spec

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logging_as_before")]

TARGET = {"column": "returned", "positive": "returned"}


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return a command's exit code and all that it said but its log."""
    capfd.readouterr()
    code = invoke(list(arguments))
    found = capfd.readouterr()
    return code, found.out + "".join(line for line in found.err.splitlines() if line.startswith("mlsys: "))


@pytest.fixture
def new(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop in which nothing ran yet."""
    make_shop(home, home / "pipelines", days=8)
    enter(home, monkeypatch)
    return home


def schema_of(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((home / "pipelines" / "shop.yaml").read_text())["schema"]
    return found


def test_a_positive_class_that_no_row_has_is_refused_before_the_first_run(new: Path, capfd) -> None:
    edit_spec(new / "pipelines", target=TARGET)
    for command in ("check", "run"):
        code, text = said(capfd, command, "shop")
        assert code == 3
        assert "column returned: The positive class 'returned' does not occur. " in text


def test_a_positive_class_that_no_row_has_is_refused_beside_stored_days(shop: Path, capfd) -> None:
    edit_spec(shop / "pipelines", target=TARGET)
    code, text = said(capfd, "check", "shop")
    assert code == 3
    assert "The positive class 'returned' does not occur" in text


def test_a_side_without_rows_is_refused_before_the_first_run(new: Path, capfd) -> None:
    edit_spec(new / "pipelines", split={"kind": "time", "validation_days": 5, "holdout_days": 5})
    answers = [said(capfd, command, "shop") for command in ("check", "run")]
    assert [code for code, _ in answers] == [3, 3]
    assert all("The training side of the split is empty" in text for _, text in answers)


def test_labels_that_are_whole_leave_nothing_to_say(shop: Path, capfd) -> None:
    assert said(capfd, "check", "shop") == (0, "shop: ok\n")


def test_an_identifier_among_the_features_and_a_missing_key_are_warnings(new: Path, capfd) -> None:
    edit_spec(new / "pipelines", schema={**schema_of(new), "order_no": "text"}, key=[])
    code, text = said(capfd, "check", "shop")
    assert code == 0
    assert "shop: warning: Column 'order_no' has 640 different values in 640 rows, as an identifier has" in text
    assert "shop: warning: The spec has no `key`" in text
    assert without_key(load_spec(new / "pipelines" / "shop.yaml")) is not None


@pytest.mark.parametrize(
    ("source", "path"),
    [
        (
            {"kind": "sql", "url": "sqlite:///data/shop.db", "table": "orders", "event_time": "placed_at"},
            "data/shop.db",
        ),
        ({"kind": "files", "path": "data/*.csv", "event_time": "placed_at"}, "data/*.csv"),
    ],
)
def test_a_path_that_is_another_one_under_airflow_is_a_warning(
    new: Path, capfd, monkeypatch: pytest.MonkeyPatch, source: dict[str, str], path: str
) -> None:
    whole = load_spec(new / "pipelines" / "shop.yaml")
    edit_spec(new / "pipelines", source={"timezone": "UTC", **source})
    _, text = said(capfd, "check", "shop")
    assert f"shop: warning: `source` names '{path}', relative to the folder" in text
    assert f"here it is {Path.cwd() / path}, and in tasks of `mlsys up` {new / path}." in text
    monkeypatch.chdir(new)  # where tasks work
    assert relative_source(load_spec(new / "pipelines" / "shop.yaml"), new) is None
    assert relative_source(whole, Path("/")) is None


def test_a_champion_that_cannot_read_the_schema_is_told(shop: Path, capfd) -> None:
    schema = schema_of(shop)
    del schema["gift"]
    edit_spec(shop / "pipelines", schema=schema)
    code, text = said(capfd, "check", "shop")
    assert code == 0
    assert "warning: The champion 1.0.0 can't be compared under this schema: its column 'gift' is not in the" in text
    assert "mlsys promote shop RUN" in text
