"""Salesforce, imitated: tokens, Bulk API 2.0, REST queries and describes, on records that jobs really change."""
