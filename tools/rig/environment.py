"""Platform and computation system: the real programs, each with its own database and tokens."""

import asyncio
import random
from base64 import b32encode
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx

from rig.paths import program
from rig.process import Process, run
from rig.server import until_healthy

REGION = "JP-13"
"""Where the line's site is."""


class EnvironmentApp:
    """One of the two: `name` is `platform` or `computation`."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name = name
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.operator = ""
        """Token of its operator."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f"KONSENTO_{name.upper()}_"
        self._env = {
            f"{prefix}DATABASE_URL": f"sqlite+aiosqlite:///{folder / f'{name}.sqlite3'}",
            f"{prefix}HOST": "127.0.0.1",
            f"{prefix}PORT": str(port),
        }
        self._prefix = prefix
        self.process = self._process()

    def _process(self) -> Process:
        command = [program("cloud", "konsento"), self.name, "serve"]
        return Process(self.name, command, self._folder / f"{self.name}.log", self._env, self._folder)

    def set(self, settings: Mapping[str, str]) -> None:
        """Change settings, named without their prefix; before the start."""
        self._env |= {self._prefix + name: value for name, value in settings.items()}
        self.process = self._process()

    async def command(self, *arguments: str) -> str:
        """Run one of its commands."""
        command = [program("cloud", "konsento"), self.name, *arguments]
        return (await run(self.name, command, self._env, self._folder)).strip()

    async def token(self, name: str, role: str, *more: str) -> str:
        """Return a new token."""
        return await self.command("token", "add", name, "--role", role, *more)

    async def get(self, path: str, **query: str | list[str]) -> Any:
        """Read something as its operator."""
        async with self._client() as http:
            return (await http.get(path, params=query)).raise_for_status().json()

    async def post(self, path: str, body: object, token: str = "") -> Any:
        """Send something as its operator, or with another token."""
        async with self._client(token) as http:
            return (await http.post(path, json=body)).raise_for_status().json()

    def _client(self, token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token or self.operator}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)


class Environment:
    """Both, linked: what comes to the platform goes on to the computation system."""

    def __init__(self, platform_port: int, computation_port: int, folder: Path) -> None:
        self.platform = EnvironmentApp("platform", platform_port, folder)
        self.computation = EnvironmentApp("computation", computation_port, folder)
        self.site_token = ""
        """With which the line's site delivers to the platform."""

    async def start(self, computation_link: int) -> Self:
        """Make the tokens and start both; the platform reaches the computation system through that port."""
        link, _ = await asyncio.gather(self._computation(), self._platform())
        self.platform.set(
            {
                "COMPUTATION_URL": f"http://127.0.0.1:{computation_link}",
                "COMPUTATION_TOKEN": link,
                # Somebody watches.
                "ASK_EVERY_S": "5",
            }
        )
        # Somebody looks at it today: at energy of today, and without a token.
        self.computation.set(
            {"PUBLIC_PAGE": "true", "PUBLISH_UNFINISHED": "true", "SETTLE_HOURS": "0", "RUN_MINUTES": "1"}
        )
        for app in (self.computation, self.platform):
            await app.process.start()
        for app in (self.computation, self.platform):
            await until_healthy(app.process, app.url)
        return self

    async def _computation(self) -> str:
        link = await self.computation.token("platform", "platform")
        self.computation.operator = await self.computation.token("operator", "operator")
        return link

    async def _platform(self) -> None:
        self.site_token = await self.platform.token("Sakura Mall", "site", "--region", REGION)
        self.platform.operator = await self.platform.token("operator", "operator")

    async def stop(self) -> None:
        """Stop both."""
        await asyncio.gather(self.platform.process.stop(), self.computation.process.stop())

    async def furnish(self) -> int:
        """Have other sites deliver three days of made-up charging, so that there is something to look at.

        Returns how many measurements went on to the computation system.
        """
        token = await self.platform.token("made-up sites", "site")
        items = made_up(datetime.now(UTC), random.Random(1))  # noqa: S311  # no secret
        for start in range(0, len(items), 1000):
            await self.platform.post("/v1/measurements", {"measurements": items[start : start + 1000]}, token)
        forwarded: int = (await self.platform.post("/v1/forwardings", {}))["measurements"]
        return forwarded


def made_up(now: datetime, chance: random.Random) -> list[dict[str, Any]]:
    """Return measurements of 40 outlets in each of three regions over the three days before `now`."""
    items = []
    for region, supplier in (("JP-13", "A0269"), ("JP-27", "A0272"), ("JP-40", "A0275")):
        for number in range(40):
            # One for each month, as a site does it.
            outlets: dict[int, str] = defaultdict(lambda: b32encode(chance.randbytes(16)).decode().rstrip("="))
            power_type = ("solar", "wind", "gas", "other")[number % 4]
            at = now.replace(microsecond=0) - timedelta(days=3) + timedelta(minutes=chance.randrange(600))
            while True:
                seconds = chance.randrange(1800, 6 * 3600)
                end = at + timedelta(seconds=seconds)
                if end > now:
                    break
                items.append(
                    {
                        "id": str(UUID(bytes=chance.randbytes(16), version=4)),
                        "outlet": outlets[end.month],
                        "region": region,
                        "start": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "wh": chance.randrange(1200, 3000) * seconds // 3600,
                        "power_type": power_type,
                        "supplier": supplier if number % 5 else "A0009",
                        "use": "resold",
                    }
                )
                at = end + timedelta(minutes=chance.randrange(20, 900))
    return items
