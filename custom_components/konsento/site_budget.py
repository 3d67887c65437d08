"""The power budget in Home Assistant: limits from options and circuits, the building's meter, when to decide anew."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, EventStateChangedData, EventStateReportedData, HomeAssistant, State, callback
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from .const import (
    CONF_CIRCUIT_OUTLETS,
    CONF_EVSE,
    CONF_FALLBACK,
    CONF_FEEDER,
    CONF_LIMIT,
    CONF_METER_COUNTS,
    CONF_METER_ENTITY,
    CONF_MIN_ON,
    CONF_POWER,
    CONF_UNIT,
    CONF_VOLTAGE,
    COUNTS_EVERYTHING,
    SUBENTRY_CIRCUIT,
    SUBENTRY_OUTLET,
    UNIT_AMPERE,
)
from .control.budget import SITE, Circuit, Priority, Reason, Rules
from .control.building import BuildingMeter
from .control.clock import Clock, SystemClock
from .control.holds import Suspension, suspension
from .control.outlet import OutletControl
from .control.power import PowerBudget
from .control.site import SiteControl
from .control.words import OutletState
from .entity_plug import entity_id_of, number_of
from .pace import Pace

NOT_WAITING = "not_waiting"
METER_SILENT = "meter_silent"
OWNER = "owner"
OUTLET = "outlet"
WAITING_FOR = (NOT_WAITING, *(str(reason) for reason in Reason), METER_SILENT, OWNER, OUTLET)
"""Why the session at an outlet is not supplied."""
PATIENCE = timedelta(minutes=2)
"""A meter may be silent for so long, for instance after a start, before the owner is told."""
_KIND_LIMIT = "power_limit"
_KIND_PRIORITY = "priority"
_TICK = timedelta(seconds=5)
_PAUSE_S = 0.25
"""Decided at most so often, however many outlets report."""
DEFAULT_MIN_ON_MIN = 15
_ANYTHING = 1e6


def watts_of(values: Mapping[str, Any]) -> float | None:
    """Return the limit in W that a form has asked for in W or A; None for none."""
    if (limit := values.get(CONF_LIMIT)) is None:
        return None
    return float(limit) * float(values[CONF_VOLTAGE]) if values[CONF_UNIT] == UNIT_AMPERE else float(limit)


class SiteBudget:
    """The limits of one site, and what becomes of them."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, site: SiteControl, clock: Clock | None = None) -> None:
        self._hass = hass
        self._entry = entry
        self._site = site
        self._clock = clock or SystemClock()
        self._budget = PowerBudget(site, self._clock)
        self._lowered_w: float | None = None
        """What an owner has set below the contract's limit; None = the contract's."""
        self._priorities: dict[str, Priority] = {}
        """By the outlets' own names; the others are NORMAL."""
        self._power: Mapping[str, Any] = {}
        self._parts: Mapping[str, Circuit] = {}
        """The circuits below the site, by id."""
        self._meter: BuildingMeter | None = None
        self._meter_entity: str | None = None
        self._silent_since: datetime | None = None
        self._settled_at = 0.0
        self._unlisten_meter: list[Callable[[], None]] = []
        self._ends: list[Callable[[], None]] = []
        self._listeners: list[Callable[[], None]] = []
        self._pace = Pace()
        self._looked = 0.0
        self._due: Callable[[], None] | None = None

    # --- life

    async def start(self) -> None:
        """Read what was kept; the journal is open. Call before outlets are added."""
        kept = await self._site.journal.remembered(_KIND_LIMIT)
        self._lowered_w = kept[SITE]["limit_w"] if SITE in kept else None
        priorities = await self._site.journal.remembered(_KIND_PRIORITY)
        self._priorities = {outlet: Priority(each["priority"]) for outlet, each in priorities.items()}
        self._settled_at = self._clock.monotonic() + PATIENCE.total_seconds()
        self._ends = [
            self._site.on_status(lambda _: self.touch()),
            self._budget.listen(self._decided),
            async_track_time_interval(self._hass, self._tick, _TICK, cancel_on_shutdown=True),
        ]
        self.follow()

    async def stop(self) -> None:
        """Decide no more; the outlets are still there. Who waits goes on waiting."""
        for end in [*self._ends, *self._unlisten_meter]:
            end()
        self._ends.clear()
        self._unlisten_meter.clear()
        if self._due:
            self._due()
        await self._budget.close()

    @callback
    def follow(self) -> None:
        """Take over what the entry says about limits and circuits now."""
        power: Mapping[str, Any] = self._entry.options.get(CONF_POWER, {})
        if power != self._power:
            self._power = power
            whole = power.get(CONF_METER_COUNTS) == COUNTS_EVERYTHING
            self._meter = BuildingMeter(whole=whole) if power.get(CONF_METER_ENTITY) else None
            self._meter_entity = None
            self._silent_since = None
        self._parts = self._parts_of_entry()
        self._budget.circuit_of = self._circuit_of()
        self._follow_meter()
        self.look()
        self._tell()

    # --- what an owner sees

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back when there may be something new; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def contract_w(self) -> float | None:
        """The most that the site may draw by its contract or wiring, W; None = no limit."""
        return watts_of(self._power)

    @property
    def limit_w(self) -> float | None:
        """What the site may draw now, W; an owner can set less than the contract, or all of it."""
        contract = self.contract_w
        return contract if contract is None or self._lowered_w is None else min(contract, self._lowered_w)

    async def set_limit(self, watts: float) -> None:
        """Use another limit from now on, at most the contract's; kept over restarts."""
        self._lowered_w = None if self.contract_w is not None and watts >= self.contract_w else watts
        body = None if self._lowered_w is None else {"limit_w": self._lowered_w}
        await self._site.journal.remember(_KIND_LIMIT, SITE, body)
        self.look()
        self._tell()

    def priority(self, outlet: str) -> Priority:
        """Return the priority of an outlet, by its own name."""
        return self._priorities.get(outlet, Priority.NORMAL)

    async def set_priority(self, outlet: str, priority: Priority) -> None:
        """Use another priority from now on; kept over restarts."""
        self._priorities[outlet] = priority
        body = None if priority is Priority.NORMAL else {"priority": priority.value}
        await self._site.journal.remember(_KIND_PRIORITY, outlet, body)
        self.look()
        self._tell()

    @property
    def free_w(self) -> float | None:
        """How much more the site may draw now, W; None without a limit."""
        return self._budget.free_w()

    @property
    def waiting(self) -> int:
        """How many sessions wait for power."""
        return len(self._budget.waiting)

    def load_w(self, circuit: str) -> float | None:
        """Return what is drawn on a circuit, W."""
        return self._budget.decision.load_w.get(circuit)

    def circuit_free_w(self, circuit: str) -> float | None:
        """Return how much more a circuit can carry by itself, W."""
        return self._budget.free_w(circuit) if circuit in self._budget.circuits else None

    def waiting_for(self, control: OutletControl) -> str:
        """Return why the session at an outlet is not supplied, one of WAITING_FOR."""
        report = control.driver.report
        if report and report.state is OutletState.SUPPLYING:
            # Known a moment before the session has it.
            return NOT_WAITING
        match suspension(control):
            case None:
                return NOT_WAITING
            case Suspension.OWNER:
                return OWNER
            case Suspension.BUDGET:
                reason = self._budget.decision.held.get(control.evse, Reason.SITE_LIMIT)
                return METER_SILENT if reason is Reason.SITE_LIMIT and self.meter_silent else str(reason)
            case _:
                return OUTLET

    @property
    def meter_silent(self) -> bool:
        """Whether the building has a meter that tells nothing."""
        return self._meter is not None and self._meter.rest_w(self._clock.monotonic()) is None

    @property
    def meter_missed(self) -> bool:
        """Whether it has told nothing for so long that somebody must see to it."""
        return self._silent_since is not None and dt_util.utcnow() - self._silent_since >= PATIENCE

    @property
    def meter_entity(self) -> str | None:
        """What the meter is called now."""
        stable = self._power.get(CONF_METER_ENTITY)
        return entity_id_of(self._hass, stable) if stable else None

    @property
    def fallback_w(self) -> float:
        """What the outlets may draw together while the building's meter is silent, W."""
        return float(self._power.get(CONF_FALLBACK, 0))

    def is_limited(self, evse: int) -> bool:
        """Whether any limit applies to an outlet."""
        return self._budget.is_limited(evse)

    def too_small(self, evse: int) -> tuple[str, float, float] | None:
        """Return a circuit that can never carry an outlet, with both numbers in W; the site's id is ''."""
        return self._budget.too_small(evse)

    def diagnostics(self) -> dict[str, Any]:
        """Return what the last decision was made of."""
        now, decision = self._clock.monotonic(), self._budget.decision
        return {
            "limit_w": self.limit_w,
            "contract_w": self.contract_w,
            "building_w": self._meter.rest_w(now) if self._meter else None,
            "building_meter_silent": self.meter_silent,
            "load_w": dict(decision.load_w),
            "held": {str(evse): str(reason) for evse, reason in decision.held.items()},
            "exceeded": sorted(decision.over),
            "priorities": {outlet: priority.name.lower() for outlet, priority in self._priorities.items()},
        }

    # --- deciding

    @callback
    def touch(self) -> None:
        """Note that something is new: decided at once, unless that was done a moment ago."""
        if self._due is None and self._ends:
            wait = max(0.0, self._looked + _PAUSE_S - self._hass.loop.time())
            self._due = self._hass.loop.call_later(wait, self.look).cancel

    @callback
    def look(self) -> None:
        """Decide anew."""
        if self._due:
            self._due()
            self._due = None
        if not self._ends:
            return
        self._looked = self._hass.loop.time()
        now = self._clock.monotonic()
        if self._meter:
            self._meter.outlets(now, self._outlets_w())
        self._budget.circuits = self._circuits(now)
        self._budget.rules = self._rules(now)
        self._budget.priority_of = {
            each.evse: self._priorities[each.outlet]
            for each in self._site.outlets.values()
            if each.outlet in self._priorities
        }
        self._budget.look()

    def _outlets_w(self) -> float:
        return sum(report.power_w for each in self._site.outlets.values() if (report := each.driver.report))

    def _settles(self, now: float) -> bool:
        """Whether other integrations are still starting, the one of the meter among them."""
        return now < self._settled_at and self._meter is not None and self._meter.rest_w(now) is None

    def _rules(self, now: float) -> Rules:
        rules = Rules(min_on_s=60.0 * self._power.get(CONF_MIN_ON, DEFAULT_MIN_ON_MIN))
        return replace(rules, overbooking=_ANYTHING) if self._settles(now) else rules

    def _circuits(self, now: float) -> dict[str, Circuit]:
        limit, rest = self.limit_w, 0.0
        if self._meter:
            told = self._meter.rest_w(now)
            if told is not None:
                rest = told
            elif limit is not None and self._settles(now):
                # Nobody is let in, and nobody has to stop.
                rest = max(0.0, limit - self._outlets_w())
            elif limit is not None:
                # Nobody knows what the building draws: the outlets share what they may draw whatever that is.
                limit = min(limit, self.fallback_w)
        site = Circuit(id=SITE, parent=None, capacity_w=self.contract_w, limit_w=limit, rest_w=rest)
        return {SITE: site, **self._parts}

    def _parts_of_entry(self) -> dict[str, Circuit]:
        return {
            part.subentry_id: Circuit(
                id=part.subentry_id,
                parent=part.data.get(CONF_FEEDER, SITE),
                capacity_w=watts_of(part.data),
                limit_w=watts_of(part.data),
            )
            for part in self._entry.get_subentries_of_type(SUBENTRY_CIRCUIT)
        }

    def _circuit_of(self) -> dict[int, str]:
        number = {
            part.subentry_id: part.data[CONF_EVSE] for part in self._entry.get_subentries_of_type(SUBENTRY_OUTLET)
        }
        return {
            number[outlet]: part.subentry_id
            for part in self._entry.get_subentries_of_type(SUBENTRY_CIRCUIT)
            for outlet in part.data[CONF_CIRCUIT_OUTLETS]
            if outlet in number
        }

    @callback
    def _decided(self) -> None:
        decision = self._budget.decision
        essence = (dict(decision.held), decision.over, self.limit_w, self.meter_silent, self.meter_missed)
        if self._pace.is_due(essence, decision.load_w[SITE]):
            self._tell()

    @callback
    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    @callback
    def _tick(self, _: datetime) -> None:
        self._follow_meter()
        if not self.meter_silent:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = dt_util.utcnow()
        self.touch()

    # --- the building's meter

    @callback
    def _follow_meter(self) -> None:
        """Listen to the meter, also under another name."""
        if (entity_id := self.meter_entity) == self._meter_entity:
            return
        for end in self._unlisten_meter:
            end()
        self._unlisten_meter.clear()
        self._meter_entity = entity_id
        if entity_id is None:
            self._read(None)
            return
        self._unlisten_meter = [
            async_track_state_change_event(self._hass, [entity_id], self._meter_told),
            # The same again is as new as another number: the meter is alive.
            async_track_state_report_event(self._hass, [entity_id], self._meter_told),
        ]
        self._read(self._hass.states.get(entity_id))

    @callback
    def _meter_told(self, event: Event[EventStateChangedData] | Event[EventStateReportedData]) -> None:
        self._read(event.data["new_state"])
        self.touch()

    def _read(self, state: State | None) -> None:
        if self._meter is None:
            return
        age = (dt_util.utcnow() - state.last_reported).total_seconds() if state else 0.0
        self._meter.read(self._clock.monotonic() - max(0.0, age), number_of(state, "power"))
