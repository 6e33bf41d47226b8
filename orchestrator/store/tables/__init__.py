"""All tables. Times are BIGINT microseconds UTC of the database's own clock; JSON is text-backed on both databases."""

from orchestrator.store.tables.accounts import api_keys, api_usage, budgets, connections, tenants, webhook_secrets
from orchestrator.store.tables.columns import metadata
from orchestrator.store.tables.jobs import deliveries, error_codes, events, jobs, outbox, row_errors
from orchestrator.store.tables.service import idempotency_keys, schedule_fires, schedules, workers
from orchestrator.store.tables.steps import chunks, parts, steps, vendor_jobs

__all__ = [
    "api_keys",
    "api_usage",
    "budgets",
    "chunks",
    "connections",
    "deliveries",
    "error_codes",
    "events",
    "idempotency_keys",
    "jobs",
    "metadata",
    "outbox",
    "parts",
    "row_errors",
    "schedule_fires",
    "schedules",
    "steps",
    "tenants",
    "vendor_jobs",
    "webhook_secrets",
    "workers",
]
