"""A second supplier's management server at the same site, and the portal of both."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import httpx

from rig.home_assistant import HomeAssistant
from rig.outlet import OutletSpec
from rig.paths import program
from rig.ports import Ports
from rig.process import Process
from rig.server import ManagementServer, until_healthy
from rig.suppliers import KAZE, SAKURA, SERVER_SETTINGS, provisioning

NEIGHBOURS_SETTINGS: Final[Mapping[str, str]] = {"KONSENTO_PARTNERS_TO_LOOPBACK": "true"}
"""Of the servers of both suppliers."""


class Neighbours:
    """Kaze Denki beside Sakura Energy, and the portal that knows both."""

    def __init__(self, ports: Ports, folder: Path, first_public_url: str) -> None:
        self.server = ManagementServer(
            ports.take(),
            ports.take(),
            folder / "kaze",
            {**SERVER_SETTINGS, **NEIGHBOURS_SETTINGS, "KONSENTO_OPERATOR_NAME": KAZE.name},
        )
        self.portal_port = ports.take()
        self.portal_url = f"http://localhost:{self.portal_port}"
        self._folder = folder / "portal"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._first_url = first_public_url
        # Between the suppliers, and between the portal and each of them.
        self._shared, self._sakura_key, self._kaze_key = ("kps_" + secrets.token_urlsafe(32) for _ in range(3))
        self._specs: Sequence[OutletSpec] = ()
        self.portal = Process(
            "portal",
            [program("cloud", "konsento"), "portal", "serve"],
            self._folder / "portal.log",
            {
                "KONSENTO_PORTAL_DIRECTORY": str(self._folder / "directory.toml"),
                "KONSENTO_PORTAL_PORT": str(self.portal_port),
                "KONSENTO_PORTAL_PUBLIC_URL": self.portal_url,
                "KONSENTO_PORTAL_OPERATOR_NAME": "Setagaya Charging",
            },
            self._folder,
        )

    def partners_of_first(self) -> str:
        """Return what the first supplier's file says about the second one and the portal."""
        return _partner("supplier", KAZE.name, self.server.public_url, self._shared, SAKURA.station_id) + (
            _partner("portal", "Setagaya Charging", self.portal_url, self._sakura_key)
        )

    async def start(self, specs: Sequence[OutletSpec]) -> Self:
        """Start the second supplier's server."""
        self._specs = specs
        partners = _partner("supplier", SAKURA.name, self._first_url, self._shared, KAZE.station_id) + (
            _partner("portal", "Setagaya Charging", self.portal_url, self._kaze_key)
        )
        await self.server.apply(provisioning(specs, KAZE.codes, supplier=KAZE) + partners)
        await self.server.start()
        await self.server.ready()
        return self

    async def link(self, home_assistant: HomeAssistant, patience: float = 60) -> None:
        """Link the site to the second supplier too; then start the portal with the name that the site has at both."""
        await home_assistant.add_management_server(
            f"ws://127.0.0.1:{self.server.ocpp_port}/ocpp", KAZE.station_id, KAZE.password
        )
        async with asyncio.timeout(patience), httpx.AsyncClient() as http:
            names = {
                await _site_name(http, f"{url}/api/v1/offers/{code}")
                for url, code in ((self._first_url, SAKURA.codes[0]), (self.server.public_url, KAZE.codes[0]))
            }
        (name,) = names
        (self._folder / "directory.toml").write_text(self._directory(name))
        await self.portal.start()
        await until_healthy(self.portal, self.portal_url)

    async def stop(self) -> None:
        """Stop both programs."""
        await asyncio.gather(self.portal.stop(), self.server.process.stop())

    def _directory(self, site: str) -> str:
        text = f"""\
[[suppliers]]
id = "sakura"
name = "{SAKURA.name}"
url = "{self._first_url}"
key = "{self._sakura_key}"

[[suppliers]]
id = "kaze"
name = "{KAZE.name}"
url = "{self.server.public_url}"
key = "{self._kaze_key}"

[[sites]]
common_name = "{site}"
name = "Sakura Mall car park"
place = "Setagaya, Tokyo"
suppliers = ["sakura", "kaze"]
"""
        for number, (spec, code) in enumerate(zip(self._specs, SAKURA.codes, strict=False), start=1):
            text += f"""
[[sites.outlets]]
number = {number}
name = "{spec.title}"
code = "{code}"
"""
        return text


def _partner(kind: str, name: str, url: str, key: str, *sites: str) -> str:
    return f"""
[[partners]]
kind = "{kind}"
name = "{name}"
url = "{url}"
key = "{key}"
sites = [{", ".join(f'"{site}"' for site in sites)}]
"""


async def _site_name(http: httpx.AsyncClient, address: str) -> str:
    """Return the common name of the site, as soon as the site has told it to a server."""
    while True:
        answer = await http.get(address)
        name = answer.json()["outlets"][0]["outlet"] if answer.status_code == 200 else None
        if name is not None:
            return str(name).partition(".")[0]
        await asyncio.sleep(0.2)
