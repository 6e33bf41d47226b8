"""The `bulkhead` command, one module per group of subcommands."""
