"""The management server: the real program with its own database, provisioned from a file as an operator does it."""

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from uuid import UUID

import httpx

from rig.paths import program
from rig.process import Process, run


class ManagementServer:
    """One supplier's management server."""

    def __init__(self, port: int, ocpp_port: int, folder: Path, settings: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        # Browsers give camera, place and passkeys to this name without TLS.
        self.public_url = f"http://localhost:{port}"
        self.mails = folder / "mails"
        self.feeds = folder / "feeds"
        self.ocpp_port = ocpp_port
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.env = {
            "KONSENTO_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'konsento.sqlite3'}",
            "KONSENTO_HOST": "127.0.0.1",
            "KONSENTO_PORT": str(port),
            "KONSENTO_OCPP_HOST": "127.0.0.1",
            "KONSENTO_OCPP_PORT": str(ocpp_port),
            "KONSENTO_PUBLIC_URL": self.public_url,
            "KONSENTO_MAIL_FOLDER": str(self.mails),
            "KONSENTO_FEEDS_FOLDER": str(self.feeds),
            **settings,
        }
        self.process = Process(
            "management server", [program("cloud", "konsento"), "serve"], folder / "server.log", self.env, folder
        )

    async def apply(self, provisioning: str) -> None:
        """Provision sites, outlets and tariffs (`konsento apply`)."""
        path = self._folder / "provisioning.toml"
        path.write_text(provisioning)
        await self.command("apply", str(path))

    async def command(self, *arguments: str) -> str:
        """Run a command of `konsento` against this server's database."""
        return await run("konsento", [program("cloud", "konsento"), *arguments], self.env, self._folder)

    def driver_ids(self) -> list[str]:
        """Return the ids of all drivers in every spelling, to look for where none may be."""
        with closing(sqlite3.connect(self._folder / "konsento.sqlite3")) as database:
            ids = [UUID(row[0]) for row in database.execute("SELECT id FROM drivers")]
        return [spelling for driver in ids for spelling in (str(driver), driver.hex)]

    def session_words(self) -> list[str]:
        """Return what names a session: its id in every spelling, request number, token and transaction."""
        query = "SELECT id, remote_start_id, id_token, transaction_id FROM charging_sessions"
        with closing(sqlite3.connect(self._folder / "konsento.sqlite3")) as database:
            rows = list(database.execute(query))
        ids = [spelling for row in rows for spelling in (str(UUID(row[0])), UUID(row[0]).hex)]
        return ids + [str(word) for row in rows for word in row[1:] if word is not None]

    async def start(self) -> None:
        """Start the program; `ready` waits for it."""
        await self.process.start()

    async def ready(self, patience: float = 60) -> None:
        """Wait until the pages answer."""
        await until_healthy(self.process, self.url, patience)


async def until_healthy(process: Process, url: str, patience: float = 60) -> None:
    """Wait until a program says that it is well; raises ProcessFailedError when it ends instead."""
    async with asyncio.timeout(patience), httpx.AsyncClient() as http:
        while True:
            await process.check()
            try:
                if (await http.get(url + "/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
