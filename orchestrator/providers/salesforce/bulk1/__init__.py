"""Bulk API 1.0: jobs made of batches, in CSV, JSON or XML; a batch starts as soon as it is added."""
