"""Ports for the line: free ones, or consecutive ones from a base that a person chose."""

import socket
from itertools import count


class Ports:
    """Hands out ports of 127.0.0.1, each once."""

    def __init__(self, base: int | None = None) -> None:
        self._next = count(base) if base is not None else None

    def take(self) -> int:
        """Return the next port; raises OSError where a chosen one is in use."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", next(self._next) if self._next is not None else 0))
            port: int = probe.getsockname()[1]
        return port
