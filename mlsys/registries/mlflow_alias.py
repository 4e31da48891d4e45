"""Whom MLflow's alias names, asked of its database alone: nothing of MLflow is loaded, so that one may ask often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlsys.database.making import sqlite_file
from mlsys.registries.mlflow_content import CANDIDATE_TAG

_TABLE = "registered_model_aliases"


@dataclass(frozen=True)
class Aliased:
    """The version that an alias names, and the candidate that its tag names; None of a version that is not ours."""

    version: str
    candidate: str | None


def can_be_asked(url: str) -> bool:
    """Return whether MLflow's tables are in reach: they are not behind the address of a server."""
    return url.startswith(("sqlite:///", "postgresql"))


def aliased(url: str, pipeline: str, alias: str) -> Aliased | None:
    """Return what the alias of a registered model names, or None: also where MLflow has no tables yet.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    import sqlalchemy as sa

    file = sqlite_file(url)
    if file is not None and not Path(file).exists():
        return None  # asking would make it
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(_TABLE):
                return None
            aliases = sa.table(_TABLE, sa.column("name"), sa.column("alias"), sa.column("version"))
            tags = sa.table("model_version_tags", *map(sa.column, ("name", "version", "key", "value")))
            of_it = sa.and_(
                tags.c.name == aliases.c.name, tags.c.version == aliases.c.version, tags.c.key == CANDIDATE_TAG
            )
            row = connection.execute(
                sa.select(aliases.c.version, tags.c.value)
                .select_from(aliases.outerjoin(tags, of_it))
                .where(aliases.c.name == pipeline, aliases.c.alias == alias)
            ).first()
    finally:
        engine.dispose()
    return None if row is None else Aliased(str(row[0]), row[1])
