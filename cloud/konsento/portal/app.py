"""Start-up and wiring of the portal."""

import asyncio
import logging

import aiohttp

from konsento.kit.clock import SystemClock
from konsento.kit.serving import PageServer, open_door, server_config, stop_on_signals
from konsento.portal.directory import Directory
from konsento.portal.pages import Portal, made
from konsento.portal.settings import PortalSettings
from konsento.portal.watch import Watch

log = logging.getLogger(__name__)


async def serve(settings: PortalSettings, directory: Directory) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError for a taken port."""
    stop = stop_on_signals()
    door = open_door(settings.host, settings.port)
    clock = SystemClock()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        watch = Watch(http, clock)
        app = made(Portal(settings=settings, directory=directory, watch=watch, clock=clock))
        server = PageServer(server_config(app, settings.host, settings.port))
        serving = asyncio.create_task(server.serve(sockets=[door]), name="pages")
        stopped = asyncio.create_task(stop.wait())
        log.info("ready on http://%s:%d: %d outlets", settings.host, settings.port, directory.count)
        try:
            await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
            log.info("ending")
        finally:
            stopped.cancel()
            server.should_exit = True
            await serving
            await watch.close()
            door.close()
