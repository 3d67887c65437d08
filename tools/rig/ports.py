"""Ports for the line: free ones, or consecutive ones from a base that a person chose."""

import socket
from itertools import count
from random import SystemRandom

_FREE = range(10_000, 32_768)
"""Below those that Linux gives to outgoing connections, which else take one between its being found and being used."""
_random = SystemRandom()
_given = set[int]()


class Ports:
    """Hands out ports of 127.0.0.1, each once."""

    def __init__(self, base: int | None = None) -> None:
        self._next = count(base) if base is not None else None

    def take(self) -> int:
        """Return the next port; raises OSError where a chosen one is in use."""
        if self._next is not None:
            port = next(self._next)
            _try(port)
            return port
        while True:
            port = _random.choice(_FREE)
            if port in _given:
                continue
            try:
                _try(port)
            except OSError:
                continue
            _given.add(port)
            return port


def _try(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
