"""Bulk API 1.0, which Salesforce calls the async API: jobs made of batches, in XML, CSV and JSON."""
