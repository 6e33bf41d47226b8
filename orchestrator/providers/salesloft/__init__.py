"""Salesloft, API v2: lists by `updated_at`, uploads by bulk jobs. What the vendor does: docs/providers/salesloft.md."""

from orchestrator.providers.salesloft.family import SALESLOFT

__all__ = ["SALESLOFT"]
