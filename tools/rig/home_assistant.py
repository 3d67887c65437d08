"""A real Home Assistant with the integration, onboarded and configured over HTTP as its own frontend does it."""

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, override

import httpx

from rig.paths import ROOT, program
from rig.process import Process

_CONFIGURATION = """\
homeassistant:
  name: {name}
  latitude: 35.6764
  longitude: 139.6500
  elevation: 40
  unit_system: metric
  time_zone: Asia/Tokyo
  country: JP
  currency: JPY
  language: en
frontend:
config:
{recorder}zeroconf:
logger:
  default: warning
  logs:
    custom_components.konsento: {log_level}
"""


def _storage(port: int, entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what Home Assistant keeps in its own files and no form of it can be asked for in time."""
    return {
        **(
            {"core.config_entries": {"version": 1, "minor_version": 5, "data": {"entries": entries}}} if entries else {}
        ),
        # In YAML the port would be on trial: after five minutes without an owner's click it falls back to 8123.
        "http": {
            "version": 2,
            "minor_version": 2,
            "data": {
                "stable": {
                    "server_host": ["127.0.0.1"],
                    "server_port": port,
                    "cors_allowed_origins": [],
                    "login_attempts_threshold": -1,
                    "ip_ban_enabled": True,
                    "ssl_profile": "modern",
                    "use_x_frame_options": True,
                    "created_at": "2026-01-01T00:00:00+00:00",
                    "error": None,
                    "error_message": None,
                },
                "pending": None,
                "yaml_migration_done": True,
            },
        },
        # The step `core_config` would add integrations that fetch weather, radio and voices from the internet.
        "onboarding": {"version": 4, "minor_version": 1, "data": {"done": ["core_config", "analytics"]}},
    }


class FlowRefusedError(Exception):
    """A configuration form came back with errors; says which."""


class HomeAssistant:
    """One site's Home Assistant."""

    def __init__(
        self,
        name: str,
        port: int,
        folder: Path,
        username: str,
        password: str,
        *,
        entries: Sequence[Mapping[str, Any]] = (),
        log_level: str = "debug",
        recorder: bool = True,
    ) -> None:
        """`entries`: configuration entries that it finds at its first start; `log_level` is the integration's."""
        self.url = f"http://127.0.0.1:{port}"
        self.username = username
        self.password = password
        self.config = folder / "config"
        self.log = folder / "ha.log"
        self._name = name
        self._port = port
        self._entries = entries
        self._log_level = log_level
        self._recorder = recorder
        self._http = httpx.AsyncClient(base_url=self.url, timeout=60)
        self.entry_id = ""
        self.process = Process(
            "Home Assistant",
            # --skip-pip: everything is locked in requirements/site.txt, nothing is installed at run time.
            [program("site", "hass"), "--config", str(self.config), "--skip-pip", "--log-file", str(self.log)],
            folder / "home-assistant.log",
            {"HOME": str(folder)},
            folder,
        )

    async def start(self) -> None:
        """Start the program; `ready` waits for it."""
        if not self.config.exists():
            self._prepare()
        await self.process.start()

    def _prepare(self) -> None:
        """Make the configuration folder."""
        (self.config / "custom_components").mkdir(parents=True)
        (self.config / "custom_components/konsento").symlink_to(ROOT / "custom_components/konsento")
        self._store(_storage(self._port, self._entries))
        (self.config / "configuration.yaml").write_text(
            _CONFIGURATION.format(
                name=self._name,
                log_level=self._log_level,
                recorder="energy:\nhistory:\nlogbook:\n" if self._recorder else "",
            )
        )

    def _store(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        """Write what Home Assistant finds in its own files at its first start."""
        (self.config / ".storage").mkdir()
        for key, content in files.items():
            (self.config / ".storage" / key).write_text(json.dumps({"key": key, **content}))

    async def close(self) -> None:
        """Stop the program."""
        await self._http.aclose()
        await self.process.stop()

    async def ready(self, patience: float = 180) -> None:
        """Wait until the HTTP interface answers; raises ProcessFailedError when the program ends instead."""
        async with asyncio.timeout(patience):
            while True:
                await self.process.check()
                try:
                    answer = await self._http.get("/api/onboarding")
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                # 404: onboarding is done and its views are gone.
                if answer.status_code in {200, 404}:
                    return
                await asyncio.sleep(0.2)

    async def onboard(self) -> None:
        """Make the owner's account and finish what is left of the welcome steps."""
        client = {"client_id": self.url + "/"}
        answer = await self._http.post(
            "/api/onboarding/users",
            json={"name": "Owner", "username": self.username, "password": self.password, "language": "en", **client},
        )
        answer.raise_for_status()
        await self._use_code(answer.json()["auth_code"])
        (
            await self._http.post("/api/onboarding/integration", json={"redirect_uri": self.url + "/", **client})
        ).raise_for_status()

    async def running(self, patience: float = 240) -> None:
        """Wait until everything has started, the recorder too, which writes nothing before; the owner is signed in."""
        async with asyncio.timeout(patience):
            # There is no event of it to be had over HTTP.
            while (await self._http.get("/api/config")).json().get("state") != "RUNNING":  # noqa: ASYNC110
                await asyncio.sleep(0.5)

    async def sign_in(self) -> None:
        """Sign in as the owner, after a restart."""
        client = {"client_id": self.url + "/"}
        flow = await self._http.post(
            "/auth/login_flow", json={"handler": ["homeassistant", None], "redirect_uri": self.url + "/", **client}
        )
        flow.raise_for_status()
        done = await self._http.post(
            f"/auth/login_flow/{flow.json()['flow_id']}",
            json={"username": self.username, "password": self.password, **client},
        )
        done.raise_for_status()
        await self._use_code(done.json()["result"])

    async def _use_code(self, code: str) -> None:
        answer = await self._http.post(
            "/auth/token", data={"grant_type": "authorization_code", "code": code, "client_id": self.url + "/"}
        )
        answer.raise_for_status()
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def add_site(self, name: str) -> None:
        """Add the integration."""
        self.entry_id = (await self._flow("flow", {"handler": "konsento"}, {"name": name}))["entry_id"]

    async def add_outlet(self, port: int, name: str, *, guarded: bool = True) -> None:
        """Add an outlet by its address; one that does not guard itself by its relay and its power sensor."""
        parts = {} if guarded else {"relay": "relay", "power": "power"}
        kind = "guarded" if guarded else "plain"
        await self._subentry("outlet", {"host": "127.0.0.1", "port": port, "name": name, **parts}, kind)

    async def add_management_server(self, url: str, station_id: str = "", password: str = "") -> None:
        """Link a management server; `url` may be the whole set-up line that its operator gives out."""
        values = {"url": url, "station_id": station_id, "password": password}
        await self._subentry("management_server", {name: value for name, value in values.items() if value})

    async def set_options(self, **options: float) -> None:
        """Change numbers of the site."""
        await self._flow("options/flow", {"handler": self.entry_id}, options, "numbers")

    async def limit_power(self, watts: int | None) -> None:
        """Say what the site may draw; None: as much as it likes."""
        values = {} if watts is None else {"limit": watts}
        await self._flow("options/flow", {"handler": self.entry_id}, values, "power")

    async def send_measurements_to(self, route: str, url: str, token: str, region: str, schedule: str) -> None:
        """Choose where measurements go: `route` is none, platform or computation."""
        values = {"route": route, "url": url, "token": token, "region": region, "schedule": schedule}
        await self._flow("options/flow", {"handler": self.entry_id}, values, "measurements")

    async def send_measurements(self) -> dict[str, int]:
        """Send what waits now; returns how many were sent, were refused, and wait."""
        return await self.act("send_measurements")

    async def act(self, action: str, **data: Any) -> dict[str, Any]:
        """Call an action of the integration; returns its response."""
        answer = await self._http.post(
            f"/api/services/konsento/{action}?return_response", json={"config_entry_id": self.entry_id, **data}
        )
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()["service_response"]
        return told

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return all entity states by entity id."""
        answer = await self._http.get("/api/states")
        answer.raise_for_status()
        return {state["entity_id"]: state for state in answer.json()}

    async def until(self, entity_id: str, state: str, patience: float = 120) -> None:
        """Wait until an entity has a state, also while the program starts."""
        async with asyncio.timeout(patience):
            while True:
                if (await self.states()).get(entity_id, {}).get("state") == state:
                    return
                await asyncio.sleep(0.2)

    async def press(self, entity_id: str) -> None:
        """Press a button entity."""
        answer = await self._http.post("/api/services/button/press", json={"entity_id": entity_id})
        answer.raise_for_status()

    async def _subentry(self, part: str, values: dict[str, Any], kind: str = "") -> None:
        await self._flow("subentries/flow", {"handler": [self.entry_id, part]}, values, kind)

    async def _flow(
        self, path: str, opening: dict[str, Any], values: dict[str, Any], choice: str = ""
    ) -> dict[str, Any]:
        """Walk a configuration flow: the choice in its menu, and to each form the values that it has fields for."""
        step = await self._step(f"/api/config/config_entries/{path}", opening)
        if step["type"] == "menu":
            step = await self._step(f"/api/config/config_entries/{path}/{step['flow_id']}", {"next_step_id": choice})
        while step["type"] == "form":
            fields = {field["name"] for field in step["data_schema"] or []}
            step = await self._step(
                f"/api/config/config_entries/{path}/{step['flow_id']}",
                {name: value for name, value in values.items() if name in fields},
            )
            if step.get("errors"):
                raise FlowRefusedError(f"{opening}: {step['errors']}")
        if step["type"] == "abort":
            raise FlowRefusedError(f"{opening}: {step['reason']}")
        result = step.get("result")
        return result if isinstance(result, dict) else {}

    async def _step(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.post(path, json=body)
        if answer.status_code >= 400:
            raise FlowRefusedError(f"{path}: {answer.status_code} {answer.text}")
        step: dict[str, Any] = answer.json()
        return step


class NewHomeAssistant(HomeAssistant):
    """One that nobody has set up: Home Assistant's own configuration, and what HACS copies into it."""

    @override
    def _prepare(self) -> None:
        # HACS downloads the files of the release, one by one.
        shutil.copytree(
            ROOT / "custom_components/konsento",
            self.config / "custom_components/konsento",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        # The port alone, which a machine that runs several cannot leave to it.
        self._store({"http": _storage(self._port, ())["http"]})
