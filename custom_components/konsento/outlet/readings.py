"""Turns the stream of entity states of a guarded outlet into consistent reports.

The firmware publishes `session_state` after every other entity of the same change (docs/contracts.md §1). What belongs
to a session is therefore taken over at that moment and not before: in between, the id of a new session may already
stand beside the state of the old one.
"""

import math
from collections.abc import Iterable

from ..control.report import OutletReport
from ..control.words import EndReason, OutletState

REQUIRED = frozenset(
    {
        "session_state",
        "session_id",
        "end_reason",
        "session_energy",
        "session_time",
        "power",
        "lifetime_energy",
        "boot_id",
    }
)
"""Object ids without which a device is no guarded outlet."""
DECISIVE = frozenset({"session_state", "fault", "relay", "outlet_enabled", "button"})
"""What somebody may have to act on at once; all else can wait for the rest of its reading."""
_OPTIONAL = frozenset(
    {
        "fault",
        "relay",
        "outlet_enabled",
        "without_power",
        "button",
        "lease_left",
        "voltage",
        "current",
        "temperature",
        "relay_cycles",
        # Since version 1.2; facts of the outlet, which are to be there with its first report.
        "max_power",
        "max_current",
    }
)

type Value = float | str | bool | None


class Readings:
    """What one connection has told so far; a new connection starts with new readings."""

    def __init__(self, offered: Iterable[str]) -> None:
        """`offered`: object ids of the entities that the outlet has."""
        self._awaited = (REQUIRED | _OPTIONAL) & set(offered)
        self._known = frozenset(self._awaited)
        self._values: dict[str, Value] = {}
        self._settled: dict[str, Value] = {}

    def take(self, name: str, value: Value) -> bool:
        """Take one state; returns whether there is a new report."""
        if name not in self._known:
            return False
        self._values[name] = value
        if self._awaited:
            # The first burst comes in the order of the firmware's entity list, so it counts when it is complete.
            self._awaited -= {name}
            if self._awaited:
                return False
            self._settle()
        elif name == "session_state":
            self._settle()
        return True

    def _settle(self) -> None:
        self._settled = dict(self._values)

    def report(self) -> OutletReport | None:
        """Return the newest consistent reading; None before the first one is complete."""
        if not self._settled:
            return None
        settled, live = self._settled, self._values
        state = _state(settled["session_state"])
        # Within one session the newest energy counts; between two sessions only what came with the state.
        same = live["session_id"] == settled["session_id"] and not live["end_reason"] and not settled["end_reason"]
        meter = live if same else settled
        reason = _text(settled["end_reason"])
        return OutletReport(
            state=state,
            session_id=_text(settled["session_id"]),
            end_reason=EndReason.parse(reason) if reason else None,
            energy_mwh=_milli(meter["session_energy"]) or 0,
            supply_s=int(number(meter["session_time"]) or 0),
            power_w=number(live["power"]) or 0.0,
            lifetime_mwh=_milli(live["lifetime_energy"]),
            boot_id=_text(live["boot_id"]),
            fault=_text(live.get("fault")),
            enabled=live.get("outlet_enabled") is not False,
            relay=relay if isinstance(relay := live.get("relay"), bool) else None,
            lease_left_s=number(live.get("lease_left")),
            voltage_v=number(live.get("voltage")),
            current_a=number(live.get("current")),
            temperature_c=number(live.get("temperature")),
            relay_cycles=None if (cycles := number(live.get("relay_cycles"))) is None else int(cycles),
            without_power=live.get("without_power") is True,
            button=live.get("button") is True,
        )


def _state(value: Value) -> OutletState:
    try:
        return OutletState(_text(value) or OutletState.IDLE)
    except ValueError:
        # A state from a later firmware: nothing may be started on it.
        return OutletState.FAULT


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def number(value: Value) -> float | None:
    """Return a number that can be counted with, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, float | int) or not math.isfinite(value):
        return None
    return float(value)


def _milli(value: Value) -> int | None:
    units = number(value)
    return None if units is None or units < 0 else round(units * 1000)
