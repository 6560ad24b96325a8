"""The sound of each turn, so that it is deleted with its conversation; earlier ones expire as other results do."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("conversation_turns", sa.Column("sound", sa.String()))
