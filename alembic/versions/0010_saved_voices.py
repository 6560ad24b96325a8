"""Saved voices: see `ttsai_server.store.saved_voices`."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "saved_voices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("gender", sa.String(), nullable=False),
        sa.Column("preview", sa.String(), nullable=False),
        sa.Column("similarity", sa.Double()),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("consent_key", sa.String(), nullable=False),
        sa.Column("consented_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name="fk_saved_voices_account"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_voices"),
        sa.UniqueConstraint("preview", name="uq_saved_voices_preview"),
    )
    op.create_index("ix_saved_voices_account", "saved_voices", ["account"])
    op.create_table(
        "voice_data",
        sa.Column("voice", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["voice"], ["saved_voices.id"], name="fk_voice_data_voice", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("voice", "name", name="pk_voice_data"),
    )
