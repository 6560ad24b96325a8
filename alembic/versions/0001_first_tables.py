"""The first tables: accounts, their keys, and their money."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def account() -> sa.Column[str]:
    return sa.Column("account", sa.String(), nullable=False)


def belongs_to_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f(f"fk_{table}_account"))


def upgrade() -> None:
    accounts()
    keys()
    ledger()
    reservations()
    usage()
    idempotency()


def accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.CheckConstraint("available >= 0", name=op.f("ck_accounts_available")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_accounts_reserved")),
    )


def keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(), nullable=False),
        account(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double()),
        sa.Column("revoked_at", sa.Double()),
        sa.Column("used_at", sa.Double()),
        belongs_to_account("keys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_keys_hash")),
    )
    op.create_index(op.f("ix_keys_account"), "keys", ["account"])


def ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", SERIAL, nullable=False),
        account(),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reservation", sa.String()),
        sa.Column("note", sa.Text(), nullable=False),
        belongs_to_account("ledger"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_account"), "ledger", ["account"])


def reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", sa.String(), nullable=False),
        account(),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        belongs_to_account("reservations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
    )
    still_open = sa.text("state = 'open'")
    op.create_index(
        "ix_reservations_open", "reservations", ["expires_at"], sqlite_where=still_open, postgresql_where=still_open
    )


def usage() -> None:
    op.create_table(
        "usage",
        sa.Column("id", SERIAL, nullable=False),
        account(),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        belongs_to_account("usage"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage")),
    )
    op.create_index("ix_usage_account_at", "usage", ["account", "at"])


def idempotency() -> None:
    op.create_table(
        "idempotency",
        account(),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("headers", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("expires_at", sa.Double(), nullable=False),
        belongs_to_account("idempotency"),
        sa.PrimaryKeyConstraint("account", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_expires_at"), "idempotency", ["expires_at"])
