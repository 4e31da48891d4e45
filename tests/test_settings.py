"""What the operator decides, and how a wrong decision is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlsys.errors import UsageError
from mlsys.settings import Settings, expand, load_settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MLSYS_AIRFLOW_PORT", "70000"),
        ("MLSYS_MLFLOW_PORT", "http"),
        ("MLSYS_LOG_FORMAT", "xml"),
        ("MLSYS_LOG_LEVEL", "loud"),
        ("MLSYS_WORKERS", "0"),
        ("MLSYS_SCHEDULE_START", "soon"),
        ("MLSYS_SCHEDULE_START", "2026"),  # else it is a number of seconds since 1970
        ("MLSYS_SCHEDULE_START", "0001-01-01"),
        ("MLSYS_SCHEDULE_START", "9999-12-31T23:00-05:00"),
        ("MLSYS_HOME", ""),
        ("MLSYS_PIPELINES", " "),
        ("MLSYS_SERVER_KEYS_FILE", ""),
        ("MLSYS_HOME", "~nobody_of_this_name/home"),
    ],
)
def test_a_wrong_value_names_its_variable(monkeypatch, variable, value) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert caught.value.where == variable
    assert caught.value.got == value


def test_the_environment_gives_the_values(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path))
    monkeypatch.setenv("MLSYS_AIRFLOW_PORT", "8081")
    settings = load_settings()
    assert (settings.root, settings.store, settings.airflow_port) == (tmp_path, tmp_path / "store", 8081)


@pytest.mark.parametrize("text", ["2026-05-01", "2026-05-01T00:00", "2026-05-01T02:00+02:00", "2026-05-01T00:00:00Z"])
def test_an_instant_is_utc_unless_it_has_an_offset(monkeypatch, text) -> None:
    monkeypatch.setenv("MLSYS_SCHEDULE_START", text)
    found = load_settings().schedule_start
    assert (found, found.tzinfo) == (datetime(2026, 5, 1, tzinfo=UTC), UTC)


def test_the_home_is_absolute(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    assert Settings(home=Path("var")).root == tmp_path / "var"
    assert Settings(home=Path("~/mlsys")).root == tmp_path / "user" / "mlsys"


def test_a_path_may_begin_with_the_users_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLSYS_HOME", "~/var")
    monkeypatch.setenv("MLSYS_PIPELINES", "~/specs")
    settings = load_settings()
    assert (settings.root, settings.pipelines) == (tmp_path / "var", tmp_path / "specs")


def test_a_relative_home_in_a_folder_that_is_gone_is_refused(monkeypatch, tmp_path) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setenv("MLSYS_HOME", "var")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageError, match="the current folder is gone"):
        _ = load_settings().root


def test_a_link_to_the_home_stays_a_link(monkeypatch, tmp_path) -> None:
    (tmp_path / "releases" / "one").mkdir(parents=True)
    (tmp_path / "current").symlink_to("releases/one")
    monkeypatch.chdir(tmp_path)
    for home in ("current", "./current/", "releases/../current", str(tmp_path / "current")):
        assert Settings(home=Path(home)).root == tmp_path / "current"


def test_a_spec_is_found_by_its_name(tmp_path) -> None:
    (tmp_path / "shop.yaml").write_text("")
    settings = Settings(pipelines=tmp_path)
    assert settings.spec_path("shop") == tmp_path / "shop.yaml"
    with pytest.raises(UsageError, match=r"no pipeline 'shpo'\. Did you mean 'shop'"):
        settings.spec_path("shpo")


def test_a_name_never_leaves_the_folder_of_specs(tmp_path) -> None:
    (tmp_path / "secret.yaml").write_text("")
    (tmp_path / "pipelines").mkdir()
    with pytest.raises(UsageError, match="no pipeline"):
        Settings(pipelines=tmp_path / "pipelines").spec_path("../secret")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $NAME {NAME}", "plain $NAME {NAME}"),
        ("${NAME}", "ann"),
        ("u:${NAME}@${HOST:-localhost}/db", "u:ann@localhost/db"),
        ("${EMPTY:-}", ""),
        ("${NAME:-bob}", "ann"),
    ],
)
def test_variables_are_filled_in(monkeypatch, text, expected) -> None:
    monkeypatch.setenv("NAME", "ann")
    monkeypatch.delenv("HOST", raising=False)
    assert expand(text) == expected


def test_the_home_can_always_be_named(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert expand("sqlite:///${MLSYS_HOME}/shop.db") == f"sqlite:///{tmp_path}/var/shop.db"


def test_a_variable_that_is_not_set_is_named(monkeypatch) -> None:
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(UsageError, match="NO_SUCH is not set"):
        expand("${NO_SUCH}")
