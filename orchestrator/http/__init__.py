"""Calls to vendors: metered, authorized, guarded, and with every refusal turned into one of our errors."""
