"""A typed, synchronous client of our own API; the command line uses it and nothing else.

with Client("http://127.0.0.1:8080", key) as bulkhead:
    receipt = bulkhead.download({"connection": "sl", "objectName": "people"})
    bulkhead.wait(receipt.id)
    bulkhead.save_result(receipt.id, Path("people.jsonl"))

Each module holds one group of calls; `Client` has them all.
"""

from orchestrator.client.calls import ApiError, Json, Page, Receipt, pages
from orchestrator.client.client import Client
from orchestrator.client.jobs import SETTLED, StillRunning

__all__ = ["SETTLED", "ApiError", "Client", "Json", "Page", "Receipt", "StillRunning", "pages"]
