"""The whole line: outlets, site, management server, platform, computation system, and links that record and break."""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Self

from rig.driver import Driver
from rig.environment import REGION, Environment
from rig.home_assistant import HomeAssistant
from rig.neighbours import NEIGHBOURS_SETTINGS, Neighbours
from rig.outlet import Outlet, OutletSpec, Watcher, build
from rig.ports import Ports
from rig.proxy import TcpProxy
from rig.server import ManagementServer
from rig.suppliers import CODES, SAKURA, SERVER_SETTINGS, STATION_ID, STATION_PASSWORD, provisioning

OWNER = "owner"
OWNER_PASSWORD = "demo-owner"  # noqa: S105  # of a Home Assistant that listens on this machine alone

OUTLETS = (
    OutletSpec(
        name="outlet-1",
        title="Outlet 1, north wall",
        mac="02:00:00:00:00:01",
        settings={"load_w": "3000", "idle_time": "10s"},
    ),
    OutletSpec(
        name="outlet-2",
        title="Outlet 2, north wall",
        mac="02:00:00:00:00:02",
        settings={
            "load_w": "1500",
            "load_ramp_s": "5",
            "load_noise_w": "20",
            "idle_time": "10s",
        },
    ),
    OutletSpec(
        name="outlet-3",
        title="Outlet 3, by the entrance",
        mac="02:00:00:00:00:03",
        settings={"load_w": "3000", "plugged": "false", "start_timeout": "10s"},
    ),
    OutletSpec(
        name="outlet-4",
        title="Outlet 4, a smart plug",
        mac="02:00:00:00:00:04",
        settings={"load_w": "3000"},
        device="host_plain",
    ),
)
"""Different cars: a steady 3 kW, a slow and noisy 1.5 kW, none plugged in; and one at a plain relay with a meter."""


@dataclass
class Line:
    """The running line. Use `Line.open` as an asynchronous context manager."""

    folder: Path
    ports: Ports
    say: Callable[[str], None]
    specs: Sequence[OutletSpec] = OUTLETS
    settings: Mapping[str, str] = field(default_factory=dict)
    two_suppliers: bool = False
    """With a second supplier's server at the same site, and the portal of both (`neighbours`)."""

    def __post_init__(self) -> None:
        # Outlets announce themselves, and a site goes after one that it knows: no two lines have the same.
        line = secrets.token_bytes(2).hex(":")
        self.specs = [replace(spec, mac=f"02:00:00:{line}:{spec.mac[-2:]}") for spec in self.specs]
        self.server = ManagementServer(
            self.ports.take(),
            self.ports.take(),
            self.folder / "server",
            {
                **SERVER_SETTINGS,
                "KONSENTO_OPERATOR_NAME": SAKURA.name,
                **(NEIGHBOURS_SETTINGS if self.two_suppliers else {}),
                **self.settings,
            },
        )
        self.home_assistant = HomeAssistant(
            "Sakura Mall", self.ports.take(), self.folder / "site", OWNER, OWNER_PASSWORD
        )
        self.cloud_link = TcpProxy(self.ports.take(), self.server.ocpp_port)
        platform_port, computation_port = self.ports.take(), self.ports.take()
        self.environment = Environment(platform_port, computation_port, self.folder / "environment")
        self.platform_link = TcpProxy(self.ports.take(), platform_port)
        self.computation_link = TcpProxy(self.ports.take(), computation_port)
        self.neighbours = Neighbours(self.ports, self.folder, self.server.public_url) if self.two_suppliers else None
        self.outlets: list[Outlet] = []
        self.outlet_links: list[TcpProxy] = []
        self._watchers: dict[int, Watcher] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
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
        began = monotonic()
        self.say("starting Home Assistant")
        self._stack.push_async_callback(self.home_assistant.close)
        await self.home_assistant.start()
        self.say("building the firmware of the outlets (a minute the first time, cached afterwards)")
        for spec in self.specs:
            relay = self.ports.take()
            outlet = Outlet(spec, await build(spec), self.ports.take(), self.folder / spec.name, advertised=relay)
            # On all addresses (hence S104): Home Assistant goes where the outlet tells the network that it is.
            link = TcpProxy(relay, outlet.port, host="0.0.0.0")  # noqa: S104
            self.outlets.append(outlet)
            self.outlet_links.append(link)
            self._stack.push_async_callback(outlet.process.stop)
            self._stack.push_async_callback(link.stop)
            await outlet.process.start()
            await link.start()
        self.say("starting the management server")
        self._stack.push_async_callback(self.server.process.stop)
        self._stack.push_async_callback(self.cloud_link.stop)
        partners = self.neighbours.partners_of_first() if self.neighbours is not None else ""
        await self.server.apply(provisioning(self.specs, CODES) + partners)
        await self.server.start()
        await self.cloud_link.start()
        await self.server.ready()
        beside = self._start_beside(self.neighbours) if self.neighbours is not None else None
        self.say("starting platform and computation system")
        self._stack.push_async_callback(self.environment.stop)
        for link in (self.platform_link, self.computation_link):
            self._stack.push_async_callback(link.stop)
            await link.start()
        await self.environment.start(self.computation_link.port)
        self.say("setting Home Assistant up")
        await self.home_assistant.ready()
        await self.home_assistant.onboard()
        await self.home_assistant.add_site("Sakura Mall")
        # A car park reports every few seconds; here somebody watches ten-second sessions.
        await self.home_assistant.set_options(meter_interval=1)
        for spec, link in zip(self.specs, self.outlet_links, strict=True):
            await self.home_assistant.add_outlet(link.port, spec.title, guarded=spec.guarded)
        await self.home_assistant.add_management_server(
            f"ws://127.0.0.1:{self.cloud_link.port}/ocpp", STATION_ID, STATION_PASSWORD
        )
        if beside is not None:
            await (await beside).link(self.home_assistant)
        await self.home_assistant.send_measurements_to(
            "platform", f"http://127.0.0.1:{self.platform_link.port}", self.environment.site_token, REGION, "hourly"
        )
        await self._outlets_free()
        self.say(f"ready after {monotonic() - began:.0f} s")

    def _start_beside(self, neighbours: Neighbours) -> asyncio.Task[Neighbours]:
        """Start the second supplier while the rest of the line starts."""

        async def start() -> Neighbours:
            await neighbours.start(self.specs)
            return neighbours

        self._stack.push_async_callback(neighbours.stop)
        task = asyncio.create_task(start(), name="second supplier")

        async def broken_off() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(broken_off)
        return task

    async def _outlets_free(self, patience: float = 60) -> None:
        driver = Driver(self.server.url)
        try:
            for code in CODES[: len(self.specs)]:
                await driver.until_free(code, patience)
        except TimeoutError as error:
            raise TimeoutError(
                f"{error}\nserver: {self.server.process.log_tail()}\n"
                f"Home Assistant: {self.home_assistant.process.log_tail()}"
            ) from None
        finally:
            await driver.close()

    async def driver(self, email: str, password: str, name: str) -> Driver:
        """Return a new driver who has just signed up."""
        driver = Driver(self.server.url)
        self._stack.push_async_callback(driver.close)
        await driver.sign_up(email, password, name)
        return driver

    async def watch(self, number: int) -> Watcher:
        """Return a direct look at outlet `number` (from 1), past Home Assistant; the same one each time."""
        if number not in self._watchers:
            # One for all: an outlet has few places for connections.
            self._watchers[number] = Watcher(self.outlets[number - 1].port)
            self._stack.push_async_callback(self._watchers[number].close)
        watcher = self._watchers[number]
        if not watcher.connected:
            await watcher.connect()
        return watcher


def to_stderr(text: str) -> None:
    """Tell a person what goes on."""
    print(text, file=sys.stderr, flush=True)


def temporary_folder() -> Path:
    """Return a new folder for a line."""
    return Path(tempfile.mkdtemp(prefix="konsento-"))
