"""How large the recording is that is kept with a saved voice: it counts in its account's share of the store."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("saved_voices", sa.Column("reference_bytes", sa.BigInteger(), nullable=False, server_default="0"))
