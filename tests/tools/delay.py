"""A network of known latency between a client and a server on this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65536


@contextmanager
def delayed(target: int, seconds: float) -> Iterator[int]:
    """Pass bytes on to a port, each way so much later, for a `with` block; gives the port.

    Args:
        target: the server's port.
        seconds: what is added each way.
    """
    loop = asyncio.new_event_loop()
    ready: list[int] = []
    started = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(
            lambda reader, writer: _serve(reader, writer, target, seconds), "127.0.0.1", 0
        )
        ready.append(server.sockets[0].getsockname()[1])
        started.set()

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop)
    started.wait()
    try:
        yield ready[0]
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    """Cancel what still passes bytes on."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int, seconds: float
) -> None:
    to_server = await asyncio.open_connection("127.0.0.1", target)
    with suppress(asyncio.CancelledError):  # the end of the `with` block
        await asyncio.gather(
            _pass_on(reader, to_server[1], seconds), _pass_on(to_server[0], writer, seconds)
        )


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(_CHUNK):
        # Not a sleep: bytes that come meanwhile are under way as well.
        loop.call_later(seconds, writer.write, data)
    loop.call_later(seconds, writer.close)
