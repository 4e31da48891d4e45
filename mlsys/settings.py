"""What the operator decides: places, addresses, ports. Every setting is a variable `MLSYS_<NAME>`."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mlsys import clock
from mlsys.errors import UsageError, near_match

_Kind = TypeVar("_Kind", bound=BaseSettings)


class Settings(BaseSettings):
    """Settings of one installation.

    Attributes:
        home: everything that mlsys writes lies below it.
        pipelines: folder of the specs.
        database: `embedded` (a private Postgres below `home`), `sqlite`, `auto` (embedded where the platform has a
            build of it), or a SQLAlchemy URL of a Postgres server; databases `mlsys`, `mlflow` and `airflow` on it.
        mlflow_uri: MLflow tracking URI; default: the MLflow database on the same server.
        mlflow_page: address of MLflow's pages for a browser, where that is neither `mlflow_uri` nor the stack's own.
        server: whether `mlsys up` starts the server of the champions, too.
        server_keys_file: API keys of the server; default: `secrets/server_keys.json` below `home`.
        workers: how many candidates `mlsys run` fits side by side; training_slots: the same for Airflow's pool.
        login: the user name of the embedded Airflow.
        schedule_start: no scheduled run is made for days before; UTC unless it has an offset. The embedded stack sets
            it to its own first day.
        housekeeping: what the weekly run does with files that nobody needs: `report` their bytes, or `remove` them.
    """

    model_config = SettingsConfigDict(env_prefix="MLSYS_", frozen=True, extra="ignore")

    home: Path = Path("var")
    pipelines: Path = Path("include/pipelines")
    dags: Path = Path("dags")
    plugins: Path = Path("plugins")
    samples: Path = Path("include/samples")
    database: str = "auto"
    mlflow_uri: str | None = None
    mlflow_page: str | None = None
    airflow_port: int = Field(default=8080, ge=1, le=65535)
    mlflow_port: int = Field(default=5000, ge=1, le=65535)
    server: bool = True
    server_port: int = Field(default=8000, ge=1, le=65535)
    server_keys_file: Path | None = None
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    training_slots: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    login: str = "admin"
    schedule_start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    housekeeping: Literal["report", "remove"] = "report"

    @field_validator("home", "pipelines", "dags", "plugins", "samples", "server_keys_file", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Refuse a path that says nothing, which would be the current folder; `~` is read as a shell does."""
        if not isinstance(value, str):
            return value
        if not value.strip():
            raise ValueError("A path is needed, and it is empty: unset the variable, or say which")
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise ValueError("The home folder that `~` stands for is not known: write the whole path") from None

    @field_validator("schedule_start", mode="before")
    @classmethod
    def _instant(cls, value: object) -> object:
        """Read an instant as the command line does; pydantic would take `2026` for seconds since 1970."""
        if not isinstance(value, str):
            return value
        try:
            found = clock.parse_instant(value, where="")
            clock.parse_day(found.date())
        except UsageError as error:
            raise ValueError(f"{error.rule}, for example 2026-05-01T00:00:00Z") from None
        return found

    @cached_property
    def root(self) -> Path:
        """`home`, absolute; a link stays a link, for paths below it are stored and its target may move.

        Raises:
            UsageError: it is relative, and the current folder is gone.
        """
        try:
            return Path(os.path.abspath(self.home.expanduser()))  # noqa: PTH100 - `Path.absolute` keeps `..`
        except FileNotFoundError:
            rule, remedy = "The path is relative, and the current folder is gone", "Go to another folder"
            raise UsageError(rule, where="MLSYS_HOME", got=self.home, remedy=remedy) from None

    @property
    def mlflow_told(self) -> str | None:
        """Where a browser finds MLflow's pages, as far as the operator said so; never with a password in it."""
        told = self.mlflow_page or self.mlflow_uri or ""
        return told if told.startswith("http") and "@" not in told else None

    def make_home(self) -> Path:
        """Return `root`, made where it is missing: for its owner alone, since it holds what the customers' rows hold.

        A folder that is there keeps the rights that somebody gave it, who may share it with a group on purpose;
        `mlsys doctor` says who can enter it.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.root

    @property
    def store(self) -> Path:
        """Folder of the content-addressed files."""
        return self.root / "store"

    @property
    def server_keys(self) -> Path:
        """File of the server's API keys."""
        return self.server_keys_file or self.root / "secrets" / "server_keys.json"

    def spec_path(self, pipeline: str) -> Path:
        """Return the spec file of a pipeline.

        Raises:
            UsageError: there is none.
        """
        known = sorted(file.stem for file in self.pipelines.glob("*.yaml"))
        if pipeline not in known:
            raise UsageError(
                f"There is no pipeline '{pipeline}'. {near_match(pipeline, known)}",
                where=str(self.pipelines),
                remedy="Each pipeline is one YAML file in that folder (MLSYS_PIPELINES)",
            )
        return self.pipelines / f"{pipeline}.yaml"


def load_settings() -> Settings:
    """Return the settings of this process's environment.

    Raises:
        UsageError: a variable has a wrong value; names the variable.
    """
    return from_environment(Settings)


def from_environment(kind: type[_Kind]) -> _Kind:
    """Return a group of settings as this process's environment gives them.

    Raises:
        UsageError: a variable has a wrong value; names the variable.
    """
    try:
        return kind()
    except ValidationError as error:
        item = error.errors()[0]
        name = kind.model_config.get("env_prefix", "") + str(item["loc"][0]).upper()
        raise UsageError(item["msg"].removeprefix("Value error, "), where=name, got=item["input"]) from None


def sample_command(place: str) -> str | None:
    """Return how to make what a place below MLSYS_HOME/samples should hold, or None where it is no sample's."""
    settings = load_settings()
    below = settings.root / "samples"
    if not Path(place).is_relative_to(below):
        return None
    name = Path(place).relative_to(below).parts[:1]
    maker = settings.samples / f"{Path(name[0]).stem}.py" if name else None
    return None if maker is None or not maker.is_file() else f"Make the sample: `mlsys samples make {maker.stem}`"


def expand(text: str) -> str:
    """Return `text` with `${NAME}` and `${NAME:-default}` filled from the environment; `${MLSYS_HOME}` always works.

    Raises:
        UsageError: a variable without default is not set.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name == "MLSYS_HOME":
            return str(load_settings().root)
        found = os.environ.get(name, default)
        if found is None:
            raise UsageError(f"The variable {name} is not set", where=text, remedy=f"Set {name} in the environment")
        return found

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}", value, text)
