"""`make bench`: every measurement, as ratios against a floor of the same run."""

import sys

from tests.bench import fetch, tables
from tests.bench.limits import __main__ as limits
from tests.conftest import drop_schema, new_schema
from tests.servers import postgres_answers


def main() -> int:
    """Print the tables; 1 where a goal is missed."""
    print("One download, records per second (K records a page; limiter, checkpoints and manifest on)")
    met = True
    for name, url in _databases():
        print(f"\n{name}\n{'K':>7} {'floor':>12} {'ours':>12} {'ratio':>8} {'goal':>6} {'CPU s/M rec':>11}")
        met &= fetch.table(url)
        if url:
            drop_schema(url)
    print(f"\nA Salesforce query of {tables.RECORDS:,} rows, rows per second (goal: CSV {tables.GOAL:,})")
    met &= tables.table(None)
    print("\nMemory (SQLite, K = 1,000)")
    fetch.memory()
    met &= limits.main("--quick" in sys.argv) == 0
    return 0 if met else 1


def _databases() -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = [("SQLite", None)]
    return [("PostgreSQL", new_schema()), *found] if postgres_answers() else found


if __name__ == "__main__":
    sys.exit(main())
