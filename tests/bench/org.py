"""A fast org for measuring: one query job, done at once, whose sets were made beforehand; a process of its own.

`python -m tests.bench.org PORT K RECORDS`
"""

import asyncio
import json
import re
import sys

HEADER = b'"Id","LastName","Email","Phone","CreatedDate"\n'
ROW = b'"003000%012d","Person %d","person%d@orchard.test","+1 555 %07d","2026-01-01T00:00:00.000Z"\n'
TOLD = b"sforce-numberofrecords: %d\r\nsforce-locator: %b\r\n"
LOCATOR = re.compile(rb"[?&]locator=(\d+)")
DISTINCT = 100  # sets held in memory
JOB = {
    "id": "750000000000001AAA", "operation": "query", "object": "Contact", "createdById": "005000000000001AAA",
    "createdDate": "2026-01-01T00:00:00.000+0000", "concurrencyMode": "Parallel", "contentType": "CSV",
    "apiVersion": 61.0, "jobType": "V2Query", "lineEnding": "LF", "columnDelimiter": "COMMA",
}  # fmt: skip


def sets(size: int, records: int) -> list[tuple[bytes, int]]:
    """Return the bodies of the first sets, and how many rows each has; a larger result repeats them."""
    made = []
    for start in range(1, min(records, size * DISTINCT) + 1, size):
        ids = range(start, min(start + size, records + 1))
        made.append((HEADER + b"".join(ROW % (n, n, n, n) for n in ids), len(ids)))
    return made


def _head(length: int, kind: bytes, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n" % (kind, length, headers)


class Org(asyncio.Protocol):
    """Answers a query job's calls; which set is asked for is told by the locator alone."""

    def __init__(self, made: list[tuple[bytes, int]], count: int, records: int) -> None:
        self._made = made
        self._count = count
        self._job = JOB | {"numberRecordsProcessed": records}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        line = data.partition(b"\r\n")[0]
        answer = self._set(line) if b"/results" in line else self._state(posted=line.startswith(b"POST"))
        self._transport.writelines(answer)  # type: ignore[attr-defined]

    def _state(self, *, posted: bool) -> tuple[bytes, bytes]:
        body = json.dumps(self._job | {"state": "UploadComplete" if posted else "JobComplete"}).encode()
        return _head(len(body), b"application/json"), body

    def _set(self, line: bytes) -> tuple[bytes, bytes]:
        found = LOCATOR.search(line)
        number = int(found.group(1)) if found else 0
        body, rows = self._made[number % len(self._made)]
        following = b"null" if number + 1 == self._count else b"%d" % (number + 1)
        return _head(len(body), b"text/csv", TOLD % (rows, following)), body


async def main(port: int, size: int, records: int) -> None:
    """Serve until killed."""
    made, count = sets(size, records), -(-records // size)
    server = await asyncio.get_running_loop().create_server(lambda: Org(made, count, records), "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
