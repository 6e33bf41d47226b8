"""What Bulkhead promises, as sentences."""
