"""Who owns things: tenants, their keys and connections, and the budgets that vendors count against."""

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from orchestrator.store.tables.columns import Micros, id_column, metadata

tenants = Table(
    "tenants",
    metadata,
    id_column(),
    Column("name", String(200), nullable=False, unique=True),
    Column("notification_url", Text),  # of jobs and schedules that name none
    Column("created_at", Micros, nullable=False),
)

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("secret", Text, nullable=False),  # sealed; see secrets.py
    Column("signs_until", Micros),  # NULL: it is the latest
    Column("created_at", Micros, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
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
    id_column(),
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
    Column("circuit_until", Micros),  # the circuit breaker lets nothing through until then
    Column("learned", JSON),
    Column("width", Float),  # turns at once, as learned; NULL: never narrowed
    Column("shrunk_at", Micros),
    Column("grown_at", Micros),
    Column("latency", Float),  # µs, smoothed
    Column("usual_latency", Float),  # µs
    Column("created_at", Micros, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

api_usage = Table(
    "api_usage",
    metadata,
    Column("budget_id", ForeignKey("budgets.id"), primary_key=True),
    Column("limit_name", String(100), primary_key=True),
    Column("window_start", Micros, primary_key=True, autoincrement=False),
    Column("used", BigInteger, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    id_column(),
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
