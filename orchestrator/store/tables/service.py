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
    UniqueConstraint,
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
    Column("consumed_at", Micros),  # when it last took a message from a provider's queue
)
