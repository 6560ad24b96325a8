"""The trace that a task belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("trace", sa.String()))
