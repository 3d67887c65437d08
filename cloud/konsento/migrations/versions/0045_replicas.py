"""Several processes: what each of them serves, and which of them holds a station's connection."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0045"
down_revision: Final = "0020"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.create_table(
        "station_owners",
        sa.Column("station_id", sa.String(length=48), nullable=False),
        sa.Column("replica_id", sa.Uuid(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_owners")),
    )
    op.create_index(op.f("ix_station_owners_replica_id"), "station_owners", ["replica_id"])
    with op.batch_alter_table("replicas") as replicas:
        replicas.add_column(sa.Column("roles", sa.String(length=60), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("replicas") as replicas:
        replicas.drop_column("roles")
    op.drop_index(op.f("ix_station_owners_replica_id"), table_name="station_owners")
    op.drop_table("station_owners")
