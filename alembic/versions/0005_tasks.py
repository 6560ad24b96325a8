"""Jobs: batches, tasks, and the servers that do them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def belongs_to_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f(f"fk_{table}_account"))


def upgrade() -> None:
    batches()
    tasks()
    nodes()


def batches() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("webhook_url", sa.Text()),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        belongs_to_account("batches"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )


def tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("webhook_url", sa.Text()),
        sa.Column("batch", sa.String()),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reservation", sa.String()),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        *progress(),
        belongs_to_account("tasks"),
        sa.ForeignKeyConstraint(["batch"], ["batches.id"], name=op.f("fk_tasks_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    not_ended = sa.text("ended_at IS NULL")
    op.create_index("ix_tasks_open", "tasks", ["model", "turn"], sqlite_where=not_ended, postgresql_where=not_ended)
    op.create_index("ix_tasks_batch", "tasks", ["batch", "number"])
    op.create_index(op.f("ix_tasks_ended_at"), "tasks", ["ended_at"])


def progress() -> list[sa.Column[object]]:
    return [
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("node", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("error_code", sa.String()),
        sa.Column("error_message", sa.Text()),
        sa.Column("language", sa.String()),
        sa.Column("seconds", sa.Double()),
        sa.Column("text", sa.Text()),
        sa.Column("delivery", sa.String()),
        sa.Column("segments", sa.Text()),
    ]


def nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("taken_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
