"""What the service itself remembers: answers already given, schedules, living workers."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from orchestrator.store.tables.columns import Id, Micros, id_column, metadata

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
    id_column(),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("cron", String(200)),
    Column("every_seconds", Integer),
    Column("timezone", String(60), nullable=False, server_default="UTC"),
    Column("direction", String(10), nullable=False),
    Column("request", JSON, nullable=False),
    Column("criteria", JSON, nullable=False),
    Column("overlap", String(10), nullable=False, server_default="skip"),  # skip | queue | cancel
    Column("catch_up", String(10), nullable=False, server_default="one"),  # skip | one | all
    Column("continue_from_last", Boolean, nullable=False, server_default=text("false")),
    Column("notification_url", Text),
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
    Column("state", String(10), nullable=False, server_default="started"),
    Column("by_hand", Boolean, nullable=False, server_default=false()),
    Column("missed", Integer, nullable=False, server_default="0"),  # times before this one that started nothing
    Column("message", Text),
    Column("job_id", Id),
    Column("created_at", Micros, nullable=False),
)
_QUEUED = schedule_fires.c.state == literal_column("'queued'")
Index("ix_schedule_fires_queued", schedule_fires.c.schedule_id, schedule_fires.c.fire_at, postgresql_where=_QUEUED,
      sqlite_where=_QUEUED)  # fmt: skip

workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("queues", JSON, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("seen_at", Micros, nullable=False),
    Column("consumed_at", Micros),  # when it last took a message from a provider's queue
)
