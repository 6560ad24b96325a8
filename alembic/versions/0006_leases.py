"""Leases of jobs and webhook deliveries, which replace the servers' table: see `ttsai_server.store.leases`.

What waited or ran under the scheme before has no lease, and is taken up by the next server that looks. The tables of
DBOS, which used to keep the queue, are left as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for table in ("tasks", "webhook_deliveries"):
        op.add_column(table, sa.Column("holder", sa.String()))
        op.add_column(table, sa.Column("lease_until", sa.Double()))
    op.drop_column("tasks", "delivery")
    begun = sa.text("ended_at IS NULL AND attempts > 0")
    op.create_index("ix_tasks_begun", "tasks", ["attempts", "turn"], sqlite_where=begun, postgresql_where=begun)
    pending = sa.text("state = 'pending'")
    op.create_index(
        "ix_webhook_deliveries_pending",
        "webhook_deliveries",
        ["next_attempt"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    # of those that have ended only: SQLite would take it to find those that have not, which may be many
    ended = sa.text("ended_at IS NOT NULL")
    op.drop_index("ix_tasks_ended_at", "tasks")
    op.create_index("ix_tasks_ended", "tasks", ["ended_at"], sqlite_where=ended, postgresql_where=ended)
    op.drop_table("nodes")
