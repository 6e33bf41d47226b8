"""`python -m orchestrator.cli` is `bulkhead`, for processes that know their interpreter and not its scripts."""

from orchestrator.cli.main import main

main()
