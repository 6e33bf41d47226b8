"""Bulkhead: bulk jobs against other people's APIs, without losing a row, doubling one, or breaking a limit."""
