"""Serving an application over HTTP: a port, and a server that ends gracefully."""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from konsento.kit.proxies import Proxies

GRACE_S: Final = 5
"""Seconds that open pages get at shutdown; live views are cut after it."""


def server_config(app: ASGIApp, host: str, port: int, proxies: Proxies | None = None) -> uvicorn.Config:
    """Return how an application is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=[str(network) for network in (proxies or Proxies()).networks],
        timeout_graceful_shutdown=GRACE_S,
    )


class PageServer(uvicorn.Server):
    """Says when it listens, and leaves signals to its caller, which has more to shut down."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()


def stop_on_signals() -> asyncio.Event:
    """Return what SIGTERM and SIGINT set from now on, in the running loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def open_door(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError for a taken port."""
    # Not uvicorn's own, which ends the process with a code of its own where the port is taken.
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048)


def spare_collections() -> None:
    """Have the garbage collector leave alone what was made until now, and look at what is new less often.

    What is there at the start stays to the end: looking through it took a fifth of every request. Hundreds of meter
    events wait for their commit at a time and are not garbage either: looking at them at every turn took a tenth of
    the time of each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)
