"""Which conversation a kept answer belongs to, so that it is deleted with it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("conversation", sa.String()))
