"""Days of a site in virtual time: the real core of Home Assistant with its recorder, and meters whose truth is known.

`python week.py FOLDER DAYS OUTLETS SEED PORT` writes what came of it as JSON. Only time and the outlets' devices are
made up: configuration, storage, statistics, history and energy preferences are Home Assistant's own, over restarts and
kills. A kill is a copy of the folder as it was at that moment, with which the next run begins.
"""

# Before anything of Home Assistant, which takes its clock at import.
import pytest_homeassistant_custom_component.patch_time  # noqa: F401  # isort: skip

import asyncio
import json
import logging
import random
import shutil
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

# Whatever makes classes of its types at import does so before the clock is another one.
import homeassistant.components.analytics
import homeassistant.components.hassio  # noqa: F401
from freezegun import freeze_time
from freezegun.api import TickingDateTimeFactory
from homeassistant.bootstrap import async_setup_hass
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.runner import RuntimeConfig
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import _SHUTDOWN_RUN_CALLBACK_THREADSAFE
from simulated import ManualClock, SimulatedOutlet
from zeroconf import DNSCache, Zeroconf

from custom_components.konsento.control.limits import Limits
from custom_components.konsento.control.session import LOCAL, Session, StartRequest
from custom_components.konsento.control.words import EndReason
from custom_components.konsento.hub import Hub

ENTRY_ID = "01KONSENTOWEEK0000000SITE"
START = datetime.fromisoformat("2026-05-03T15:00:00+00:00")
"""Midnight of a Monday in Tokyo."""
STEP = timedelta(minutes=2)
_BEFORE = timedelta(minutes=10)
_ROUNDING_WH = 0.01
"""Sums of many numbers of three decimals."""
_ZERO = ("hour_off_wh", "day_off_wh", "negative_hours")
_AT = "2026-01-01T00:00:00+00:00"
_CONFIGURATION = """\
homeassistant:
  name: Car park
  latitude: 35.6764
  longitude: 139.6500
  unit_system: metric
  time_zone: Asia/Tokyo
  country: JP
  currency: JPY
recorder:
history:
energy:
logger:
  default: warning
"""


def mac_of(number: int) -> str:
    return f"02004b6e{number:04x}"


class Car(SimulatedOutlet):
    """An outlet, whoever plugs in there, and what its meter has really counted."""

    def __init__(self, number: int, lifetime_mwh: int) -> None:
        super().__init__(ManualClock())
        self.number = number
        self.lifetime_mwh = self._before = lifetime_mwh
        self.true_mwh = 0
        self.told_mwh = 0
        """Of that, what somebody was there to read."""
        self.away_until: datetime | None = None

    def pass_time(self, seconds: float) -> None:
        before = self.lifetime_mwh
        super().pass_time(seconds)
        self.true_mwh += self.lifetime_mwh - before

    def forget(self) -> None:
        """Lose all memory, as new firmware or a new device has none."""
        self.lifetime_mwh = 0
        self.wipe()
        self.reboot()


class Week:
    """The world, and the runs of Home Assistant in it."""

    def __init__(
        self, folder: Path, *, days: float, outlets: int, seed: int, port: int, clock: TickingDateTimeFactory
    ) -> None:
        self.config = folder / "config"
        self.days = days
        self.port = port
        self.clock = clock
        self.random = random.Random(seed)  # noqa: S311  # made up is what it is for
        self.cars = {
            mac_of(number): Car(number, self.random.randrange(0, 9_000_000_000)) for number in range(1, outlets + 1)
        }
        self.hass: HomeAssistant
        self.at = START
        self.happened: Counter[str] = Counter()
        self.true_by_hour: defaultdict[tuple[int, float], float] = defaultdict(float)
        self.told_by_hour: defaultdict[tuple[int, float], float] = defaultdict(float)
        self.lost_mwh: Counter[int] = Counter()
        """What nobody had read when an outlet forgot it."""
        self.owners: set[str] = set()
        """Ids of the owner's own sessions."""
        self.forgotten: set[str] = set()
        """Ids of sessions that their outlet forgot."""
        self.happenings: Counter[str] = Counter()
        self._uncommitted: Counter[str] = Counter()
        """Of these, what a kill would take from the recorder, which writes every 5 s."""
        self._killed: Counter[str] = Counter()
        """What kills have taken."""
        self._requests = 0
        self._plan: list[tuple[datetime, Callable[[], Awaitable[None]]]] = []

    # --- one run of Home Assistant

    @property
    def hub(self) -> Hub:
        entry = self.hass.config_entries.async_get_entry(ENTRY_ID)
        assert entry
        hub: Hub = entry.runtime_data
        return hub

    def configure(self) -> None:
        """Write what an owner would have set up."""
        storage = self.config / ".storage"
        storage.mkdir(parents=True)
        (self.config / "configuration.yaml").write_text(_CONFIGURATION)
        http = {
            "server_host": ["127.0.0.1"],
            "server_port": self.port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": _AT,
            "error": None,
            "error_message": None,
        }
        kept: dict[str, dict[str, Any]] = {
            "core.config_entries": {"version": 1, "minor_version": 5, "data": {"entries": [self._entry()]}},
            "onboarding": {
                "version": 4,
                "minor_version": 1,
                "data": {"done": ["user", "core_config", "integration", "analytics"]},
            },
            "http": {
                "version": 2,
                "minor_version": 2,
                "data": {"stable": http, "pending": None, "yaml_migration_done": True},
            },
        }
        for key, content in kept.items():
            (storage / key).write_text(json.dumps({"key": key, **content}))

    def _entry(self) -> dict[str, Any]:
        return {
            "created_at": _AT,
            "modified_at": _AT,
            "data": {},
            "disabled_by": None,
            "discovery_keys": {},
            "domain": "konsento",
            "entry_id": ENTRY_ID,
            "minor_version": 1,
            # Otherwise the week has four million continuity checks.
            "options": {"continuity_interval": 60, "meter_interval": 900},
            "pref_disable_new_entities": False,
            "pref_disable_polling": False,
            "source": "user",
            "subentries": [
                {
                    "data": {"host": "127.0.0.1", "port": 1, "evse": car.number},
                    "subentry_id": f"01KONSENTOWEEK00000000OUT{car.number:03}",
                    "subentry_type": "outlet",
                    "title": f"Outlet {car.number}",
                    "unique_id": mac,
                }
                for mac, car in self.cars.items()
            ],
            "title": "Car park",
            "unique_id": None,
            "version": 1,
        }

    async def begin(self) -> None:
        """Start Home Assistant."""
        hass = await async_setup_hass(RuntimeConfig(config_dir=str(self.config), skip_pip=True, log_no_color=True))
        assert hass
        self.hass = hass
        await hass.async_start()
        await hass.async_block_till_done()
        await get_instance(hass).async_block_till_done()
        self.hub.site.on_happening(lambda _, what, __: self._happens(str(what)))
        await self.settle()

    def _happens(self, what: str) -> None:
        self.happenings[what] += 1
        self._uncommitted[what] += 1

    async def end(self) -> None:
        """End Home Assistant as its owner does."""
        await self.settle()
        await self._stop()

    async def _stop(self) -> None:
        await self.hass.async_stop(force=True)
        # A loop is otherwise used by one Home Assistant only, which leaves a mark that it is over.
        delattr(asyncio.get_running_loop(), _SHUTDOWN_RUN_CALLBACK_THREADSAFE)

    async def kill(self) -> None:
        """Take the power from Home Assistant: the next run finds the disk as it is now."""
        await get_instance(self.hass).async_block_till_done()
        self._killed += self._uncommitted
        copy = self.config.with_name("killed")
        # Nothing else runs meanwhile.
        shutil.copytree(self.config, copy)
        for car in self.cars.values():
            car.online = False
        await self._stop()
        shutil.rmtree(self.config)
        copy.rename(self.config)

    async def settle(self) -> None:
        """Let everything that is due be done."""
        for _ in range(2):
            for _ in range(5):
                await asyncio.sleep(0)
            while self.hub.site.journal._writer is not None:  # noqa: ASYNC110  # it tells nobody
                await asyncio.sleep(0.001)
        await self.hass.async_block_till_done()

    # --- the world

    async def live(self, until: datetime, *, up: bool = True) -> None:
        """Let time pass; `up`: whether Home Assistant is there."""
        while self.at < until:
            self.clock.move_to(max(self.at + STEP, dt_util.utcnow()))
            self._uncommitted.clear()
            now = dt_util.utcnow()
            seconds = (now - self.at).total_seconds()
            for car in self.cars.values():
                if car.away_until and now >= car.away_until:
                    car.away_until = None
                    car.online = True
                before = car.true_mwh
                car.pass_time(seconds)
                self._note(car, now, car.true_mwh - before, up)
            self.at = now
            if not up:
                continue
            await self.settle()
            while self._plan and self._plan[0][0] <= now:
                await self._plan.pop(0)[1]()
            if now.minute % 10 < STEP.total_seconds() / 60:
                # Days pass in seconds here, and neither of these may fall behind by hours.
                await get_instance(self.hass).async_block_till_done()
                await self._take_events()

    def _note(self, car: Car, now: datetime, taken_mwh: int, up: bool) -> None:
        hour = _hour(self.at)
        if taken_mwh:
            next_hour = hour + 3600
            share = min(1.0, max(0.0, (next_hour - self.at.timestamp()) / (now - self.at).total_seconds()))
            self.true_by_hour[car.number, hour] += taken_mwh * share
            self.true_by_hour[car.number, next_hour] += taken_mwh * (1 - share)
        if up and car.online:
            self.told_by_hour[car.number, _hour(now)] += car.true_mwh - car.told_mwh
            car.told_mwh = car.true_mwh

    async def _take_events(self) -> None:
        """Be the management server that takes everything."""
        journal = self.hub.site.journal
        while waiting := await journal.waiting("server", 500):
            await journal.delivered([each.id for each in waiting])

    # --- what people and things do

    def plan(self) -> None:
        """Make up the days: who comes, and what breaks."""
        for car in self.cars.values():
            at = START + timedelta(hours=self.random.uniform(0, 6))
            while at < self._over:
                self._later(at, self._arrive, car)
                at += timedelta(hours=self.random.uniform(1, 14))
        for what, per_day in ((self._lose_link, 3.0), (self._cut_power, 1.0), (self._pull, 2.0)):
            for _ in range(round(per_day * self.days * len(self.cars) / 5)):
                self._later(self._some_time(), what, self.random.choice(list(self.cars.values())))
        # Firmware that is replaced, and devices that lose their memory.
        for _ in range(max(1, round(self.days / 2))):
            self._later(self._some_time(), self._forget, self.random.choice(list(self.cars.values())))
        self._plan.sort(key=lambda each: each[0])

    @property
    def _over(self) -> datetime:
        return START + timedelta(days=self.days)

    def _some_time(self) -> datetime:
        return START + timedelta(days=self.random.uniform(0, self.days))

    def _later(self, at: datetime, what: Callable[[Car], Awaitable[None]], car: Car) -> None:
        self._plan.append((at, lambda: what(car)))

    async def _arrive(self, car: Car) -> None:
        """Somebody wants to charge; it may be the owner."""
        car.load_w = self.random.choice((1200, 1500, 2000, 3000))
        limits = Limits(energy_wh=self.random.randrange(500, 20_000), time_s=self.random.randrange(1800, 8 * 3600))
        if self.random.random() < 0.25:
            data = {"evse": car.number, "energy": limits.energy_wh / 1000, "duration": {"seconds": limits.time_s}}
            try:
                answer = await self.hass.services.async_call(
                    "konsento", "start_session", data, blocking=True, return_response=True
                )
            except Exception:  # noqa: BLE001  # busy, or away
                self.happened["refused"] += 1
                return
            assert answer
            self.owners.add(str(answer["session_id"]))
            self.happened["own sessions"] += 1
            return
        self._requests += 1
        request = StartRequest(
            server="server",
            remote_start_id=self._requests,
            evse=car.number,
            limits=limits,
            expires_at=dt_util.utcnow() + timedelta(minutes=1),
        )
        answered = await self.hub.site.start(request)
        self.happened["refused" if answered.refusal else "drivers' sessions"] += 1

    async def _pull(self, car: Car) -> None:
        """The car is full, or somebody unplugs it."""
        if car.relay:
            car._end(EndReason.IDLE)
            self.happened["cars left"] += 1

    async def _lose_link(self, car: Car) -> None:
        car.away_until = self.at + timedelta(minutes=self.random.uniform(1, 40))
        car.set_online(False)
        self.happened["links lost"] += 1

    async def _cut_power(self, car: Car) -> None:
        car.reboot()
        car.away_until = self.at + timedelta(minutes=self.random.uniform(1, 5))
        car.set_online(False)
        self.happened["power cuts"] += 1

    async def _forget(self, car: Car) -> None:
        self.lost_mwh[car.number] += car.true_mwh - car.told_mwh
        car.told_mwh = car.true_mwh
        if car.session_id and not car.end_reason:
            self.forgotten.add(car.session_id)
        car.forget()
        car.away_until = self.at + timedelta(minutes=2)
        car.set_online(False)
        self.happened["memories lost"] += 1

    # --- all of it

    async def run(self) -> dict[str, Any]:
        """Live through the days; returns what was compared."""
        try:
            return await self._run()
        finally:
            # Its threads would keep the program alive.
            if self.hass.is_running:
                await self.end()

    async def _run(self) -> dict[str, Any]:
        self.configure()
        self.plan()
        await self.begin()
        await self._add_to_dashboard()
        # The statistics have their zero point before anything flows.
        await self.live(START + _BEFORE)
        for day in range(round(self.days)):
            noon = START + timedelta(days=day, hours=12, minutes=30)
            await self.live(noon - timedelta(minutes=self.random.uniform(0, 20)))
            if day % 2:
                await self.kill()
                self.happened["kills"] += 1
            else:
                await self.end()
                self.happened["restarts"] += 1
            await self.live(self.at + timedelta(minutes=self.random.uniform(1, 10)), up=False)
            for car in self.cars.values():
                car.online = car.away_until is None
            await self.begin()
        await self.live(self._over)
        for car in self.cars.values():
            if car.relay:
                car._end(EndReason.REMOTE)
            car.away_until = self.at
        # The last hour is told and compiled.
        await self.live(self._over + timedelta(hours=1, minutes=10))
        found = await self.compare()
        return {**found, "unexplained": unexplained(found)}

    async def _add_to_dashboard(self) -> None:
        flows = self.hass.config_entries.options
        menu = await flows.async_init(ENTRY_ID)
        form = await flows.async_configure(menu["flow_id"], {"next_step_id": "energy"})
        await flows.async_configure(form["flow_id"], {})

    # --- what came of it

    async def compare(self) -> dict[str, Any]:
        """Hold what Home Assistant says against the meters."""
        await get_instance(self.hass).async_block_till_done()
        names = {self._register(car): car for car in self.cars.values()}
        hours = await self._change(set(names), "hour")
        days = await self._change(set(names) | {"sensor.car_park_energy_today"}, "day")
        rows = [self._row(car, hours[name], days[name]) for name, car in names.items()]
        site_days = days["sensor.car_park_energy_today"]
        told = sum(car.told_mwh - self.lost_mwh[car.number] for car in self.cars.values()) / 1000
        return {
            "outlets": rows,
            "site_wh": round(sum(site_days.values()), 3),
            "site_off_wh": round(sum(site_days.values()) - told, 3),
            "happened": dict(self.happened),
            "happenings": dict(self.happenings),
            "killed_happenings": dict(self._killed),
            "sessions": await self._sessions(),
            "news": await self._news(),
            "database": await self._database(),
        }

    def _register(self, car: Car) -> str:
        return f"sensor.outlet_{car.number}_lifetime_energy"

    async def _change(self, ids: set[str], period: str) -> dict[str, dict[float, float]]:
        """Return Wh by statistic and start, as the energy dashboard asks for them."""
        rows = await get_instance(self.hass).async_add_executor_job(
            lambda: statistics_during_period(
                self.hass,
                START - timedelta(hours=1),
                None,
                ids,
                period,  # type: ignore[arg-type]  # one of its words
                {"energy": "Wh"},
                {"change"},
            )
        )
        return {name: {row["start"]: row.get("change") or 0.0 for row in rows.get(name, [])} for name in ids}

    def _row(self, car: Car, hours: dict[float, float], days: dict[float, float]) -> dict[str, Any]:
        told = {hour: mwh / 1000 for (number, hour), mwh in self.told_by_hour.items() if number == car.number}
        true = {hour: mwh / 1000 for (number, hour), mwh in self.true_by_hour.items() if number == car.number}
        every = sorted(hours.keys() | told.keys() | true.keys())
        told_by_day, days_off = defaultdict[float, float](float), 0.0
        for hour, wh in told.items():
            at = dt_util.as_local(datetime.fromtimestamp(hour, dt_util.UTC))
            told_by_day[dt_util.start_of_local_day(at).timestamp()] += wh
        for day in days.keys() | told_by_day.keys():
            days_off = max(days_off, abs(days.get(day, 0.0) - told_by_day[day]))
        return {
            "outlet": car.number,
            "true_wh": round(car.true_mwh / 1000, 3),
            "statistics_wh": round(sum(hours.values()), 3),
            "never_read_wh": round(self.lost_mwh[car.number] / 1000, 3),
            "read_in_a_later_hour_wh": round(
                sum(abs(told.get(hour, 0.0) - true.get(hour, 0.0)) for hour in every) / 2, 3
            ),
            "hours": len(hours),
            "hour_off_wh": round(max(abs(hours.get(hour, 0.0) - told.get(hour, 0.0)) for hour in every), 3),
            "day_off_wh": round(days_off, 3),
            "negative_hours": sum(change < 0 for change in hours.values()),
        }

    async def _sessions(self) -> dict[str, Any]:
        """Hold the list of sessions against what the outlets supplied for each."""
        journal: list[Session] = await self.hub.site.journal.sessions(START - _BEFORE)
        listed = list[Any]()
        while True:
            page = {"since": (START - _BEFORE).isoformat(), "offset": len(listed), "limit": 100}
            answer = await self.hass.services.async_call(
                "konsento", "list_sessions", page, blocking=True, return_response=True
            )
            assert answer
            found: Any = answer["sessions"]
            if not found:
                break
            listed += found
        measured = {id_: mwh for car in self.cars.values() for id_, mwh in car.measured.items()}
        off = {each.id: measured.get(each.id, 0) - each.energy_mwh for each in journal}
        return {
            "listed": len(journal) if len(journal) == len(listed) else -1,
            "listed_wh": round(sum(each["energy_wh"] for each in listed), 3),
            "measured_wh": round(sum(measured.values()) / 1000, 3),
            "missing": len(measured.keys() - off.keys()),
            "forgotten_by_their_outlet": len(self.forgotten),
            "of_forgotten_unread_wh": round(sum(off.get(each, 0) for each in self.forgotten) / 1000, 3),
            "off": sum(difference != 0 for each, difference in off.items() if each not in self.forgotten),
            "own": sum(each.server == LOCAL for each in journal),
            "own_off": len({each.id for each in journal if each.server == LOCAL} ^ self.owners),
        }

    async def _news(self) -> dict[str, int]:
        """Return what the history of the outlets' events has, by kind."""
        query = """
            SELECT json_extract(shared_attrs, '$.event_type'), count(DISTINCT state || m.entity_id)
            FROM states JOIN states_meta m USING (metadata_id) JOIN state_attributes USING (attributes_id)
            WHERE m.entity_id LIKE 'event.outlet_%_news' AND state != 'unavailable' GROUP BY 1
        """
        return {str(kind): count for kind, count in await self._query(query) if kind}

    async def _database(self) -> dict[str, Any]:
        """Return what the recorder has written, by kind of entity."""
        rows = await self._query(
            "SELECT m.entity_id, count(*) FROM states JOIN states_meta m USING (metadata_id) GROUP BY 1"
        )
        by_kind: Counter[str] = Counter()
        for entity_id, count in rows:
            domain, _, name = str(entity_id).partition(".")
            parts = name.split("_")
            by_kind[f"{domain}.outlet_{'_'.join(parts[2:])}" if parts[0] == "outlet" else entity_id] += count
        (size,) = (await self._query("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"))[0]
        return {
            "bytes": size,
            "states": sum(by_kind.values()),
            "by_kind": dict(by_kind.most_common()),
            "statistics": (await self._query("SELECT count(*) FROM statistics"))[0][0],
            "short_term": (await self._query("SELECT count(*) FROM statistics_short_term"))[0][0],
        }

    async def _query(self, query: str) -> list[tuple[Any, ...]]:
        def ask() -> list[tuple[Any, ...]]:
            path = self.config / "home-assistant_v2.db"
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                return database.execute(query).fetchall()

        await get_instance(self.hass).async_block_till_done()
        return await self.hass.async_add_executor_job(ask)


def unexplained(found: dict[str, Any]) -> list[str]:
    """Return what differs between Home Assistant and the meters, and why nobody knows."""
    differences = list[str]()
    for row in found["outlets"]:
        name = f"outlet {row['outlet']}"
        # Not known to anybody: what an outlet forgot before it was read. Everything else is there, in its hour and day.
        off = row["true_wh"] - row["never_read_wh"] - row["statistics_wh"]
        if abs(off) > _ROUNDING_WH:
            differences.append(f"{name}: the statistics lack {off:.3f} Wh")
        differences += [f"{name}: {key} {row[key]}" for key in _ZERO if abs(row[key]) > _ROUNDING_WH]
    if abs(found["site_off_wh"]) > _ROUNDING_WH * len(found["outlets"]):
        differences.append(f"the site's days lack {-found['site_off_wh']} Wh")
    sessions = found["sessions"]
    differences += [f"sessions: {key} {sessions[key]}" for key in ("off", "missing", "own_off") if sessions[key]]
    unread = sessions["measured_wh"] - sessions["of_forgotten_unread_wh"] - sessions["listed_wh"]
    if abs(unread) > _ROUNDING_WH:
        differences.append(f"sessions: {unread:.3f} Wh are in no list")
    news, killed = found["news"], found["killed_happenings"]
    for what, count in found["happenings"].items():
        if news.get(what, 0) + killed.get(what, 0) < count:
            differences.append(f"history: {count - news.get(what, 0)} of {what} are missing")
    for what in ("session_started", "session_ended"):
        if news[what] + killed.get(what, 0) != sessions["listed"]:
            differences.append(f"history: {news[what]} of {what}, {sessions['listed']} sessions")
    return differences


def _hour(at: datetime) -> float:
    return at.timestamp() // 3600 * 3600


@asynccontextmanager
async def _no_network() -> AsyncIterator[None]:
    """Announce nothing and look for nothing."""
    zc = AsyncMock()
    zc.zeroconf = Mock(spec=Zeroconf)
    zc.zeroconf.async_wait_for_start = AsyncMock()
    zc.zeroconf.cache = DNSCache()
    zc.zeroconf.done = False
    with (
        patch("homeassistant.components.zeroconf.HaAsyncZeroconf", return_value=zc),
        patch("homeassistant.components.zeroconf.discovery.AsyncServiceBrowser", return_value=AsyncMock()),
        # Home Assistant does it once in a process.
        patch("homeassistant.block_async_io.enable"),
    ):
        yield


async def live(folder: Path, *, days: float, outlets: int, seed: int, port: int) -> dict[str, Any]:
    """Return what came of so many days."""
    with freeze_time(START, tick=True) as clock:
        assert isinstance(clock, TickingDateTimeFactory)
        week = Week(folder, days=days, outlets=outlets, seed=seed, port=port, clock=clock)
        with (
            patch("custom_components.konsento.drivers.GuardedOutlet", lambda _, mac, *__: week.cars[mac]),
            # Before the next step of the outlets.
            patch("custom_components.konsento.overview._PAUSE_S", 0),
        ):
            async with _no_network():
                return await week.run()


if __name__ == "__main__":
    logging.getLogger("custom_components.konsento").setLevel(logging.ERROR)
    target, number_of_days, number_of_outlets, chosen_seed, chosen_port = sys.argv[1:]
    came = live(
        Path(target),
        days=float(number_of_days),
        outlets=int(number_of_outlets),
        seed=int(chosen_seed),
        port=int(chosen_port),
    )
    json.dump(asyncio.run(came), sys.stdout)
