"""Salesloft's API v2, imitated: lists, bulk jobs, tokens, the team's rate limit."""
