"""A listener on loopback that must get no connection."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def untouched() -> Iterator[str]:
    """Give its base URL; fails at the end where something has connected."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()
