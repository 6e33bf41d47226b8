"""Runs what `orchestrator` decides: Celery tasks that each make one call."""
