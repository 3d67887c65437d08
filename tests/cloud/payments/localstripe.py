"""The real `localstripe`, a process of its own, and a driver's browser that pays at it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from rig.ports import Ports

KEY = "sk_test_of_the_tests"
CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
NEEDS_SCA = CARD | {"number": "4000002500003155"}
DECLINED = CARD | {"number": "4000000000000341"}
"""Can be saved, and is declined when it is charged."""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run it on a free port; gives its address."""
    port = Ports().take()
    command = [str(Path(sys.executable).parent / "localstripe"), "--from-scratch", f"--port={port}"]
    with (folder / "localstripe.log").open("wb") as log:
        # A folder of its own, where its code is found and nothing of ours.
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        yield f"http://localhost:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


class Browser:
    """What Stripe's own script does in a driver's browser, and the operator in Stripe's pages."""

    def __init__(self, base: str) -> None:
        self.base = base

    async def ready(self) -> None:
        """Wait until it answers."""
        async with asyncio.timeout(20), aiohttp.ClientSession() as client:
            while True:
                try:
                    async with client.get(f"{self.base}/js.stripe.com/v3/"):
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    async def post(self, path: str, data: dict[str, Any], status: int = 200) -> dict[str, Any]:
        """Send what the library does not; returns the answer."""
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            client.post(f"{self.base}{path}", json=data) as answer,
        ):
            text = await answer.text()
            assert answer.status == status, text
            return await answer.json() if text.startswith("{") else {}

    async def pay(self, reference: str, card: dict[str, str] = CARD, status: int = 200) -> None:
        """Give a card to a payment and confirm it."""
        method = await self.post("/v1/payment_methods", {"type": "card", "card": card})
        await self.post(f"/v1/payment_intents/{reference}", {"payment_method": method["id"]})
        await self.post(f"/v1/payment_intents/{reference}/confirm", {}, status)

    async def authenticate(self, reference: str, secret: str, *, success: bool) -> None:
        """Answer the question of the driver's bank (SCA)."""
        await self.post(f"/v1/payment_intents/{reference}/_authenticate", {"client_secret": secret, "success": success})

    async def save_card(self, customer: str, card: dict[str, str] = CARD) -> str:
        """Have a customer save a card; returns its reference."""
        method = await self.post("/v1/payment_methods", {"type": "card", "card": card})
        await self.post(f"/v1/payment_methods/{method['id']}/attach", {"customer": customer})
        return str(method["id"])

    @asynccontextmanager
    async def webhooks(self, secret: str) -> AsyncIterator[asyncio.Queue[tuple[str, bytes]]]:
        """Have it send its events here; gives their signatures and bodies as they come."""
        came: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

        async def take(request: web.Request) -> web.Response:
            await came.put((request.headers["Stripe-Signature"], await request.read()))
            return web.Response()

        app = web.Application()
        app.router.add_post("/hooks/stripe", take)
        runner = web.AppRunner(app)
        await runner.setup()
        port = Ports().take()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        url = f"http://127.0.0.1:{port}/hooks/stripe"
        await self.post("/_config/webhooks/tests", {"url": url, "secret": secret})
        try:
            yield came
        finally:
            await runner.cleanup()
