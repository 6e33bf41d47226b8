"""Salesforce: queries and uploads by Bulk API 2.0."""

from orchestrator.providers.salesforce.family import SALESFORCE

__all__ = ["SALESFORCE"]
