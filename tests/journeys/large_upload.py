"""How much memory a real `bulkhead api` needs for a file of any size, sent as a stream that is never whole anywhere.

By hand: python -m tests.journeys.large_upload 2147483648
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.journeys.running import BULKHEAD, clean_environment
from tests.servers import eventually, free_port

KEY = "bh_" + "k" * 40
BOUNDARY = "between"
META = '{"connection": "sl", "objectName": "person", "operation": "upsert", "externalIdField": "email_address"}'
LINES = 10_000  # of one block


@contextmanager
def api(home: Path) -> Iterator[tuple[str, int]]:
    """Run `bulkhead api` on a home of its own; yields its address and its process id."""

    environment = clean_environment() | {"BULKHEAD_HOME": str(home), "BULKHEAD_BOOTSTRAP_KEY": KEY}
    subprocess.run([*BULKHEAD, "migrate"], env=environment, check=True, capture_output=True)
    port = free_port()
    process = subprocess.Popen([*BULKHEAD, "api", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _answers(url), within=60)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", trust_env=False).is_success
    except httpx.TransportError:
        return False


def form(size: int) -> Iterator[bytes]:
    """Yield a multipart form whose file has about `size` bytes."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="metaData"\r\n\r\n{META}\r\n--{BOUNDARY}\r\n'
    yield (head + 'Content-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\nemail_address,note\n').encode()
    sent = row = 0
    while sent < size:
        block = "".join(f"p{row + n}@orchard.test,{'x' * 80}\n" for n in range(LINES)).encode()
        sent, row = sent + len(block), row + LINES
        yield block
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def resident(pid: int, field: str) -> int:
    """Return bytes of memory from /proc: VmRSS is now, VmHWM the most there ever was."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) * 1024


def growth(size: int, home: Path) -> int:
    """Return by how many bytes the API's largest memory grows while it takes a file of `size` bytes."""
    with api(home) as (url, pid), httpx.Client(base_url=url, trust_env=False, timeout=600) as http:
        http.headers["Authorization"] = f"Bearer {KEY}"
        credentials = {"type": "bearer", "token": "t"}
        http.post("/connections", json={"name": "sl", "provider": "salesloft", "credentials": credentials})
        _send(http, LINES)  # what a first request brings into memory is not of the second one's size
        before = resident(pid, "VmRSS")
        _send(http, size)
        return resident(pid, "VmHWM") - before


def _send(http: httpx.Client, size: int) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = http.post("/bulk/upload", content=form(size), headers=headers)
    assert answer.status_code == 202, answer.text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asked = int(sys.argv[1])
        print(f"{asked:,} bytes: resident memory grew by {growth(asked, Path(folder)) / 2**20:.1f} MiB")
