"""Sessions at chargers of OCPP 2.1 and 2.0.1 that are not ours: whatever their manners, the bill is right, once."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from konsento.models import OutletStatus, SessionState
from konsento.sites import service as sites
from konsento.sites.errors import OutletBusy

from .v2 import V21, V201, Charger2, Manners

if TYPE_CHECKING:
    from .world import World

MANNERS = {
    "well": Manners(),
    "a token only": Manners(token_only=True),
    "a token in small letters": Manners(token_only=True, lower_case=True),
    "everything in every event": Manners(tells_again=True),
    "no EVSE at all": Manners(no_evse=True),
    "counts from 5": Manners(first_seq_no=5),
    "loses events": Manners(skips=True),
    "no Started": Manners(no_started=True),
    "the first register is a placeholder": Manners(begin_zero=True),
    "MeterValues instead of readings in events": Manners(readings_beside=True),
    "names that count": Manners(counts_names=True),
    "every event twice": Manners(twice=True),
    "tells no power": Manners(no_power=True),
    "tells no time": Manners(no_time=True),
    "a transaction begins when a car is plugged in": Manners(plug_starts=True),
    "takes no settings": Manners(refuses_settings=True),
    "answers slowly": Manners(answer_s=0.2),
    "most of it": Manners(token_only=True, lower_case=True, first_seq_no=5, skips=True, twice=True, no_time=True),
}


@pytest.mark.parametrize("protocol", [V21, V201])
@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS)
async def test_the_bill_is_what_was_measured_once(world: World, manners: Manners, protocol: str) -> None:
    charger = await Charger2.dial(world, protocol, manners)
    await charger.boot()
    await charger.plug()
    await world.wait(40)
    session = await world.start(amount=500)
    first = charger.meter_mwh
    await charger.begin()
    assert (await world.session(session.id)).state is SessionState.CHARGING

    await charger.run(90, step_s=3)
    await charger.end()
    for _ in range(3):
        await world.wait(400)  # where events are missing, the bill waits for them
    ended = await world.session(session.id)

    assert ended.state is SessionState.SETTLED
    measured = (charger.meter_mwh - first) // 1000
    billed = await world.billed_wh(session.id)
    if manners.begin_zero or manners.readings_beside:
        # What the charger told first, or last, is all that is proven.
        assert billed is not None
        assert measured - 26 <= billed <= measured
    else:
        assert billed == measured == 75
    assert ended.seconds in range(88, 93)
    assert not charger.line.calls("RequestStopTransaction")


async def test_names_that_begin_anew_after_a_reboot_are_different_transactions(world: World) -> None:
    charger = await Charger2.dial(world, V201, Manners(counts_names=True))
    billed = []
    for seconds in (30, 60, 45):
        await charger.boot()
        session = await world.start(amount=500)
        await charger.begin()
        assert charger.transaction == "1"
        await charger.run(seconds)
        await charger.end()
        billed.append(await world.billed_wh(session.id))

    assert billed == [24, 49, 37]


async def test_a_session_whose_name_came_again_is_stopped_by_that_name(world: World) -> None:
    charger = await Charger2.dial(world, V201, Manners(counts_names=True))
    for _ in range(2):
        await charger.boot()
        session = await world.start(amount=500)
        await charger.begin()
        await charger.run(5)
        await world.stop(session.id)
        await charger.run(5)
        assert (await world.session(session.id)).state is SessionState.SETTLED

    assert charger.line.calls("RequestStopTransaction") == [{"transactionId": "1"}] * 2


async def test_what_happened_without_a_line_comes_later_and_twice(world: World) -> None:
    charger = await Charger2.dial(world, V21, Manners(twice=True))
    await charger.boot()
    session = await world.start(amount=1000)
    first = charger.meter_mwh
    await charger.begin()
    await charger.run(30)
    await charger.line.hang_up()
    charger.offline = True
    await charger.run(120)
    await charger.end()
    await charger.back()
    await charger.deliver()

    assert await world.billed_wh(session.id) == (charger.meter_mwh - first) // 1000


async def test_an_event_that_comes_after_the_end_counts_as_what_it_is(world: World) -> None:
    charger = await Charger2.dial(world)
    await charger.boot()
    session = await world.start(amount=1000)
    await charger.begin()
    await charger.run(15)
    late = charger.sent.pop()
    await charger.run(15)
    await charger.end()
    billed = await world.billed_wh(session.id)
    await charger.send(late)
    await world.wait(60)

    assert (await world.session(session.id)).state is SessionState.SETTLED
    assert await world.billed_wh(session.id) == billed == 24


async def test_a_meter_that_begins_anew_at_a_reboot_bills_nothing_twice(world: World) -> None:
    charger = await Charger2.dial(world)
    await charger.boot()
    session = await world.start(amount=1000)
    await charger.begin()
    await charger.run(45)
    charger.meter_mwh = 0
    await charger.run(30)
    await charger.end("PowerLoss")

    assert await world.billed_wh(session.id) == 37


async def test_states_that_come_before_the_boot_are_taken(world: World) -> None:
    charger = await Charger2.dial(world)
    await charger.boot(status_first=True)

    assert (await world.outlets())[1].status is OutletStatus.AVAILABLE
    assert not (await world.site()).ours


async def test_a_car_that_is_plugged_in_keeps_nobody_from_starting_and_a_session_does(world: World) -> None:
    charger = await Charger2.dial(world)
    await charger.boot()
    await charger.plug()
    outlet = (await world.outlets())[1]
    assert (outlet.status, outlet.status_reason) == (OutletStatus.OCCUPIED, sites.PLUGGED)
    session = await world.start(amount=500)
    await charger.begin()
    async with world.services.database.transaction() as database:
        busy = await sites.outlet_by_code(database, outlet.code)
    assert isinstance(sites.obstacle(busy, world.clock.now()), OutletBusy)
    await charger.run(5)
    await charger.end()

    assert (await world.session(session.id)).state is SessionState.SETTLED
    assert (await world.outlets())[1].status_reason == sites.PLUGGED


async def test_an_evse_can_be_used_as_long_as_one_of_its_connectors_can(world: World) -> None:
    charger = await Charger2.dial(world)
    await charger.boot()
    await charger.status("Occupied", connector=1)
    await charger.status("Unavailable", connector=2)

    assert (await world.outlets())[1].status is OutletStatus.OCCUPIED
    await charger.status("Available", connector=1)
    assert (await world.outlets())[1].status is OutletStatus.AVAILABLE


async def test_a_plugged_in_car_that_nobody_pays_for_is_left_alone_and_charging_it_is_stopped(world: World) -> None:
    charger = await Charger2.dial(world, V21, Manners(plug_starts=True))
    await charger.boot()
    await charger.plug()
    await world.wait(60)
    assert not charger.line.calls("RequestStopTransaction")
    await charger.event("Updated", "ChargingStateChanged")
    await world.wait(31)

    assert len(charger.line.calls("RequestStopTransaction")) == 1


async def test_a_start_to_which_nobody_plugs_in_is_given_up_and_the_money_is_free_again(world: World) -> None:
    charger = await Charger2.dial(world)
    await charger.boot()
    session = await world.start(amount=500)
    world.clock.advance(timedelta(seconds=160))
    await world.services.work.drain()

    failed = await world.session(session.id)
    assert (failed.state, failed.failure) == (SessionState.FAILED, "NeverStarted")
