"""A fast org for measuring uploads: takes ingest jobs, accepts each row of them and tells so; a process of its own.

What was put lies in files, so that this process stays small. `python -m tests.bench.ingest_org PORT FOLDER`
"""

import json
import re
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COLUMNS = ("LastName", "Email", "Description", "External_Id__c")
BLOCK = 1 << 20
JOB = re.compile(r"/jobs/ingest/(\d+)(?:/(\w+))?")
DESCRIBED = {
    "name": "Contact",
    "fields": [
        {"name": name, "type": "string", "createable": True, "updateable": True, "externalId": name.endswith("__c")}
        for name in COLUMNS
    ],
}


class IngestOrg(BaseHTTPRequestHandler):
    """Answers the calls of an upload of rows without quotes or line breaks in their cells."""

    protocol_version = "HTTP/1.1"
    folder: Path
    rows: dict[str, int]

    def do_POST(self) -> None:
        self._read()
        number = str(750_000_000_000_000 + len(self.rows))
        self.rows[number] = 0
        self._tell({"id": number, "state": "Open"})

    def do_PUT(self) -> None:
        number, _ = self._asked()
        with (self.folder / number).open("wb") as out:
            self.rows[number] = sum(self._keep(out.write, block) for block in self._blocks()) - 1
        self._answer(201, b"", "text/csv")

    def _keep(self, write: object, block: bytes) -> int:
        write(block)  # type: ignore[operator]
        return block.count(b"\n")

    def do_PATCH(self) -> None:
        self._read()
        self._tell({"id": self._asked()[0], "state": "UploadComplete"})

    def do_GET(self) -> None:
        if "/describe" in self.path:
            return self._tell(DESCRIBED)
        if not JOB.search(self.path):
            return self._tell({"done": True, "records": [self._done(number) for number in self.rows]})
        number, what = self._asked()
        if not what:
            return self._tell(self._done(number))
        lines = self._accepted(number) if what == "successfulResults" else iter([b'"sf__Id","sf__Error"\n'])
        return self._answer(200, b"".join(lines), "text/csv")

    def _done(self, number: str) -> dict[str, object]:
        count = {"numberRecordsProcessed": self.rows[number], "numberRecordsFailed": 0}
        return {"id": number, "state": "JobComplete" if self.rows[number] else "Open", **count}

    def _accepted(self, number: str) -> Iterator[bytes]:
        with (self.folder / number).open("rb") as rows:
            yield b'"sf__Id","sf__Created",' + next(rows)
            for row in rows:
                yield b'"003000000000001AAA","true","' + row[:-1].replace(b",", b'","') + b'"\n'

    def _asked(self) -> tuple[str, str | None]:
        found = JOB.search(self.path)
        assert found, self.path
        return found[1], found[2]

    def _blocks(self) -> Iterator[bytes]:
        left = int(self.headers.get("content-length", 0))
        while left:
            block = self.rfile.read(min(left, BLOCK))
            left -= len(block)
            yield block

    def _read(self) -> None:
        for _ in self._blocks():
            pass

    def _tell(self, body: object) -> None:
        self._answer(200, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: calls are many."""


def main(port: int, folder: Path) -> None:
    """Serve until killed."""
    IngestOrg.folder, IngestOrg.rows = folder, {}
    folder.mkdir(exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", port), IngestOrg) as server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
