"""All tables. Times are BIGINT microseconds UTC of the database's own clock; JSON is text-backed on both databases."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives rowids only to INTEGER; both databases hold 64 bits in it.
Id = BigInteger().with_variant(Integer(), "sqlite")
Micros = BigInteger


def _id() -> Column[int]:
    return Column("id", Id, primary_key=True, autoincrement=True)


tenants = Table(
    "tenants",
    metadata,
    _id(),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", Micros, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Micros, nullable=False),
    Column("revoked_at", Micros),
)

budgets = Table(
    "budgets",
    metadata,
    _id(),
    Column("tenant_id", ForeignKey("tenants.id")),  # NULL: shared, made by an installation admin
    Column("name", String(200), nullable=False),
    Column("provider", String(50), nullable=False),
    Column("account", String(200)),
    Column("limits", JSON, nullable=False),
    Column("reserve", Float, nullable=False, server_default="0"),
    Column("cap", Integer, nullable=False, server_default="16"),  # turns at once
    Column("vtime", Float, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("blocked_until", Micros),
    Column("blocked_by", String(200)),
    Column("gate_until", Micros),
    Column("learned", JSON),
    Column("created_at", Micros, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

connections = Table(
    "connections",
    metadata,
    _id(),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("budget_id", ForeignKey("budgets.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("provider", String(50), nullable=False),
    Column("base_url", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("credential_type", String(50), nullable=False),
    Column("credentials", Text, nullable=False),  # sealed; see secrets.py
    Column("credentials_version", Integer, nullable=False, server_default="1"),
    Column("auth_state", String(20), nullable=False, server_default="ok"),  # ok | reauthorize
    Column("refresh_owner", String(64)),
    Column("refresh_until", Micros),
    Column("created_at", Micros, nullable=False),
    Column("updated_at", Micros, nullable=False),
    Column("removed_at", Micros),  # its jobs still name it; the credentials are gone
    UniqueConstraint("tenant_id", "name"),
)

jobs = Table(
    "jobs",
    metadata,
    _id(),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("budget_id", ForeignKey("budgets.id"), nullable=False),
    Column("provider", String(50), nullable=False),
    Column("direction", String(10), nullable=False),
    Column("object_name", String(200), nullable=False),
    Column("criteria", JSON, nullable=False),
    Column("request", JSON, nullable=False),  # the body as the user sent it, shown back as jobCriteria
    Column("status", String(30), nullable=False),
    Column("outcome", String(20)),
    Column("stop_reason", String(40)),
    Column("status_message", Text),
    Column("native", Boolean, nullable=False, server_default=false()),
    Column("input_key", Text),
    Column("input_bytes", BigInteger),
    Column("open_steps", Integer, nullable=False, server_default="0"),
    Column("rows_read", BigInteger, nullable=False, server_default="0"),
    Column("rows_stored", BigInteger, nullable=False, server_default="0"),
    Column("rows_filtered", BigInteger, nullable=False, server_default="0"),
    Column("rows_cut", BigInteger, nullable=False, server_default="0"),
    Column("rows_undated", BigInteger, nullable=False, server_default="0"),
    Column("rows_sent", BigInteger, nullable=False, server_default="0"),
    Column("rows_accepted", BigInteger, nullable=False, server_default="0"),
    Column("rows_refused", BigInteger, nullable=False, server_default="0"),
    Column("rows_unprocessed", BigInteger, nullable=False, server_default="0"),
    Column("rows_invalid", BigInteger, nullable=False, server_default="0"),
    Column("byte_count", BigInteger, nullable=False, server_default="0"),
    Column("error_count", BigInteger, nullable=False, server_default="0"),
    Column("vendor_counted", BigInteger),
    Column("api_limit", Integer),
    Column("api_calls_day", BigInteger),  # days since 1970-01-01 UTC
    Column("api_calls_today", Integer, nullable=False, server_default="0"),
    Column("api_calls_total", BigInteger, nullable=False, server_default="0"),
    Column("restarts", Integer, nullable=False, server_default="0"),
    Column("weight", Float, nullable=False, server_default="1"),
    Column("vtime", Float, nullable=False, server_default="0"),
    Column("auto_restart", Boolean, nullable=False, server_default=text("true")),
    Column("give_up_after", Micros, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("pause_requested", Boolean, nullable=False, server_default=false()),
    Column("meta", JSON, nullable=False),
    Column("default_select_fields", JSON),
    Column("schedule_id", Id),
    Column("created_at", Micros, nullable=False),
    Column("started_at", Micros),
    Column("progress_at", Micros, nullable=False),
    Column("completed_at", Micros),
    Column("restart_at", Micros),  # THROTTLED: when it goes on by itself
    sqlite_autoincrement=True,  # ids of forgotten jobs never come back: their objects may still be there
)
Index("ix_jobs_tenant", jobs.c.tenant_id, jobs.c.id)
Index("ix_jobs_budget", jobs.c.budget_id, jobs.c.status)
Index("ix_jobs_throttled", jobs.c.restart_at, postgresql_where=jobs.c.status == "THROTTLED",
      sqlite_where=jobs.c.status == "THROTTLED")  # fmt: skip

vendor_jobs = Table(
    "vendor_jobs",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("marker", String(100), nullable=False, unique=True),
    Column("remote_id", String(100)),
    Column("state", String(20), nullable=False),
    Column("intent_at", Micros),
    Column("rows", BigInteger, nullable=False, server_default="0"),
    Column("processed", BigInteger, nullable=False, server_default="0"),
    Column("errors", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger),
    Column("created_at", Micros, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    _id(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("budget_id", Id, nullable=False),
    Column("connection_id", Id, nullable=False),
    Column("provider", String(50), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("vendor_seq", BigInteger, nullable=False, server_default="0"),
    Column("partition", BigInteger, nullable=False, server_default="0"),
    Column("state", String(10), nullable=False),
    Column("cursor", JSON, nullable=False),
    Column("next_part", Integer, nullable=False, server_default="0"),
    Column("due_at", Micros, nullable=False),
    Column("hinted_until", Micros),
    Column("lease_epoch", Integer, nullable=False, server_default="0"),
    Column("lease_owner", String(64)),
    Column("lease_until", Micros),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("vtime", Float, nullable=False, server_default="0"),
    Column("api_held", Integer, nullable=False, server_default="0"),
    Column("api_day", BigInteger),
    Column("wait_reason", String(40)),
    Column("created_at", Micros, nullable=False),
    UniqueConstraint("job_id", "kind", "vendor_seq", "partition"),
)
_READY = steps.c.state == "ready"
_HINTED = _READY & steps.c.hinted_until.is_not(None)
_LEASED = steps.c.lease_until.is_not(None)
Index("ix_steps_due", steps.c.budget_id, steps.c.vtime, steps.c.due_at, postgresql_where=_READY, sqlite_where=_READY)
Index("ix_steps_ready", steps.c.due_at, steps.c.budget_id, postgresql_where=_READY, sqlite_where=_READY)
Index("ix_steps_hinted", steps.c.budget_id, steps.c.hinted_until, postgresql_where=_HINTED, sqlite_where=_HINTED)
Index("ix_steps_leased", steps.c.budget_id, steps.c.lease_until, postgresql_where=_LEASED, sqlite_where=_LEASED)

chunks = Table(
    "chunks",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("object_key", Text, nullable=False),
    Column("rows_key", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("first_row", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, server_default=""),
    Column("vendor_seq", BigInteger, nullable=False),
    Column("remote_id", String(100)),
    Column("state", String(20), nullable=False),
)
Index("ix_chunks_vendor", chunks.c.job_id, chunks.c.vendor_seq)

parts = Table(
    "parts",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("restart", Integer, primary_key=True, autoincrement=False),
    Column("stream", String(10), primary_key=True),
    Column("step_id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("partition", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("crc32", BigInteger, nullable=False),
    Column("first_row", BigInteger),
    Column("first_key", Text),
    Column("last_key", Text),
)

row_errors = Table(
    "row_errors",
    metadata,
    _id(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("row", BigInteger),
    Column("identifier", Text),
    Column("code", String(100), nullable=False),
    Column("message", Text, nullable=False),
    Column("retryable", Boolean, nullable=False),
    Column("phase", String(20), nullable=False),
    Column("at", Micros, nullable=False),
)
Index("ix_row_errors_job", row_errors.c.job_id, row_errors.c.id)

error_codes = Table(
    "error_codes",
    metadata,
    Column("job_id", ForeignKey("jobs.id"), primary_key=True),
    Column("code", String(100), primary_key=True),
    Column("count", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    _id(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("step_id", Id),
    Column("name", String(60), nullable=False),
    Column("data", JSON, nullable=False),
    Column("at", Micros, nullable=False),
)
Index("ix_events_job", events.c.job_id, events.c.id)

api_usage = Table(
    "api_usage",
    metadata,
    Column("budget_id", ForeignKey("budgets.id"), primary_key=True),
    Column("limit_name", String(100), primary_key=True),
    Column("window_start", Micros, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("webhook_id", String(64), nullable=False, unique=True),
    Column("tenant_id", Id, nullable=False),
    Column("job_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("body", JSON, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Micros),
    Column("delivered_at", Micros),
    Column("created_at", Micros, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("route", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary),
    Column("locked_until", Micros),
    Column("created_at", Micros, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    _id(),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("cron", String(200)),
    Column("every_seconds", Integer),
    Column("timezone", String(60), nullable=False, server_default="UTC"),
    Column("direction", String(10), nullable=False),
    Column("request", JSON, nullable=False),
    Column("criteria", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("next_fire_at", Micros, nullable=False),
    Column("created_at", Micros, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)
Index("ix_schedules_next", schedules.c.next_fire_at)

schedule_fires = Table(
    "schedule_fires",
    metadata,
    Column("schedule_id", ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True),
    Column("fire_at", Micros, primary_key=True, autoincrement=False),
    Column("job_id", Id),
    Column("created_at", Micros, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("queues", JSON, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("seen_at", Micros, nullable=False),
)
