"""Limits at chargers that are not ours: who keeps them, and how much flows beyond, by kind."""

from typing import TYPE_CHECKING

import pytest

from konsento import pricing
from konsento.charging import changing
from konsento.charging.enforcement import CHARGER_CUT_OFF_S, SAMPLE_S, Enforcement, enforcement, overshoot_wh
from konsento.charging.limits import RequestedLimit
from konsento.models import LimitKind, SessionState
from konsento.ocpp import Version

from . import v2, v16

if TYPE_CHECKING:
    from .world import World

LIMIT_WH = 400
STEP_WH = 4
"""Two steps of the simulation at 3 kW."""

KINDS = {
    "1.6": ("ocpp1.6", v16.Manners()),
    "1.6 without readings": ("ocpp1.6", v16.Manners(no_readings=True)),
    "2.0.1": (v2.V201, v2.Manners()),
    "2.0.1 without power": (v2.V201, v2.Manners(no_power=True)),
    "2.0.1 with MeterValues": (v2.V201, v2.Manners(readings_beside=True)),
    "2.0.1 that samples every minute": (v2.V201, v2.Manners(refuses_settings=True)),
    "2.1 that keeps no limits": (v2.V21, v2.Manners()),
    "2.1 that keeps limits": (v2.V21, v2.Manners(keeps_limits=True)),
}


async def dial(world: World, kind: str, power_w: int = 3000) -> v16.Charger16 | v2.Charger2:
    protocol, manners = KINDS[kind]
    charger: v16.Charger16 | v2.Charger2
    if isinstance(manners, v16.Manners):
        charger = await v16.Charger16.dial(world, manners, power_w=power_w)
    else:
        charger = await v2.Charger2.dial(world, protocol, manners, power_w=power_w)
    await charger.boot()
    return charger


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_ends_at_its_limit_of_energy(world: World, kind: str) -> None:
    charger = await dial(world, kind)
    session = await world.start(amount=LIMIT_WH)
    first = charger.meter_mwh
    await charger.begin()
    await charger.run(700, step_s=2)
    flowed_wh = (charger.meter_mwh - first) / 1000
    ended = await world.session(session.id)

    assert ended.state is SessionState.SETTLED
    assert ended.end_reason == "EnergyLimitReached"
    # At a steady power the moment is foreseen; the simulated charger looks every two seconds.
    # What flows before the first reading nobody measures.
    unmeasured_wh = 3000 * SAMPLE_S / 3600 if kind == "2.0.1 with MeterValues" else 0
    assert LIMIT_WH - STEP_WH <= flowed_wh - unmeasured_wh <= LIMIT_WH + STEP_WH
    billed = await world.billed_wh(session.id)
    assert billed is not None
    assert billed <= LIMIT_WH + STEP_WH


@pytest.mark.parametrize("kind", ["1.6", "2.0.1", "2.1 that keeps no limits"])
async def test_when_the_power_rises_right_after_a_reading_the_overshoot_is_that_of_one_interval(
    world: World, kind: str
) -> None:
    charger = await dial(world, kind, power_w=300)
    session = await world.start(amount=20)
    first = charger.meter_mwh
    await charger.begin()
    await charger.run(SAMPLE_S * 15)
    charger.power_w = 3000
    await charger.run(700, step_s=2)
    over_wh = (charger.meter_mwh - first) / 1000 - 20
    rated_w = session.rated_w

    assert 0 < over_wh <= overshoot_wh(Enforcement.SERVER, rated_w, SAMPLE_S)
    assert (await world.session(session.id)).state is SessionState.SETTLED


@pytest.mark.parametrize("kind", ["1.6", "2.0.1", "2.1 that keeps no limits"])
async def test_a_reading_beyond_the_limit_stops_the_charger_at_once(world: World, kind: str) -> None:
    charger = await dial(world, kind, power_w=300)
    session = await world.start(amount=5)
    await charger.begin()
    await charger.run(SAMPLE_S)
    charger.power_w = 3000
    # Nobody waits for a charger that keeps no limits to end it by itself.
    await charger.run(SAMPLE_S + 2)

    assert (await world.session(session.id)).state is SessionState.SETTLED


@pytest.mark.parametrize("kind", ["1.6", "1.6 without readings", "2.0.1", "2.1 that keeps no limits"])
async def test_a_session_ends_at_its_limit_of_time_by_the_servers_clock(world: World, kind: str) -> None:
    charger = await dial(world, kind)
    session = await world.start("time", 120)
    began = world.clock.now()
    await charger.begin()
    await charger.run(300)
    ended = await world.session(session.id)

    assert (ended.state, ended.end_reason) == (SessionState.SETTLED, "TimeLimitReached")
    assert 119 <= (world.clock.now() - began).total_seconds() <= 123


async def test_a_car_that_waits_is_not_stopped_while_its_charger_says_so(world: World) -> None:
    charger = await dial(world, "2.0.1", power_w=0)
    session = await world.start(amount=LIMIT_WH)
    await charger.begin()
    await charger.run(1200, step_s=15)

    assert (await world.session(session.id)).state is SessionState.CHARGING


async def test_another_limit_is_in_force_at_once_where_the_server_watches(world: World) -> None:
    charger = await dial(world, "1.6")
    session = await world.start(amount=LIMIT_WH)
    first = charger.meter_mwh
    await charger.begin()
    await charger.run(60)
    less = RequestedLimit(kind=LimitKind.ENERGY, amount=100)
    await changing.change_limit(world.services, world.driver_id, session.id, less)
    await charger.run(300)

    assert (await world.session(session.id)).state is SessionState.SETTLED
    assert (charger.meter_mwh - first) / 1000 <= 115


async def test_what_can_flow_beyond_a_limit_at_such_a_charger_is_held_as_well(world: World) -> None:
    await dial(world, "1.6")
    session = await world.start(amount=LIMIT_WH)
    slack_wh = pricing.cut_off_slack_wh(session.rated_w, CHARGER_CUT_OFF_S)

    assert slack_wh == 32
    assert session.hold_minor == int((LIMIT_WH + slack_wh) * 3.85)


def test_who_keeps_limits() -> None:
    assert enforcement(ours=True, version=Version.V21, limits="") is Enforcement.OUTLET
    assert enforcement(ours=False, version=Version.V21, limits="MaxEnergy, maxTime,maxCost") is Enforcement.CHARGER
    assert enforcement(ours=False, version=Version.V21, limits="maxEnergy") is Enforcement.SERVER
    assert enforcement(ours=False, version=Version.V201, limits="maxEnergy,maxTime") is Enforcement.SERVER
    assert enforcement(ours=False, version=Version.V16, limits="") is Enforcement.SERVER
