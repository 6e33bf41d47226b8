"""Tenants, connections, jobs, vendor jobs and steps."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES: dict[str, Sequence[SchemaItem]] = {
    "tenants": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("notification_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("name", name="uq_tenants_name"),
    ),
    "webhook_secrets": (
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("signs_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_webhook_secrets_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "version", name="pk_webhook_secrets"),
    ),
    "api_keys": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_api_keys_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    ),
    "budgets": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("tenant_id", Id, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=True),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("reserve", sa.Float(), server_default="0", nullable=False),
        sa.Column("cap", sa.Integer(), server_default="16", nullable=False),
        sa.Column("vtime", sa.Float(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=True),
        sa.Column("blocked_by", sa.String(length=200), nullable=True),
        sa.Column("gate_until", sa.BigInteger(), nullable=True),
        sa.Column("circuit_until", sa.BigInteger(), nullable=True),
        sa.Column("learned", sa.JSON(), nullable=True),
        sa.Column("width", sa.Float(), nullable=True),
        sa.Column("shrunk_at", sa.BigInteger(), nullable=True),
        sa.Column("grown_at", sa.BigInteger(), nullable=True),
        sa.Column("latency", sa.Float(), nullable=True),
        sa.Column("usual_latency", sa.Float(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_budgets_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_budgets_tenant_id_name"),
    ),
    "connections": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("budget_id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("credential_type", sa.String(length=50), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("credentials_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("auth_state", sa.String(length=20), server_default="ok", nullable=False),
        sa.Column("refresh_owner", sa.String(length=64), nullable=True),
        sa.Column("refresh_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name="fk_connections_budget_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_connections_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_connections_tenant_id_name"),
    ),
    "jobs": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("connection_id", Id, nullable=False),
        sa.Column("budget_id", Id, nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("object_name", sa.String(length=200), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("stop_reason", sa.String(length=40), nullable=True),
        sa.Column("status_message", sa.Text(), nullable=True),
        sa.Column("native", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("input_key", sa.Text(), nullable=True),
        sa.Column("input_bytes", sa.BigInteger(), nullable=True),
        sa.Column("input_rows_key", sa.Text(), nullable=True),
        sa.Column("retry_of", Id, nullable=True),
        sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rows_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_stored", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_filtered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_cut", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_undated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_sent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_refused", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_unprocessed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_invalid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("byte_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("vendor_counted", sa.BigInteger(), nullable=True),
        sa.Column("api_limit", sa.Integer(), nullable=True),
        sa.Column("api_calls_day", sa.BigInteger(), nullable=True),
        sa.Column("api_calls_today", sa.Integer(), server_default="0", nullable=False),
        sa.Column("api_calls_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("restarts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("weight", sa.Float(), server_default="1", nullable=False),
        sa.Column("vtime", sa.Float(), server_default="0", nullable=False),
        sa.Column("auto_restart", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("give_up_after", sa.BigInteger(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pause_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("meta", sa.JSON(), nullable=False),
        sa.Column("default_select_fields", sa.JSON(), nullable=True),
        sa.Column("schedule_id", Id, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("progress_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("restart_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name="fk_jobs_budget_id"),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_jobs_connection_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_jobs_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    ),
    "steps": (
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("budget_id", Id, nullable=False),
        sa.Column("connection_id", Id, nullable=False),
        sa.Column("provider", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("vendor_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("partition", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column("next_part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("hinted_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("vtime", sa.Float(), server_default="0", nullable=False),
        sa.Column("api_held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("api_day", sa.BigInteger(), nullable=True),
        sa.Column("wait_reason", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_steps_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_steps"),
        sa.UniqueConstraint(
            "job_id", "kind", "vendor_seq", "partition", name="uq_steps_job_id_kind_vendor_seq_partition"
        ),
    ),
    "vendor_jobs": (
        sa.Column("job_id", Id, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("marker", sa.String(length=100), nullable=False),
        sa.Column("remote_id", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("intent_at", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("processed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("adopted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reaped_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_vendor_jobs_job_id"),
        sa.PrimaryKeyConstraint("job_id", "seq", name="pk_vendor_jobs"),
        sa.UniqueConstraint("marker", name="uq_vendor_jobs_marker"),
    ),
}

INDEXES: Sequence[tuple[str, str, Sequence[str], str | None, bool]] = (
    # name, table, columns, where, unique
    ("ix_jobs_budget", "jobs", ("budget_id", "status"), None, False),
    ("ix_jobs_schedule", "jobs", ("schedule_id", "id"), "schedule_id IS NOT NULL", False),
    ("ix_jobs_tenant", "jobs", ("tenant_id", "id"), None, False),
    ("ix_jobs_expiring", "jobs", ("expires_at",), "expires_at IS NOT NULL", False),
    ("ix_jobs_throttled", "jobs", ("restart_at",), "status = 'THROTTLED'", False),
    ("ix_steps_due", "steps", ("budget_id", "vtime", "due_at"), "state = 'ready'", False),
    ("ix_steps_hinted", "steps", ("budget_id", "hinted_until"), "state = 'ready' AND hinted_until IS NOT NULL", False),
    ("ix_steps_leased", "steps", ("budget_id", "lease_until"), "lease_until IS NOT NULL", False),
    ("ix_steps_ready", "steps", ("budget_id", "due_at"), "state = 'ready'", False),
    (
        "ix_steps_short",
        "steps",
        ("budget_id", "vtime", "due_at"),
        "state = 'ready' AND (kind NOT IN ('fetch', 'upload'))",
        False,
    ),
    ("ix_vendor_jobs_remote", "vendor_jobs", ("remote_id",), None, False),
    (
        "ix_vendor_jobs_unreaped",
        "vendor_jobs",
        ("job_id",),
        "reaped_at IS NULL AND remote_id IS NOT NULL AND state IN ('abandoned', 'filled', 'open')",
        False,
    ),
)


def upgrade() -> None:
    """Create the tables, then their indexes."""
    for table, items in TABLES.items():
        op.create_table(table, *items, sqlite_autoincrement=table == "jobs")
    for name, table, columns, where, unique in INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    """Drop the tables, with their indexes."""
    for table in reversed(TABLES):
        op.drop_table(table)
