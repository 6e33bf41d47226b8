"""A large upload to Salesforce, from the user's file to the last fate: `python -m tests.bench.uploads GB`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.record import Job
from orchestrator.lifecycle.connections import Wish
from tests.bench.fetch import resident
from tests.bench.ingest_org import COLUMNS
from tests.bench.kit import PLENTY, Bench, bench
from tests.servers import free_port

NOTES = "x" * 1_900  # wide rows: 5 GB are 2.6 million of them


@contextmanager
def org(folder: Path) -> Iterator[str]:
    """Run the org in a process of its own; give its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.ingest_org", str(port), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def given(ours: Bench, key: str, size: int) -> int:
    """Write the user's file of about `size` bytes; return its length."""
    written, number = 0, 0
    with ours.runtime.objects.writer(key) as out:
        out.write(",".join(COLUMNS).encode() + b"\n")
        while written < size:
            rows = [f"Person {n},p{n}@orchard.test,{NOTES}{n},N-{n}\n" for n in range(number, number + 1_000)]
            block = "".join(rows).encode()
            out.write(block)
            written, number = written + len(block), number + 1_000
    return written


def upload(ours: Bench, url: str, key: str, length: int) -> Job:
    """Submit the upload."""
    credentials = {"type": "bearer", "token": "bench"}
    wish = Wish(
        name=f"org-{ours.number()}", provider="salesforce", base_url=url, credentials=credentials, limits=PLENTY
    )
    connection = ours.runtime.connections.add(ours.tenant, wish)
    wanted = UploadCriteria(object_name="Contact", operation=Operation.INSERT, bulk_api="2.0")
    return ours.runtime.lifecycle.submit_upload(connection, wanted, {}, input_key=key, input_bytes=length)


def main(gigabytes: float) -> None:
    """Print rows, seconds and memory."""
    with TemporaryDirectory() as name, org(Path(name, "org")) as url, bench(Path(name)) as ours:
        ours.run(upload(ours, url, "inputs/first", given(ours, "inputs/first", 1_000_000)))  # all is loaded by now
        length = given(ours, "inputs/bench", int(gigabytes * 1e9))
        job, before, began = upload(ours, url, "inputs/bench", length), resident("VmRSS"), time.perf_counter()
        done = ours.run(job)
        took = time.perf_counter() - began
    print(f"{done.counts.accepted:,} rows of {length / 1e9:.1f} GB in {took:,.1f} s")
    print(f"before {before:,.1f} MiB, peak {resident('VmHWM'):,.1f} MiB")


if __name__ == "__main__":
    main(float(sys.argv[1]))
