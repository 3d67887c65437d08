"""Frames are numbered, say how long an answer took, and are found by action and error; what is measured on a line."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0046"
down_revision: Final = "0044"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)
COLUMNS: Final = "at, station_id, direction, type, action, message_id, transaction_id, remote_start_id, evse_id, text"
NEW: Final = """
CASE WHEN action NOT IN ('TransactionEvent', 'MeterValues', 'StatusNotification', 'Heartbeat', '') THEN action END,
CASE WHEN type IN ('CALLERROR', 'CALLRESULTERROR', 'unreadable') THEN {true} END
"""
PARTIAL: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("transaction", ("transaction_id", "station_id"), "transaction_id"),
    ("start", ("station_id", "remote_start_id"), "remote_start_id"),
    ("outlet", ("station_id", "evse_id", "at"), "evse_id"),
    ("failed", ("failed", "at"), "failed"),
    ("rare", ("rare_action", "at"), "rare_action"),
)
BEFORE: Final[tuple[tuple[str, ...], ...]] = (
    ("station_id", "at"),
    ("station_id", "transaction_id"),
    ("station_id", "remote_start_id"),
    ("station_id", "evse_id", "at"),
)


def _frames(number: sa.Column[object], *more: sa.Column[object]) -> None:
    op.create_table(
        "ocpp_frames",
        number,
        sa.Column("at", TIME, nullable=False),
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("direction", WORD, nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("transaction_id", sa.String(length=36), nullable=True),
        sa.Column("remote_start_id", sa.Integer(), nullable=True),
        sa.Column("evse_id", sa.Integer(), nullable=True),
        *more,
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ocpp_frames")),
    )
    op.create_index(op.f("ix_ocpp_frames_at"), "ocpp_frames", ["at"])
    op.create_index("ix_ocpp_frames_station_id_at", "ocpp_frames", ["station_id", "at"])


def _put_aside() -> None:
    # The names of constraints and indexes are needed again.
    op.drop_index(op.f("ix_ocpp_frames_at"), table_name="ocpp_frames")
    op.drop_index("ix_ocpp_frames_station_id_at", table_name="ocpp_frames")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE ocpp_frames RENAME CONSTRAINT pk_ocpp_frames TO pk_frames_before")
    op.rename_table("ocpp_frames", "frames_before")


def upgrade() -> None:
    for columns in BEFORE[1:]:
        op.drop_index(f"ix_ocpp_frames_{'_'.join(columns)}", table_name="ocpp_frames")
    _put_aside()
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    _frames(
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("rare_action", sa.String(length=64), nullable=True),
        sa.Column("failed", sa.Boolean(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=True),
    )
    new = NEW.format(true="1" if op.get_context().dialect.name == "sqlite" else "TRUE")
    op.execute(
        f"INSERT INTO ocpp_frames ({COLUMNS}, rare_action, failed) "  # noqa: S608  # nobody's words
        f"SELECT {COLUMNS}, {new} FROM frames_before ORDER BY at, id"
    )
    op.drop_table("frames_before")
    for name, columns, of in PARTIAL:
        where = sa.text(f"{of} IS NOT NULL")
        op.create_index(
            f"ix_ocpp_frames_{name}", "ocpp_frames", list(columns), sqlite_where=where, postgresql_where=where
        )
    op.create_table(
        "station_links",
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("process", sa.String(length=100), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("connected_at", TIME, nullable=False),
        sa.Column("gone_at", TIME, nullable=True),
        sa.Column("connects", sa.JSON(), nullable=False),
        sa.Column("waiting_calls", sa.Integer(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("frames_in", sa.BigInteger(), nullable=False),
        sa.Column("frames_out", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("last_in_at", TIME, nullable=True),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=100), nullable=False),
        sa.Column("last_error_at", TIME, nullable=True),
        sa.Column("call_ms", sa.Double(), nullable=True),
        sa.Column("call_median_ms", sa.Double(), nullable=True),
        sa.Column("call_worst_ms", sa.Double(), nullable=True),
        sa.Column("ping_ms", sa.Double(), nullable=True),
        sa.Column("ping_median_ms", sa.Double(), nullable=True),
        sa.Column("ping_worst_ms", sa.Double(), nullable=True),
        sa.Column("clock_ahead_s", sa.Double(), nullable=True),
        sa.Column("clock_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_links")),
    )


def downgrade() -> None:
    op.drop_table("station_links")
    for name, _, _ in PARTIAL:
        op.drop_index(f"ix_ocpp_frames_{name}", table_name="ocpp_frames")
    _put_aside()
    _frames(sa.Column("id", sa.Uuid(), nullable=False))
    # Numbers become ids that sort as they did.
    number = "printf('%032d', id)" if op.get_context().dialect.name == "sqlite" else "lpad(id::text, 32, '0')::uuid"
    op.execute(f"INSERT INTO ocpp_frames (id, {COLUMNS}) SELECT {number}, {COLUMNS} FROM frames_before")  # noqa: S608
    op.drop_table("frames_before")
    for columns in BEFORE[1:]:
        partial = sa.text("evse_id IS NOT NULL") if "evse_id" in columns else None
        op.create_index(
            f"ix_ocpp_frames_{'_'.join(columns)}",
            "ocpp_frames",
            list(columns),
            sqlite_where=partial,
            postgresql_where=partial,
        )
