"""The whole store, as one thing to hand around."""

from datetime import datetime, timedelta

from sqlalchemy import select

from orchestrator.clock import from_micros
from orchestrator.store.budgets import Budgets
from orchestrator.store.chunks import Chunks
from orchestrator.store.claims import Claims
from orchestrator.store.commit import Commits
from orchestrator.store.connections import Connections
from orchestrator.store.control import Control
from orchestrator.store.engine import ClockShift, Database
from orchestrator.store.events import Events
from orchestrator.store.fires import Fires
from orchestrator.store.garbage import Garbage
from orchestrator.store.hints import Hints
from orchestrator.store.idempotency import IdempotencyKeys
from orchestrator.store.jobs import Jobs
from orchestrator.store.keys import Keys
from orchestrator.store.looks import Looks
from orchestrator.store.outbox import Outbox
from orchestrator.store.parts import Parts
from orchestrator.store.reaping import Reaping
from orchestrator.store.rescue import Rescue
from orchestrator.store.retention import Retention
from orchestrator.store.retries import Retries
from orchestrator.store.row_errors import RowErrors
from orchestrator.store.schedules import Schedules
from orchestrator.store.sealed import SealedTexts
from orchestrator.store.sweeps import Sweeps
from orchestrator.store.tenants import Tenants
from orchestrator.store.usage import Usage
from orchestrator.store.vendor_jobs import VendorJobs
from orchestrator.store.waiters import Waiters
from orchestrator.store.workers import Workers


class Store:
    """Everything that is remembered, by subject."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.budgets = Budgets(database)
        self.chunks = Chunks(database)
        self.claims = Claims(database)
        self.commits = Commits(database)
        self.connections = Connections(database)
        self.control = Control(database)
        self.events = Events(database)
        self.fires = Fires(database)
        self.garbage = Garbage(database)
        self.hints = Hints(database)
        self.idempotency = IdempotencyKeys(database)
        self.jobs = Jobs(database)
        self.keys = Keys(database)
        self.looks = Looks(database)
        self.outbox = Outbox(database)
        self.parts = Parts(database)
        self.reaping = Reaping(database)
        self.rescue = Rescue(database)
        self.retention = Retention(database)
        self.retries = Retries(database)
        self.row_errors = RowErrors(database)
        self.schedules = Schedules(database)
        self.sealed = SealedTexts(database)
        self.sweeps = Sweeps(database)
        self.tenants = Tenants(database)
        self.usage = Usage(database)
        self.vendor_jobs = VendorJobs(database)
        self.waiters = Waiters(database)
        self.workers = Workers(database)

    @classmethod
    def open(cls, url: str, *, clock_shift: ClockShift = timedelta(0)) -> "Store":
        """Return the store at a database URL; connects at the first use."""
        return cls(Database(url, clock_shift=clock_shift))

    def database_time(self) -> datetime:
        """Return the database's own time, the only clock of leases and due times (I10)."""
        with self.database.read() as connection:
            return from_micros(connection.execute(select(self.database.now)).scalar_one())

    def close(self) -> None:
        """Close all connections to the database."""
        self.database.dispose()
