"""The tables. Times are Unix seconds; amounts are whole credits.

accounts ─┬─ keys
          ├─ ledger         every change of `accounts.available`, so that sum(ledger.amount) == accounts.available
          ├─ reservations   credits reserved while a request runs; sum(open amounts) == accounts.reserved
          ├─ usage          work that was done for credits
          ├─ idempotency    stored answers, for a repeated Idempotency-Key
          ├─ results        results of jobs; their bytes are files of the results store
          ├─ batches ── tasks      jobs: order, progress, outcome
          ├─ conversations ── conversation_turns
          ├─ saved_voices ── voice_data   voices made from recordings: for their account only
          ├─ webhook_secrets       the secrets that sign an account's webhooks
          └─ webhook_deliveries ── webhook_attempts
audit                       who has changed what; the database itself refuses to change or delete its rows
loose_files                 files of the results store that are not a result yet, or no longer
"""

from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
    false,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Naming scheme of constraints, so that a migration finds them on both databases."""

metadata = MetaData(naming_convention=NAMES)

SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite assigns row numbers only to primary keys of type INTEGER."""


def _account(*, index: bool = False, primary_key: bool = False) -> Column[str]:
    return Column("account", String, ForeignKey("accounts.id"), nullable=False, index=index, primary_key=primary_key)


def _paid_with() -> Column[str]:
    """Id of the key with which work was asked for; empty: with none, or it was not recorded yet."""
    return Column("key", String, nullable=False, server_default="")


def _lease() -> list[Column[Any]]:
    """The process that works on the row, and when its lease expires; see `leases`."""
    return [Column("holder", String), Column("lease_until", Double)]


accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("plan", String, nullable=False),
    Column("available", BigInteger, CheckConstraint("available >= 0", name="available"), nullable=False),
    Column("reserved", BigInteger, CheckConstraint("reserved >= 0", name="reserved"), nullable=False),
    Column("created_at", Double, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    _account(index=True),
    Column("kind", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
    Column("prefix", String, nullable=False),
    Column("label", String, nullable=False),
    Column("origins", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("used_at", Double),
    Column("admin", Boolean, nullable=False, server_default=false()),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", SERIAL, primary_key=True),
    _account(index=True),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reservation", String),
    Column("note", Text, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", String, primary_key=True),
    _account(),
    Column("amount", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("expires_at", Double, nullable=False),
    *_lease(),
    _paid_with(),
)
# plain SQL that both databases accept: an Index with `postgresql_where` would import SQLAlchemy's Postgres dialect,
# 60 ms per start
OPEN = DDL("CREATE INDEX ix_reservations_open ON reservations (expires_at) WHERE state = 'open'")
event.listen(reservations, "after_create", OPEN)
LEASED = DDL("CREATE INDEX ix_reservations_leased ON reservations (lease_until) WHERE state = 'open'")
event.listen(reservations, "after_create", LEASED)

usage = Table(
    "usage",
    metadata,
    Column("id", SERIAL, primary_key=True),
    _account(),
    Column("at", Double, nullable=False),
    Column("service", String, nullable=False),
    Column("model", String, nullable=False),
    Column("characters", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("credits", BigInteger, nullable=False),
    _paid_with(),
)
Index("ix_usage_account_at", usage.c.account, usage.c.at)

idempotency = Table(
    "idempotency",
    metadata,
    _account(primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("state", String, nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", Text),
    Column("expires_at", Double, nullable=False, index=True),
    Column("id", String),
    *_lease(),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("conversation", String),
)
RUNNING = DDL("CREATE INDEX ix_idempotency_running ON idempotency (id) WHERE state = 'running'")
event.listen(idempotency, "after_create", RUNNING)

results = Table(
    "results",
    metadata,
    Column("id", String, primary_key=True),
    Column("file", String, nullable=False, unique=True),
    _account(index=True),
    Column("name", String, nullable=False),
    Column("content_type", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)

loose_files = Table(
    "loose_files",
    metadata,
    Column("file", String, primary_key=True),
    Column("writing", Boolean, nullable=False),
    Column("until", Double, nullable=False, index=True),
)

batches = Table(
    "batches",
    metadata,
    Column("id", String, primary_key=True),
    _account(),
    Column("webhook_url", Text),
    Column("base_url", Text, nullable=False),
    Column("open", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
)

jobs = Table(
    "tasks",
    metadata,
    Column("id", String, primary_key=True),
    _account(),
    Column("plan", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("model", String, nullable=False),
    Column("spec", Text, nullable=False),
    Column("name", String, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("webhook_url", Text),
    Column("batch", String, ForeignKey("batches.id")),
    Column("number", Integer, nullable=False),
    Column("reservation", String),
    Column("credits", BigInteger, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("progress", Double, nullable=False),
    Column("node", String),
    Column("attempts", Integer, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("error_code", String),
    Column("error_message", Text),
    Column("language", String),
    Column("seconds", Double),
    Column("text", Text),
    Column("segments", Text),
    *_lease(),
    Column("warnings", JSON(none_as_null=True)),
    _paid_with(),
    Column("trace", String),
)
NOT_ENDED = DDL("CREATE INDEX ix_tasks_open ON tasks (model, turn) WHERE ended_at IS NULL")
event.listen(jobs, "after_create", NOT_ENDED)
BEGUN = DDL("CREATE INDEX ix_tasks_begun ON tasks (attempts, turn) WHERE ended_at IS NULL AND attempts > 0")
event.listen(jobs, "after_create", BEGUN)
ENDED = DDL("CREATE INDEX ix_tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL")
event.listen(jobs, "after_create", ENDED)
Index("ix_tasks_batch", jobs.c.batch, jobs.c.number)
Index("ix_tasks_account_created_at", jobs.c.account, jobs.c.created_at, jobs.c.id)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),
    _account(),
    Column("system_prompt", Text),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)
Index("ix_conversations_account_expires_at", conversations.c.account, conversations.c.expires_at)

conversation_turns = Table(
    "conversation_turns",
    metadata,
    Column("conversation", String, ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("user_text", Text, nullable=False),
    Column("ai_text", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("sound", String),
)

saved_voices = Table(
    "saved_voices",
    metadata,
    Column("id", String, primary_key=True),
    _account(index=True),
    Column("name", String, nullable=False),
    Column("model", String, nullable=False),
    Column("language", String, nullable=False),
    Column("gender", String, nullable=False),
    Column("preview", String, nullable=False, unique=True),
    Column("similarity", Double),
    Column("digest", String, nullable=False),
    Column("consent", Text, nullable=False),
    Column("consent_key", String, nullable=False),
    Column("consented_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("reference_bytes", BigInteger, nullable=False, server_default="0"),
)

voice_data = Table(
    "voice_data",
    metadata,
    Column("voice", String, ForeignKey("saved_voices.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# secret and previous are encrypted: see `secret_box`
webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    _account(primary_key=True),
    Column("secret", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("previous", String),
    Column("previous_until", Double),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String, primary_key=True),
    _account(),
    Column("task", String, nullable=False),
    Column("event", String, nullable=False),
    Column("url", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    Column("next_attempt", Double),
    *_lease(),
)
PENDING = DDL("CREATE INDEX ix_webhook_deliveries_pending ON webhook_deliveries (next_attempt) WHERE state = 'pending'")
event.listen(webhook_deliveries, "after_create", PENDING)
Index("ix_webhook_deliveries_account_created_at", webhook_deliveries.c.account, webhook_deliveries.c.created_at)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery", String, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("excerpt", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("at", Double, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
)
Index("ix_audit_target", audit.c.target, audit.c.id)
APPEND_ONLY = {
    "sqlite": [
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''the audit log is append-only''; END'",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ],
}
"""Dialect → what makes its database refuse to change or delete rows of the audit log."""
for dialect, statements in APPEND_ONLY.items():
    for statement in statements:
        event.listen(audit, "after_create", DDL(statement).execute_if(dialect=dialect))
