"""The whole line: outlets, site, management server, platform, computation system, and links that record and break."""

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
from rig.outlet import Outlet, OutletSpec, Watcher, build
from rig.ports import Ports
from rig.proxy import TcpProxy
from rig.server import ManagementServer

STATION_ID = "sakura-mall"
STATION_PASSWORD = "demo-station-password"  # noqa: S105  # of a server that listens on this machine alone
OWNER = "owner"
OWNER_PASSWORD = "demo-owner"  # noqa: S105  # of a Home Assistant that listens on this machine alone
UNIT_PRICE = "3850"

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

CODES = ("K7F298", "M4XR86", "P9WC3K", "EYVFHG")


def provisioning(outlets: Sequence[OutletSpec], codes: Sequence[str], presence: str = "none") -> str:
    """Return the file that an operator would write for `konsento apply`. `presence`: how drivers show it."""
    text = f"""\
[[tariffs]]
name = "demo"
unit_price = "{UNIT_PRICE}"
power_type = "other"
supplier = "Sakura Energy"
supplier_code = "A0269"

[[sites]]
name = "Sakura Mall car park"
station_id = "{STATION_ID}"
password = "{STATION_PASSWORD}"
time_zone = "Asia/Tokyo"
place = "Setagaya, Tokyo"
presence = "{presence}"
latitude = 35.6461
longitude = 139.6532
"""
    for number, (outlet, code) in enumerate(zip(outlets, codes, strict=False), start=1):
        text += f"""
[[sites.outlets]]
evse_id = {number}
code = "{code}"
name = "{outlet.title}"
rated_w = 3000
volts = 200
tariff = "demo"
"""
    return text


@dataclass
class Line:
    """The running line. Use `Line.open` as an asynchronous context manager."""

    folder: Path
    ports: Ports
    say: Callable[[str], None]
    specs: Sequence[OutletSpec] = OUTLETS
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Outlets announce themselves, and a site goes after one that it knows: no two lines have the same.
        line = secrets.token_bytes(2).hex(":")
        self.specs = [replace(spec, mac=f"02:00:00:{line}:{spec.mac[-2:]}") for spec in self.specs]
        self.server = ManagementServer(
            self.ports.take(),
            self.ports.take(),
            self.folder / "server",
            {
                "KONSENTO_OPERATOR_NAME": "Sakura Energy",
                "KONSENTO_WELCOME_CREDIT_MINOR": "5000",
                "KONSENTO_BALANCE": "true",
                "KONSENTO_FAKE_PAYMENTS": "true",
                # All drivers of the rig are on one machine.
                "KONSENTO_NEWCOMERS_PER_HOUR": "10000",
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
        await self.server.apply(provisioning(self.specs, CODES))
        await self.server.start()
        await self.cloud_link.start()
        await self.server.ready()
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
        await self.home_assistant.send_measurements_to(
            "platform", f"http://127.0.0.1:{self.platform_link.port}", self.environment.site_token, REGION, "hourly"
        )
        await self._outlets_free()
        self.say(f"ready after {monotonic() - began:.0f} s")

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
            watcher = self._watchers[number] = Watcher(self.outlets[number - 1].port)
            await watcher.connect()
            self._stack.push_async_callback(watcher.close)
        return self._watchers[number]


def to_stderr(text: str) -> None:
    """Tell a person what goes on."""
    print(text, file=sys.stderr, flush=True)


def temporary_folder() -> Path:
    """Return a new folder for a line."""
    return Path(tempfile.mkdtemp(prefix="konsento-"))
