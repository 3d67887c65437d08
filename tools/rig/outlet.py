"""An outlet: the real firmware, built for this machine, with a simulated car."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from aioesphomeapi import EntityState, NumberInfo, SwitchInfo, UserService
from aioesphomeapi.client import APIClient, ExecuteServiceDataType

from rig.changes import Changes
from rig.paths import ROOT, program
from rig.process import Process, run

type States = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class OutletSpec:
    """One outlet of the line. `settings` are substitutions of its device, a file of esphome/devices."""

    name: str
    title: str
    mac: str
    """For instance 02:00:00:00:00:01. An outlet is known by it, and found by a name that ends with its last half."""
    settings: dict[str, str] = field(default_factory=dict)
    device: str = "host"

    @property
    def host_name(self) -> str:
        """What it calls itself in the network."""
        return f"{'outlet' if self.guarded else 'plug'}-{self.mac.replace(':', '')[6:]}"

    @property
    def guarded(self) -> bool:
        """Whether it has the Konsento firmware."""
        return self.device == "host"


async def build(spec: OutletSpec) -> Path:
    """Return the firmware program of an outlet, building it when its inputs changed (30 s at most)."""
    tool = str(ROOT / "tools/build_firmware.py")
    command = [program("firmware", "python"), tool, "--device", spec.device]
    for key, value in spec.settings.items():
        command += ["--set", f"{key}={value}"]
    return Path((await run("build_firmware", command, {}, ROOT)).strip().splitlines()[-1])


class Outlet:
    """A running outlet."""

    def __init__(
        self, spec: OutletSpec, firmware: Path, port: int, folder: Path, advertised: int | None = None
    ) -> None:
        """`advertised`: the port that it tells the network, where it is reached through a relay."""
        self.spec = spec
        self.port = port
        prefs = folder / "flash"
        prefs.mkdir(parents=True, exist_ok=True)
        self.process = Process(
            spec.name,
            [str(firmware)],
            folder / "firmware.log",
            {
                "KONSENTO_API_PORT": str(port),
                "KONSENTO_MAC_ADDRESS": spec.mac,
                "KONSENTO_ADVERTISED_PORT": str(advertised or port),
                "ESPHOME_PREFDIR": str(prefs),
            },
            folder,
        )


class Watcher:
    """Looks at an outlet directly, past Home Assistant: what the relay and the meter really do."""

    def __init__(self, port: int) -> None:
        self._client = APIClient("127.0.0.1", port, None)
        self._ids: dict[int, str] = {}
        self._actions: dict[str, UserService] = {}
        self._keys: dict[str, tuple[type, int]] = {}
        self._changes = Changes()
        self._followers: dict[str, list[asyncio.Queue[object]]] = {}
        self._told_at: dict[str, float] = {}
        self.states: dict[str, object] = {}
        self.seen_at: dict[tuple[str, object], float] = {}
        """When a value of an entity was last seen to begin, `time.monotonic()` seconds."""
        self.connected = False
        """Whether the states are those of now. An outlet hangs up on who has not answered for 150 s."""

    async def connect(self, patience: float = 60) -> None:
        """Connect, trying for `patience` seconds, and follow all states."""
        async with asyncio.timeout(patience):
            while True:
                try:
                    await self._client.connect(on_stop=self._on_stop, login=True)
                    break
                except Exception:  # noqa: BLE001  # the program may still be starting; the time-out above is the judge
                    await asyncio.sleep(0.1)
        entities, actions = await self._client.list_entities_services()
        self._actions = {action.name: action for action in actions}
        self._ids = {entity.key: entity.object_id for entity in entities}
        self._keys = {entity.object_id: (type(entity), entity.key) for entity in entities}
        self.connected = True
        began = monotonic()
        self._client.subscribe_states(self._on_state)
        names = self._ids.values()
        await self.until(lambda _: all(self._told_at.get(name, 0) >= began for name in names), patience)

    async def close(self) -> None:
        """Disconnect."""
        await self._client.disconnect()

    async def _on_stop(self, _expected: bool) -> None:
        self.connected = False

    def _on_state(self, state: EntityState) -> None:
        name = self._ids.get(state.key)
        if name is None:
            return
        value = getattr(state, "state", None)
        if self.states.get(name) != value:
            self.seen_at[name, value] = monotonic()
        self.states[name] = value
        self._told_at[name] = monotonic()
        for follower in self._followers.get(name, []):
            follower.put_nowait(value)
        self._changes.told()

    async def until(self, condition: Callable[[States], bool], patience: float = 60) -> None:
        """Wait until the states fulfil a condition, if only for a moment; raises TimeoutError with the states."""
        try:
            await self._changes.until(lambda: condition(self.states), patience)
        except TimeoutError:
            says = "says" if self.connected else "is not connected; it said"
            raise TimeoutError(f"after {patience} s the outlet {says} {self.states}") from None

    def follow(self, name: str) -> asyncio.Queue[object]:
        """Return a queue of what an entity says from now on, the same value again included."""
        follower: asyncio.Queue[object] = asyncio.Queue()
        self._followers.setdefault(name, []).append(follower)
        return follower

    def told_at(self, name: str) -> float:
        """Return when an entity last said anything, `time.monotonic()` seconds."""
        return self._told_at[name]

    def number(self, name: str) -> float:
        """Return the value of a sensor."""
        value = self.states[name]
        assert isinstance(value, float | int)  # noqa: S101  # a wrong entity name is a mistake in the caller
        return float(value)

    async def act(self, name: str, **values: bool | int | float | str | list[float]) -> None:
        """Call an action of the firmware; raises RuntimeError with its message when it refuses."""
        arguments: ExecuteServiceDataType = dict(values)
        answer = await self._client.execute_service(self._actions[name], arguments, return_response=False, timeout=10)
        if answer is not None and not answer.success:
            raise RuntimeError(answer.error_message)

    # --- the world behind the outlet, see docs/firmware.md

    async def set_load(self, key: str, value: float) -> None:
        """Change one setting of the simulated world (`load_set`); raises RuntimeError when key or value is wrong."""
        await self.act("load_set", key=key, value=float(value))

    async def curve(self, points: Sequence[tuple[float, float]]) -> None:
        """Let the car draw a curve of (seconds since the contact closed, W), straight between the points.

        No point: what `draw` says. Raises RuntimeError when seconds don't rise or a power is negative.
        """
        seconds = [float(second) for second, _watts in points]
        watts = [float(power) for _second, power in points]
        await self.act("load_curve", seconds=seconds, watts=watts)

    async def press(self, milliseconds: float) -> None:
        """Press the button for so long, 0 to 60,000 ms; returns at once."""
        await self.set_load("button_ms", milliseconds)

    def turn(self, name: str, state: bool) -> None:
        """Turn one of the switches; raises TypeError when there is no such switch."""
        self._client.switch_command(self._key(name, SwitchInfo), state)

    def plug(self, plugged: bool) -> None:
        """Plug the simulated car in or pull its cable."""
        self.turn("load_plugged", plugged)

    def draw(self, watts: float) -> None:
        """Set what the simulated car draws."""
        self._client.number_command(self._key("load_power", NumberInfo), watts)

    def _key(self, name: str, kind: type) -> int:
        found, key = self._keys[name]
        if found is not kind:
            raise TypeError(f"{name} is no {kind.__name__}")
        return key
