"""Jobs, and what is told of them: their timeline, the rows that failed, the notifications to be sent."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    literal_column,
    text,
)

from orchestrator.store.tables.columns import Id, Micros, id_column, metadata

jobs = Table(
    "jobs",
    metadata,
    id_column(),
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
    Column("input_rows_key", Text),  # object with the rows that are meant; NULL: all of them
    Column("retry_of", Id),  # the job whose rows are sent again
    Column("retries", Integer, nullable=False, server_default="0"),
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
    Column("expires_at", Micros),  # from then on the ended job is forgotten; NULL: after the retention
    Column("restart_at", Micros),  # THROTTLED: when it goes on by itself
    sqlite_autoincrement=True,  # ids of forgotten jobs never come back: their objects may still be there
)
Index("ix_jobs_tenant", jobs.c.tenant_id, jobs.c.id)
Index("ix_jobs_budget", jobs.c.budget_id, jobs.c.status)
Index("ix_jobs_schedule", jobs.c.schedule_id, jobs.c.id, postgresql_where=jobs.c.schedule_id.is_not(None),
      sqlite_where=jobs.c.schedule_id.is_not(None))  # fmt: skip
Index("ix_jobs_expiring", jobs.c.expires_at, postgresql_where=jobs.c.expires_at.is_not(None),
      sqlite_where=jobs.c.expires_at.is_not(None))  # fmt: skip
Index("ix_jobs_throttled", jobs.c.restart_at, postgresql_where=jobs.c.status == "THROTTLED",
      sqlite_where=jobs.c.status == "THROTTLED")  # fmt: skip

events = Table(
    "events",
    metadata,
    id_column(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("step_id", Id),
    Column("name", String(60), nullable=False),
    Column("data", JSON, nullable=False),
    Column("at", Micros, nullable=False),
)
Index("ix_events_job", events.c.job_id, events.c.id)
SUSPECTED = events.c.name == literal_column("'vendor_job.suspected_orphan'")
Index("ix_events_suspected", events.c.job_id, postgresql_where=SUSPECTED, sqlite_where=SUSPECTED)

row_errors = Table(
    "row_errors",
    metadata,
    id_column(),
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

outbox = Table(
    "outbox",
    metadata,
    id_column(),
    Column("webhook_id", String(64), nullable=False, unique=True),
    Column("tenant_id", Id, nullable=False),
    Column("job_id", Id),  # NULL: it tells of a schedule
    Column("schedule_id", Id),
    Column("url", Text, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("body", JSON, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("attempts_before", Integer, nullable=False, server_default="0"),  # a redelivery: the waits begin anew
    Column("due_at", Micros),
    Column("delivered_at", Micros),
    Column("created_at", Micros, nullable=False),
)
Index("ix_outbox_job", outbox.c.job_id, outbox.c.id)
Index("ix_outbox_due", outbox.c.due_at, postgresql_where=outbox.c.due_at.is_not(None),
      sqlite_where=outbox.c.due_at.is_not(None))  # fmt: skip

deliveries = Table(
    "deliveries",
    metadata,
    Column("outbox_id", ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("began_at", Micros, nullable=False),
    Column("ended_at", Micros),  # NULL: it is on its way, or its process died
    Column("status", Integer),  # HTTP; NULL: there was no answer
    Column("cause", String(300)),
)
