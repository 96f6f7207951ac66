"""A TCP relay on loopback before a database's server, which can be cut and mended."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Passes bytes on to a Unix socket; `cut` ends every connection, or holds up what is on them.

    `asked` counts what clients have sent that the server answers: round trips, as each is one message.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._passing = threading.Event()
        self._passing.set()
        self.opened = self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, *, told: bool = True) -> None:
        """End all connections, of which the server hears only where it is told; new ones are refused."""
        self._passing.clear()
        for client, server in self._pairs:
            for end in (client, server) if told else (client,):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let new connections through."""
        self._passing.set()

    def close(self) -> None:
        """End all for good."""
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self._passing.is_set():
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self.opened += 1
                self._pairs.append((client, server))
                for ends in ((client, server, 1), (server, client, 0)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: int) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.asked += counted
                sink.sendall(data)
        if self._passing.is_set():
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(url: str) -> Iterator[tuple[Relay, str]]:
    """Give a relay before a server on a Unix socket, and the URL of the database through it."""
    parts = urlsplit(url)
    relay = Relay(f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432")
    try:
        yield relay, f"postgresql://{parts.username}@127.0.0.1:{relay.port}{parts.path}"
    finally:
        relay.close()
