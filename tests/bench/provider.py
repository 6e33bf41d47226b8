"""A fast provider for measuring: pages by `id[gt]`, made beforehand, from a process of its own.

`python -m tests.bench.provider PORT K RECORDS [LATENCY_MS]`
"""

import asyncio
import re
import sys

RECORD = (
    b'{"id":%d,"email":"person%d@orchard.test","name":"Person %d","notes":"%s","updated_at":"2026-01-01T00:00:00Z"}'
)
NOTES = b"x" * 330  # a record is about 439 bytes, as in our design's measurements
CURSOR = re.compile(rb"id(?:%5B|\[)gt(?:%5D|\])=(\d+)")


def pages(size: int, records: int) -> list[bytes]:
    """Return whole answers, page by page; the last one is empty."""
    answers = []
    for start in range(1, records + 1, size):
        ids = range(start, min(start + size, records + 1))
        body = b'{"data":[' + b",".join(RECORD % (n, n, n, NOTES) for n in ids) + b"]}"
        answers.append(_answer(body))
    return [*answers, _answer(b'{"data":[]}')]


def _answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


class Provider(asyncio.Protocol):
    """Answers each request by its cursor alone."""

    def __init__(self, answers: list[bytes], size: int, latency: float) -> None:
        self._answers = answers
        self._size = size
        self._latency = latency

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        found = CURSOR.search(data)
        index = (int(found.group(1)) if found else 0) // self._size
        answer = self._answers[min(index, len(self._answers) - 1)]
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)  # type: ignore[attr-defined]
        else:
            self._transport.write(answer)  # type: ignore[attr-defined]


async def main(port: int, size: int, records: int, latency: float) -> None:
    """Serve until killed."""
    answers = pages(size, records)
    server = await asyncio.get_running_loop().create_server(lambda: Provider(answers, size, latency), "127.0.0.1", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    port, size, records = map(int, sys.argv[1:4])
    asyncio.run(main(port, size, records, float(sys.argv[4]) / 1000 if len(sys.argv) > 4 else 0.0))
