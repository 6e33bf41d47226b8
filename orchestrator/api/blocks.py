"""A request's body, pulled block by block from a worker thread.

The event loop reads the next block only when the thread asks for it: memory stays flat, and a slow object store slows
the client down. Uploads have threads of their own, so that a hundred slow ones do not keep a status from being read.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import FastAPI, Request

T = TypeVar("T")

UPLOADS_AT_ONCE = 64  # threads; each holds about one multipart piece (8 MiB) at a bucket, a block at a directory


async def with_blocks(request: Request, work: Callable[[Iterator[bytes]], T]) -> T:
    """Run `work` in a thread with the body's blocks; it need not take them all."""
    stream = aiter(request.stream())
    return await to_thread.run_sync(lambda: work(_pulled(stream)), limiter=_limiter(request.app))


def _pulled(stream: AsyncIterator[bytes]) -> Iterator[bytes]:
    async def following() -> bytes | None:
        return await anext(stream, None)

    while (block := from_thread.run(following)) is not None:
        if block:
            yield block


def _limiter(app: FastAPI) -> CapacityLimiter:
    # made here and not with the app, because it belongs to the running event loop
    if not hasattr(app.state, "uploads"):
        app.state.uploads = CapacityLimiter(UPLOADS_AT_ONCE)
    limiter: CapacityLimiter = app.state.uploads
    return limiter
