"""Flower's settings: `celery --app workers.app flower --conf=deploy/flower.py`.

A window, not a record: history is in the database. Bound to the loopback, because `/metrics` and `/healthcheck` answer
without credentials whatever is set here; put a proxy with your own sign-on in front of it.
`bulkhead flower` sets the same, and a password; see `orchestrator/cli/parts.py`.
"""

address = "127.0.0.1"
port = 5555
read_only = True  # nobody revokes a task or resizes a pool from a web page
max_tasks = 10_000  # in memory; Flower's default keeps 100,000
purge_offline_workers = 300  # seconds
tasks_columns = "name,uuid,state,args,received,runtime,worker"
