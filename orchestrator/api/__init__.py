"""The HTTP API: the shape of Bulk v3, problem+json errors, one module per group of calls."""
