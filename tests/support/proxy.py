"""A network between a run and its server that can swallow the answer to a COMMIT."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

_CHUNK = 65536
_COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
"""The message for it: https://www.postgresql.org/docs/current/protocol-message-formats.html."""
_TURN = b"; COMMIT; BEGIN; "
"""What one that commits a migration, and begins the next, has in it."""


class Proxy:
    """Passes bytes on, until it is told not to."""

    def __init__(self, listener: socket.socket, target: int) -> None:
        self.port: int = listener.getsockname()[1]
        self.swallowed = 0
        self._target = target
        self._armed = threading.Event()
        self._listener = listener
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow_next_commit(self) -> None:
        """Let the next COMMIT through, drop its answer, and cut the client off."""
        self._armed.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        with closing(client), closing(server), suppress(OSError):
            self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(_CHUNK)
                if not data:
                    return
                (server if ready is client else client).sendall(data)
                commits = data == _COMMIT or _TURN in data
                if ready is client and commits and self._armed.is_set():
                    self._armed.clear()
                    server.recv(_CHUNK)  # the answer: the commit has taken effect
                    self.swallowed += 1
                    return


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Listen on a port of its own and pass on to another one."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield Proxy(listener, target)
