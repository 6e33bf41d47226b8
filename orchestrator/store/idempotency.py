"""Idempotency keys: the same request twice is done once, and answered twice.

    claim ──▶ CLAIMED: do the work, then `answer` in the transaction of its effect, or `release` if nothing was done
         ├──▶ Answered: it was done before, this was the answer
         └──▶ Conflict (still running) or Invalid (same key, other request)

A claim whose process died is free again when its lock runs out.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, or_, select, update

from orchestrator.job.errors import Conflict, Invalid
from orchestrator.store.engine import Database
from orchestrator.store.records import Row
from orchestrator.store.tables import idempotency_keys as keys

LOCK = timedelta(seconds=60)  # longer than any request without an upload; an upload asks for more
KEPT = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The request was done before; this was its answer."""

    status: int  # HTTP
    answer: bytes


class IdempotencyKeys:
    """All keys of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, tenant_id: int, key: str, *, route: str, fingerprint: str, lock: timedelta = LOCK
    ) -> Answered | None:
        """Return None if the request is ours to do now, else the answer it had.

        `fingerprint` is a hash of the body. Raises Conflict `still_running` while another does the same request, and
        Invalid `idempotency_mismatch` for another request under the same key.
        """
        with self._database.write() as connection:
            if self._insert(connection, tenant_id, key, route, fingerprint, lock):
                return None
            mine = (keys.c.tenant_id == tenant_id, keys.c.key == key)
            row = connection.execute(select(keys).where(*mine).with_for_update()).mappings().one()
            if (row["route"], row["fingerprint"]) != (route, fingerprint):
                raise Invalid("Idempotency-Key", "was used for another request", code="idempotency_mismatch")
            if row["status"] is not None:
                return Answered(status=row["status"], answer=row["answer"])
            self._take_over(connection, dict(row), lock)
        return None

    def answer(self, tenant_id: int, key: str, status: int, answer: bytes) -> None:
        """Keep the answer for all repetitions, in a transaction of its own."""
        with self._database.write() as connection:
            write_answer(connection, tenant_id, key, status, answer)

    def release(self, tenant_id: int, key: str) -> None:
        """Forget a claim under which nothing was done, so that the request may come again; answers stay."""
        mine = (keys.c.tenant_id == tenant_id, keys.c.key == key, keys.c.status.is_(None))
        with self._database.write() as connection:
            connection.execute(delete(keys).where(*mine))

    def sweep(self, older: timedelta = KEPT) -> int:
        """Forget keys older than this; return how many."""
        with self._database.write() as connection:
            return connection.execute(delete(keys).where(keys.c.created_at < self._database.after(-older))).rowcount

    def _insert(
        self, connection: Connection, tenant_id: int, key: str, route: str, fingerprint: str, lock: timedelta
    ) -> bool:
        statement = self._database.insert(keys).values(
            tenant_id=tenant_id,
            key=key,
            route=route,
            fingerprint=fingerprint,
            locked_until=self._database.after(lock),
            created_at=self._database.now,
        )
        return connection.execute(statement.on_conflict_do_nothing()).rowcount == 1

    def _take_over(self, connection: Connection, row: Row, lock: timedelta) -> None:
        mine = (keys.c.tenant_id == row["tenant_id"], keys.c.key == row["key"], keys.c.status.is_(None))
        free = or_(keys.c.locked_until.is_(None), keys.c.locked_until < self._database.now)
        taken = connection.execute(update(keys).where(*mine, free).values(locked_until=self._database.after(lock)))
        if taken.rowcount != 1:
            raise Conflict("a request with this key is still running", "Repeat it later.", code="still_running")


def write_answer(connection: Connection, tenant_id: int, key: str, status: int, answer: bytes) -> None:
    """Keep the answer in the open transaction that writes the effect, so that neither is there without the other."""
    mine = (keys.c.tenant_id == tenant_id, keys.c.key == key)
    connection.execute(update(keys).where(*mine).values(status=status, answer=answer, locked_until=None))
