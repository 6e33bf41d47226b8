"""The only truth: SQL. Rows never leave this folder."""
