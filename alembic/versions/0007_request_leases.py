"""Leases of reservations and idempotency keys: see `ttsai_server.store.request_leases`.

A key that was claimed before has no lease, so a repeat of its request runs anew; a reservation returns when it expires.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("id", sa.String()))
    for table in ("reservations", "idempotency"):
        op.add_column(table, sa.Column("holder", sa.String()))
        op.add_column(table, sa.Column("lease_until", sa.Double()))
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_reservations_leased", "reservations", ["lease_until"], sqlite_where=is_open, postgresql_where=is_open
    )
    running = sa.text("state = 'running'")
    op.create_index("ix_idempotency_running", "idempotency", ["id"], sqlite_where=running, postgresql_where=running)
