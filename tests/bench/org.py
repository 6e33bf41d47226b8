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
JOB = {
    "id": "750000000000001AAA", "operation": "query", "object": "Contact", "createdById": "005000000000001AAA",
    "createdDate": "2026-01-01T00:00:00.000+0000", "concurrencyMode": "Parallel", "contentType": "CSV",
    "apiVersion": 61.0, "jobType": "V2Query", "lineEnding": "LF", "columnDelimiter": "COMMA",
}  # fmt: skip


def sets(size: int, records: int) -> list[bytes]:
    """Return whole answers, set by set."""
    answers = []
    for start in range(1, records + 1, size):
        ids = range(start, min(start + size, records + 1))
        body = HEADER + b"".join(ROW % (n, n, n, n) for n in ids)
        following = b"%d" % (len(answers) + 1) if ids[-1] < records else b"null"
        answers.append(
            _answer(body, b"text/csv", b"sforce-numberofrecords: %d\r\nsforce-locator: %b\r\n", len(ids), following)
        )
    return answers


def _answer(body: bytes, kind: bytes, headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n" % (kind, len(body))
    return head + headers + b"\r\n" + body


class Org(asyncio.Protocol):
    """Answers a query job's calls; which set is asked for is told by the locator alone."""

    def __init__(self, answers: list[bytes], records: int) -> None:
        self._sets = answers
        done = JOB | {"state": "JobComplete", "numberRecordsProcessed": records}
        self._done = _answer(json.dumps(done).encode(), b"application/json")
        self._made = _answer(json.dumps(JOB | {"state": "UploadComplete"}).encode(), b"application/json")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer(data))  # type: ignore[attr-defined]

    def _answer(self, data: bytes) -> bytes:
        line = data.partition(b"\r\n")[0]
        if b"/results" not in line:
            return self._made if line.startswith(b"POST") else self._done
        found = LOCATOR.search(line)
        return self._sets[int(found.group(1)) if found else 0]


async def main(port: int, size: int, records: int) -> None:
    """Serve until killed."""
    answers = sets(size, records)
    server = await asyncio.get_running_loop().create_server(lambda: Org(answers, records), "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
