"""Imitations of the vendors, for the demo, the tests and users' rehearsals.

One process, all state in memory, faults on order. Imports nothing of ours and shares no code with the adapters,
so that a mistake made on one side cannot be made again on the other.
"""
