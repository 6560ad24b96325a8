"""Sizes of the stored answers; those stored before count nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"))
