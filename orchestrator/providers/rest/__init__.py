"""Any API that lists JSON records."""

from orchestrator.providers.rest.family import REST

__all__ = ["REST"]
