"""What a site's owner must see to: repairs, keys and passwords that are no longer taken. And what an outlet is by now.

Outlets are looked at when they change, and then only when something that matters here is another; everything is looked
at every few seconds besides, because a clock or a queue tells nobody that it changed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import CONF_ACCEPTED, DOCUMENTATION, DOMAIN
from .control.problems import Problem
from .entity import outlet_device
from .hub import Hub, OutletUnit, ServerUnit, SiteConfigEntry
from .measurements.route import Trouble
from .station.station import CLOCK_TOLERANCE_S

INTERVAL = timedelta(seconds=10)
MANY_EVENTS = 1000
"""So many events wait for a server that has been away for hours: ten minutes of a site of ten outlets in full use."""
LATCHED = frozenset({Problem.OVERCURRENT, Problem.WELDED_CONTACT, Problem.UNKNOWN_FAULT})
"""Faults that stay until somebody clears them."""
ISSUE_ANOTHER_DEVICE = "another_device"
ISSUE_BUILDING_METER = "building_meter_silent"
ISSUE_CANNOT_WAIT = "cannot_wait"
ISSUE_TOO_SMALL = "circuit_too_small"
ISSUE_UNGUARDED = "unguarded"
ISSUE_CLOCKS = "clocks_differ"
ISSUE_EVENTS = "events_waiting"
ISSUE_TOKEN = "measurements_token"  # noqa: S105  # the name of an issue
ISSUE_STUCK = "measurements_stuck"
ISSUE_REFUSED = "measurements_refused"
FIXABLE = frozenset({*LATCHED, Problem.FIRMWARE_OUTDATED, ISSUE_CLOCKS, ISSUE_EVENTS, ISSUE_TOKEN, ISSUE_UNGUARDED})
"""What repairs.py has a form for."""
_POWER = "power"
"""In the place of a subentry id: what concerns limits."""
STUCK = timedelta(days=1)
"""For so long measurements may fail to leave the site before its owner is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Issue:
    key: str
    severity: ir.IssueSeverity
    placeholders: tuple[tuple[str, str], ...] = ()
    fault: str | None = None
    """Name of a fault that can be cleared from here."""


def forget_issues(hass: HomeAssistant, entry: SiteConfigEntry) -> None:
    """Delete what is left of a site's issues when the site is given up."""
    ends = {entry.entry_id, *entry.subentries, *(part.unique_id or "" for part in entry.subentries.values())} - {""}
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.endswith(tuple(f"_{end}" for end in ends)):
            ir.async_delete_issue(hass, DOMAIN, issue_id)


class Supervision:
    """Keeps issues, reauthentication and the device registry in step with one site."""

    def __init__(self, hass: HomeAssistant, entry: SiteConfigEntry, hub: Hub) -> None:
        self._hass = hass
        self._entry = entry
        self._hub = hub
        self._issues: dict[str, dict[str, _Issue]] = {}
        """By subentry id (the site's own by entry id), then by issue id."""
        self._seen: dict[str, object] = {}
        self._end = async_track_time_interval(hass, self._tick, INTERVAL, cancel_on_shutdown=True)
        hub.on_outlet(self._take_outlet)
        hub.on_server(self._take_server)
        self._look_at_measurements()
        entry.async_on_unload(hub.reporting.listen(self._look_at_measurements))
        entry.async_on_unload(hub.budget.listen(self._look_at_power))

    @callback
    def stop(self) -> None:
        """End it; what is wrong with a site that does not run is nobody's business.

        What the owner ignores stays, so that it is still ignored when the site runs again.
        """
        self._end()
        registry = ir.async_get(self._hass)
        for issues in self._issues.values():
            for issue_id in issues:
                if (issue := registry.async_get_issue(DOMAIN, issue_id)) and issue.dismissed_version is None:
                    ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        self._issues.clear()

    @callback
    def _take_outlet(self, unit: OutletUnit) -> None:
        self._look_at_outlet(unit)
        unit.listen(lambda: self._look_at_outlet(unit))

    @callback
    def _take_server(self, unit: ServerUnit) -> None:
        self._look_at_server(unit)
        unit.listen(lambda: self._look_at_server(unit))

    async def _tick(self, _: datetime) -> None:
        for unit in list(self._hub.servers.values()):
            unit.waiting = await self._hub.site.journal.waiting_of(unit.subentry.subentry_id)
            unit.tell()
        self.look()

    @callback
    def look(self) -> None:
        """Look at everything; what is gone has no issues."""
        present = self._hub.outlets.keys() | self._hub.servers.keys() | {self._entry.entry_id, _POWER}
        for subentry_id in self._issues.keys() - present:
            self._show(subentry_id, {})
        # What was closed by a click although its cause is still there comes back.
        self._seen = {
            subentry_id: seen
            for subentry_id, seen in self._seen.items()
            if subentry_id in present and self._stand(subentry_id) == self._issues.get(subentry_id, {})
        }
        for outlet in self._hub.outlets.values():
            self._look_at_outlet(outlet)
        for server in self._hub.servers.values():
            self._look_at_server(server)
        self._look_at_measurements()

    # --- outlets

    @callback
    def _look_at_outlet(self, unit: OutletUnit) -> None:
        driver, subentry_id = unit.driver, unit.subentry.subentry_id
        if driver.key_refused:
            self._ask_anew(subentry_id)
        seen = (
            unit.control.problems,
            driver.facts,
            driver.guarded,
            driver.address_taken,
            unit.subentry.title,
            driver.report.fault if driver.report else "",
            self._is_accepted(subentry_id),
        )
        if self._seen.get(subentry_id) == seen:
            return
        self._seen[subentry_id] = seen
        issues = _outlet_issues(unit)
        if not driver.guarded and not self._is_accepted(subentry_id):
            name = ("outlet", unit.subentry.title)
            issues.append(_Issue(key=ISSUE_UNGUARDED, severity=ir.IssueSeverity.WARNING, placeholders=(name,)))
        self._show(subentry_id, {f"{issue.key}_{unit.control.outlet}": issue for issue in issues})
        self._describe(unit)

    def _is_accepted(self, subentry_id: str) -> bool:
        return subentry_id in self._entry.options.get(CONF_ACCEPTED, ())

    def _describe(self, unit: OutletUnit) -> None:
        """Write into the device registry what an outlet is; only its first contact or an update tells it."""
        registry = dr.async_get(self._hass)
        if device := registry.async_get_device_by_identifier((DOMAIN, unit.control.outlet), self._entry.entry_id):
            info = outlet_device(self._hub, unit)
            registry.async_update_device(
                device.id,
                name=info["name"],
                manufacturer=info["manufacturer"],
                model=info["model"],
                # What was known stays known while the outlet is away.
                sw_version=info["sw_version"] or device.sw_version,
            )

    # --- servers

    @callback
    def _look_at_server(self, unit: ServerUnit) -> None:
        station, subentry_id = unit.station, unit.subentry.subentry_id
        if station.refused:
            self._ask_anew(subentry_id)
        name = ("server", unit.subentry.title)
        issues = list[_Issue]()
        offset = station.clock_offset_s
        if offset is not None and abs(offset) > CLOCK_TOLERANCE_S:
            issues.append(
                _Issue(
                    key=ISSUE_CLOCKS,
                    severity=ir.IssueSeverity.WARNING,
                    placeholders=(name, ("seconds", f"{abs(offset):.0f}")),
                )
            )
        if unit.waiting is not None and unit.waiting > MANY_EVENTS:
            issues.append(_Issue(key=ISSUE_EVENTS, severity=ir.IssueSeverity.WARNING, placeholders=(name,)))
        self._show(subentry_id, {f"{issue.key}_{subentry_id}": issue for issue in issues})

    # --- measurements

    @callback
    def _look_at_power(self) -> None:
        budget = self._hub.budget
        issues = dict[str, _Issue]()
        if budget.meter_missed:
            meter = self._hass.states.get(budget.meter_entity or "")
            issues[f"{ISSUE_BUILDING_METER}_{self._entry.entry_id}"] = _Issue(
                key=ISSUE_BUILDING_METER,
                severity=ir.IssueSeverity.ERROR,
                placeholders=(
                    ("site", self._entry.title),
                    ("meter", meter.name if meter else budget.meter_entity or "?"),
                    ("fallback", f"{budget.fallback_w:.0f}"),
                ),
            )
        for unit in self._hub.outlets.values():
            name, evse = ("outlet", unit.subentry.title), unit.control.evse
            if found := budget.too_small(evse):
                circuit, capacity, rating = found
                part = self._entry.subentries.get(circuit)
                issues[f"{ISSUE_TOO_SMALL}_{unit.control.outlet}"] = _Issue(
                    key=ISSUE_TOO_SMALL,
                    severity=ir.IssueSeverity.ERROR,
                    placeholders=(
                        name,
                        ("circuit", part.title if part else self._entry.title),
                        ("limit", f"{capacity:.0f}"),
                        ("rating", f"{rating:.0f}"),
                    ),
                )
            # One that is away says nothing about itself.
            if unit.driver.report and not unit.driver.facts.can_wait and budget.is_limited(evse):
                issues[f"{ISSUE_CANNOT_WAIT}_{unit.control.outlet}"] = _Issue(
                    key=ISSUE_CANNOT_WAIT, severity=ir.IssueSeverity.WARNING, placeholders=(name,)
                )
        self._show(_POWER, issues)

    @callback
    def _look_at_measurements(self) -> None:
        sender, counts = self._hub.reporting.sender, self._hub.reporting.counts
        site = ("site", self._entry.title)
        issues = list[_Issue]()
        if sender.trouble is not None and sender.trouble.trouble is Trouble.TOKEN:
            issues.append(_Issue(key=ISSUE_TOKEN, severity=ir.IssueSeverity.ERROR, placeholders=(site,)))
        elif sender.trouble is not None and sender.stuck_since and dt_util.utcnow() - sender.stuck_since > STUCK:
            reason = ("reason", str(sender.trouble))
            issues.append(_Issue(key=ISSUE_STUCK, severity=ir.IssueSeverity.WARNING, placeholders=(site, reason)))
        if counts.refused:
            told = (("count", str(counts.refused)), ("reasons", ", ".join(counts.reasons)))
            issues.append(_Issue(key=ISSUE_REFUSED, severity=ir.IssueSeverity.WARNING, placeholders=(site, *told)))
        self._show(self._entry.entry_id, {f"{issue.key}_{self._entry.entry_id}": issue for issue in issues})

    # --- what is shown

    def _ask_anew(self, subentry_id: str) -> None:
        # Home Assistant has one such form of a site open at a time: the next part has its turn when this one is done.
        self._entry.async_start_reauth(self._hass, data={"subentry_id": subentry_id})

    def _stand(self, subentry_id: str) -> dict[str, _Issue]:
        """Return what is shown of a part and was not closed since."""
        registry = ir.async_get(self._hass)
        shown = self._issues.get(subentry_id, {})
        return {issue_id: issue for issue_id, issue in shown.items() if registry.async_get_issue(DOMAIN, issue_id)}

    def _show(self, subentry_id: str, wanted: dict[str, _Issue]) -> None:
        shown = self._stand(subentry_id)
        for issue_id in shown.keys() - wanted.keys():
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        for issue_id, issue in wanted.items():
            if shown.get(issue_id) != issue:
                ir.async_create_issue(
                    self._hass,
                    DOMAIN,
                    issue_id,
                    data=self._fix_data(subentry_id, issue),
                    is_fixable=issue.key in FIXABLE,
                    learn_more_url=f"{DOCUMENTATION}#repairs",
                    severity=issue.severity,
                    translation_key=issue.key,
                    translation_placeholders=dict(issue.placeholders),
                )
        if wanted:
            self._issues[subentry_id] = wanted
        else:
            self._issues.pop(subentry_id, None)

    def _fix_data(self, subentry_id: str, issue: _Issue) -> dict[str, Any] | None:
        if issue.key not in FIXABLE:
            return None
        return {
            "entry_id": self._entry.entry_id,
            "subentry_id": subentry_id,
            "issue": issue.key,
            **dict(issue.placeholders),
            **({"fault": issue.fault} if issue.fault else {}),
        }


def _outlet_issues(unit: OutletUnit) -> list[_Issue]:
    driver = unit.driver
    name = ("outlet", unit.subentry.title)
    issues = list[_Issue]()
    problems = set(unit.control.problems)
    if Problem.WELDED_CONTACT in problems:
        # It is why power flows: one cause, one thing to do.
        problems.discard(Problem.POWER_WITHOUT_SESSION)
    for problem in sorted(problems):
        placeholders, fault = [name], None
        if problem is Problem.FIRMWARE_OUTDATED:
            placeholders.append(("missing", ", ".join(driver.facts.missing)))
        elif problem in LATCHED:
            fault = driver.report.fault if driver.report else str(problem)
        if problem is Problem.UNKNOWN_FAULT:
            placeholders.append(("fault", fault or ""))
        serious = problem.is_tamper or problem.blocks or problem in LATCHED
        issues.append(
            _Issue(
                key=str(problem),
                severity=ir.IssueSeverity.ERROR if serious else ir.IssueSeverity.WARNING,
                placeholders=tuple(placeholders),
                fault=fault,
            )
        )
    if driver.address_taken:
        issues.append(_Issue(key=ISSUE_ANOTHER_DEVICE, severity=ir.IssueSeverity.ERROR, placeholders=(name,)))
    return issues
