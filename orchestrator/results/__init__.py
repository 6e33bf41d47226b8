"""Bulk data at rest: the object store, parts and their manifest, users' files cut into chunks, the fate of each row."""
