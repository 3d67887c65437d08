"""A site with many outlets: the real firmware many times, and a Home Assistant that finds them all configured."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from build_firmware import build
from rig.home_assistant import HomeAssistant
from rig.line import OWNER, OWNER_PASSWORD
from rig.outlet import Outlet, OutletSpec
from rig.ports import Ports
from tests.bench.csms import PASSWORD, STATION, Csms

ENTRY_ID = "01KONSENTOBENCH0000000SITE"
_AT = "2026-01-01T00:00:00+00:00"


def _mac(number: int) -> str:
    return f"02:00:4b:6e:{number >> 8:02x}:{number & 0xFF:02x}"


def entry(outlet_ports: list[int], csms: Csms, options: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration entry of a site as Home Assistant keeps it."""
    outlets = [
        {
            "data": {"host": "127.0.0.1", "port": port, "evse": number},
            "subentry_id": f"01KONSENTOBENCH00000OUT{number:03}",
            "subentry_type": "outlet",
            "title": f"Outlet {number}",
            "unique_id": _mac(number).replace(":", ""),
        }
        for number, port in enumerate(outlet_ports, start=1)
    ]
    server = {
        "data": {"url": csms.url, "station_id": STATION, "password": PASSWORD},
        "subentry_id": "01KONSENTOBENCH0000SERVER0",
        "subentry_type": "management_server",
        "title": "Benchmark",
        "unique_id": None,
    }
    return {
        "created_at": _AT,
        "modified_at": _AT,
        "data": {},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "konsento",
        "entry_id": ENTRY_ID,
        "minor_version": 1,
        "options": options,
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [*outlets, server],
        "title": "Bench",
        "unique_id": None,
        "version": 1,
    }


@dataclass
class ManyOutlets:
    """A running site and its management server. Use it as an asynchronous context manager."""

    folder: Path
    count: int
    settings: dict[str, str]
    """Of the firmware."""
    options: dict[str, Any]
    """Of the site."""
    recorder: bool = True
    """Whether Home Assistant keeps a history, as it does by default."""

    def __post_init__(self) -> None:
        ports = Ports()
        self.csms = Csms(ports.take())
        self.outlets: list[Outlet] = []
        self._ports = ports
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        program = await asyncio.to_thread(build, self.settings)
        for number in range(1, self.count + 1):
            spec = OutletSpec(name=f"outlet-{number}", title=f"Outlet {number}", mac=_mac(number))
            outlet = Outlet(spec, program, self._ports.take(), self.folder / str(number))
            self.outlets.append(outlet)
            self._stack.push_async_callback(outlet.process.kill)
            await outlet.process.start()
        await self.csms.start()
        self._stack.push_async_callback(self.csms.stop)
        self.home_assistant = HomeAssistant(
            "Bench",
            self._ports.take(),
            self.folder / "site",
            OWNER,
            OWNER_PASSWORD,
            entries=[entry([outlet.port for outlet in self.outlets], self.csms, self.options)],
            log_level="warning",
            recorder=self.recorder,
        )
        self._stack.push_async_callback(self.home_assistant.close)
        await self.home_assistant.start()
        await self.csms.until(
            lambda: (
                self.csms.connected
                and len(self.csms.states) == self.count
                and set(self.csms.states.values()) <= {"Available"}
            ),
            240,
        )

    @property
    def journal(self) -> Path:
        """The site's journal."""
        return self.home_assistant.config / ".storage" / f"konsento.{ENTRY_ID}.sqlite3"
