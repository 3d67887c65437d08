"""The port at which Prometheus reads the metrics."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from konsento.kit.metrics import CONTENT_TYPE, Metrics

log = logging.getLogger(__name__)


class MetricsDoor:
    """Serves `/metrics` on an address of its own, so that the pages' address need not show them to anybody."""

    def __init__(self, metrics: Metrics, refresh: Callable[[], Awaitable[None]]) -> None:
        """`refresh` is awaited before each answer; it keeps within a second or two and raises nothing."""
        self._metrics = metrics
        self._refresh = refresh
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one. Raises OSError where the address is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._serve)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        log.info("metrics on http://%s:%d/metrics", host, self.port)

    @property
    def port(self) -> int:
        """The port that is listened on; RuntimeError before `start`."""
        if self._runner is None:
            raise RuntimeError("the metrics are not served")
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, _request: web.Request) -> web.Response:
        await self._refresh()
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})
