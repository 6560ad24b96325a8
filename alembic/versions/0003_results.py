"""Results, and the files of their store that are none."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"


def upgrade() -> None:
    results()
    loose_files()


def results() -> None:
    op.create_table(
        "results",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_results_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint("file", name=op.f("uq_results_file")),
    )
    op.create_index(op.f("ix_results_account"), "results", ["account"])
    op.create_index(op.f("ix_results_expires_at"), "results", ["expires_at"])


def loose_files() -> None:
    op.create_table(
        "loose_files",
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("writing", sa.Boolean(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_loose_files")),
    )
    op.create_index(op.f("ix_loose_files_until"), "loose_files", ["until"])
