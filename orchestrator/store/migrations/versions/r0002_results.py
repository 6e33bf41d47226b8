"""What belongs to jobs, and what stands beside them: results, events, schedules, workers."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES: dict[str, Sequence[SchemaItem]] = {
    "api_usage": (
        sa.Column("budget_id", Id, nullable=False),
        sa.Column("limit_name", sa.String(length=100), nullable=False),
        sa.Column("window_start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name="fk_api_usage_budget_id"),
        sa.PrimaryKeyConstraint("budget_id", "limit_name", "window_start", name="pk_api_usage"),
    ),
    "events": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("step_id", Id, nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_events_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    ),
    "row_errors": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("phase", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_row_errors_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_row_errors"),
    ),
    "error_codes": (
        sa.Column("job_id", Id, nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_error_codes_job_id"),
        sa.PrimaryKeyConstraint("job_id", "code", name="pk_error_codes"),
    ),
    "outbox": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("webhook_id", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("schedule_id", Id, nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("webhook_id", name="uq_outbox_webhook_id"),
    ),
    "deliveries": (
        sa.Column("outbox_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_deliveries_outbox_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("outbox_id", "number", name="pk_deliveries"),
    ),
    "idempotency_keys": (
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("route", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_idempotency_keys_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "key", name="pk_idempotency_keys"),
    ),
    "schedules": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("connection_id", Id, nullable=False),
        sa.Column("cron", sa.String(length=200), nullable=True),
        sa.Column("every_seconds", sa.Integer(), nullable=True),
        sa.Column("timezone", sa.String(length=60), server_default="UTC", nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("overlap", sa.String(length=10), server_default="skip", nullable=False),
        sa.Column("catch_up", sa.String(length=10), server_default="one", nullable=False),
        sa.Column("continue_from_last", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("notification_url", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("next_fire_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_schedules_connection_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_schedules_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_schedules_tenant_id_name"),
    ),
    "schedule_fires": (
        sa.Column("schedule_id", Id, nullable=False),
        sa.Column("fire_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), server_default="started", nullable=False),
        sa.Column("by_hand", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_schedule_fires_schedule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "fire_at", name="pk_schedule_fires"),
    ),
    "workers": (
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("consumed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    ),
    "chunks": (
        sa.Column("job_id", Id, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("rows_key", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("vendor_seq", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_chunks_job_id"),
        sa.PrimaryKeyConstraint("job_id", "seq", name="pk_chunks"),
    ),
    "parts": (
        sa.Column("job_id", Id, nullable=False),
        sa.Column("restart", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.String(length=10), nullable=False),
        sa.Column("step_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partition", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=True),
        sa.Column("first_key", sa.Text(), nullable=True),
        sa.Column("last_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_parts_job_id"),
        sa.PrimaryKeyConstraint("job_id", "restart", "stream", "step_id", "seq", name="pk_parts"),
        sa.UniqueConstraint("object_key", name="uq_parts_object_key"),
    ),
}

INDEXES: Sequence[tuple[str, str, Sequence[str], str | None, bool]] = (
    # name, table, columns, where, unique
    ("ix_outbox_due", "outbox", ("due_at",), "due_at IS NOT NULL", False),
    ("ix_outbox_job", "outbox", ("job_id", "id"), None, False),
    ("ix_schedule_fires_queued", "schedule_fires", ("schedule_id", "fire_at"), "state = 'queued'", False),
    ("ix_schedules_next", "schedules", ("next_fire_at",), None, False),
    ("ix_chunks_vendor", "chunks", ("job_id", "vendor_seq"), None, False),
    ("ix_events_job", "events", ("job_id", "id"), None, False),
    ("ix_events_suspected", "events", ("job_id",), "name = 'vendor_job.suspected_orphan'", False),
    ("ix_row_errors_job", "row_errors", ("job_id", "id"), None, False),
)


def upgrade() -> None:
    """Create the tables, then their indexes."""
    for table, items in TABLES.items():
        op.create_table(table, *items)
    for name, table, columns, where, unique in INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    """Drop the tables, with their indexes."""
    for table in reversed(TABLES):
        op.drop_table(table)
