"""The first tables of the ledger, with the triggers that keep them append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("pipeline", sa.String(48), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        *columns,
        sa.Column("record", sa.Text, nullable=False),
    )
    _append_only(name)


def _text(name: str, *, index: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(200), nullable=nullable, index=index)


def _append_only(name: str) -> None:
    message = f"the ledger is append-only: {name} takes no UPDATE or DELETE"
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {name}_no_{action.lower()} BEFORE {action} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION mlsys_refuse('{message}')"
    )


def upgrade() -> None:
    """Create the tables."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE FUNCTION mlsys_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"
        )
    _table(
        "requests",
        _text("request_id", index=True),
        _text("run_id", index=True, nullable=True),
        _text("status"),
        _text("reason", nullable=True),
    )
    _table("runs", _text("run_id", index=True), _text("training_key", index=True), _text("status"))
    _table("candidates", _text("candidate_id", index=True), _text("run_id", index=True), _text("status"))
    _table("evaluations", _text("decision_key", index=True), _text("run_id", index=True))
    _table(
        "decisions",
        _text("decision_key"),
        _text("run_id", index=True),
        _text("outcome"),
        sa.UniqueConstraint("decision_key", name="one_decision_per_key"),
    )
    _table(
        "champion_changes",
        sa.Column("generation", sa.Integer, nullable=False),
        _text("candidate_id", index=True),
        _text("version"),
        _text("kind"),
        sa.UniqueConstraint("pipeline", "generation", name="one_champion_per_generation"),
    )
    _table(
        "partitions",
        _text("layout"),
        _text("day"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("pipeline", "layout", "day", "version", name="one_partition_per_version"),
    )
