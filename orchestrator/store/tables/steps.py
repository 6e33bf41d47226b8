"""What a job is made of: steps, vendor jobs, chunks of its input, parts of its result."""

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
    UniqueConstraint,
    false,
    literal_column,
)

from orchestrator.store.tables.columns import Id, Micros, id_column, metadata

steps = Table(
    "steps",
    metadata,
    id_column(),
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
# Written out, not bound: a query finds a partial index only by the words of its condition.
READY = steps.c.state == literal_column("'ready'")
SHORT = steps.c.kind.not_in([literal_column("'fetch'"), literal_column("'upload'")])
_SHORT = READY & SHORT
_HINTED = READY & steps.c.hinted_until.is_not(None)
_LEASED = steps.c.lease_until.is_not(None)
Index("ix_steps_due", steps.c.budget_id, steps.c.vtime, steps.c.due_at, postgresql_where=READY, sqlite_where=READY)
Index("ix_steps_ready", steps.c.budget_id, steps.c.due_at, postgresql_where=READY, sqlite_where=READY)
Index("ix_steps_short", steps.c.budget_id, steps.c.vtime, steps.c.due_at, postgresql_where=_SHORT, sqlite_where=_SHORT)
Index("ix_steps_hinted", steps.c.budget_id, steps.c.hinted_until, postgresql_where=_HINTED, sqlite_where=_HINTED)
Index("ix_steps_leased", steps.c.budget_id, steps.c.lease_until, postgresql_where=_LEASED, sqlite_where=_LEASED)

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
    Column("adopted", Boolean, nullable=False, server_default=false()),  # found by its marker, its answer was lost
    Column("reaped_at", Micros),  # when the reaper was done with it
)
Index("ix_vendor_jobs_remote", vendor_jobs.c.remote_id)
UNREAPED = (
    vendor_jobs.c.reaped_at.is_(None)
    & vendor_jobs.c.remote_id.is_not(None)
    & vendor_jobs.c.state.in_([literal_column(f"'{state}'") for state in ("abandoned", "filled", "open")])
)
Index("ix_vendor_jobs_unreaped", vendor_jobs.c.job_id, postgresql_where=UNREAPED, sqlite_where=UNREAPED)

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
