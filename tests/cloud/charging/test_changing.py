"""Another limit while a session runs: the money first, then the outlet, then it counts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from konsento.charging import changing
from konsento.charging import service as charging
from konsento.charging.errors import AlreadyUsedUp, NotRunning, UnknownSession
from konsento.charging.limits import RequestedLimit
from konsento.models import ChargingSession, LimitKind, SessionState
from konsento.ocpp import StationOffline, Version
from konsento.ocpp.messages import RequestStopTransaction, TransactionEvent, TransactionLimit, TriggerMessage
from konsento.payments.errors import BalanceTooLow

from ..conftest import ENDED, STARTED, STATION, Core, event_of, speaks

HOLD_FOR_TEN, HOLD_FOR_FIFTY = 46, 200


async def running(core: Core, amount: int = 10) -> ChargingSession:
    session = await core.start("energy", amount)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await core.send(event_of(session, 1, "1003"))
    core.router.asked.clear()
    return session


async def change(core: Core, session: ChargingSession, kind: str, amount: int) -> None:
    requested = RequestedLimit(kind=LimitKind(kind), amount=amount)
    await changing.change_limit(core.services, core.driver_id, session.id, requested)


def with_limit(event: TransactionEvent, limit: TransactionLimit) -> TransactionEvent:
    """Return the event with the limits that the site says it has."""
    return replace(event, transaction_info=replace(event.transaction_info, transaction_limit=limit))


async def told(core: Core, event: TransactionEvent) -> Any:
    """Return the limit in the answer to an event."""
    return (await core.tell(event)).transaction_limit


async def test_more_is_held_at_once_the_site_is_asked_and_it_counts_when_it_is_told(core: Core) -> None:
    session = await running(core)

    await change(core, session, "energy", 50)

    assert await core.available() == 5000 - HOLD_FOR_FIFTY
    assert isinstance(core.router.asked[-1], TriggerMessage)
    before = await core.progress(session.id)
    assert (before.limit_amount, before.changing) == (10, (LimitKind.ENERGY, 50))
    limit = await told(core, event_of(session, 2, "1004"))
    assert (limit.max_energy, limit.max_time) == (50, 86_400)
    await core.send(with_limit(event_of(session, 3, "1004.5"), limit))
    after = await core.progress(session.id)
    assert (after.limit_amount, after.changing, after.hold_minor) == (50, None, HOLD_FOR_FIFTY)
    assert await told(core, event_of(session, 4, "1005")) is None


async def test_less_is_given_back_only_when_the_outlet_keeps_to_it(core: Core) -> None:
    session = await running(core, 50)

    await change(core, session, "energy", 10)
    assert await core.available() == 5000 - HOLD_FOR_FIFTY
    limit = await told(core, event_of(session, 2, "1004"))
    await core.send(with_limit(event_of(session, 3, "1004.5"), limit))

    assert await core.available() == 5000 - HOLD_FOR_TEN
    await core.send(event_of(session, 4, "1010.1", kind=ENDED))
    await core.work()
    assert (await core.progress(session.id)).billed_minor == 38


async def test_limits_that_the_site_had_before_confirm_nothing(core: Core) -> None:
    session = await running(core)
    await change(core, session, "energy", 50)

    await core.send(with_limit(event_of(session, 2, "1004"), TransactionLimit(max_energy=Decimal(10))))

    assert (await core.progress(session.id)).changing is not None


@pytest.mark.parametrize(("kind", "amount"), [("energy", 3), ("time", 4), ("money", 9)])
async def test_less_than_what_has_flowed_is_refused_and_nothing_changes(core: Core, kind: str, amount: int) -> None:
    session = await running(core)

    with pytest.raises(AlreadyUsedUp):
        await change(core, session, kind, amount)

    assert (await core.progress(session.id)).changing is None
    assert core.router.asked == []


async def test_more_than_the_balance_is_refused_and_the_charging_goes_on(core: Core) -> None:
    session = await running(core)

    with pytest.raises(BalanceTooLow):
        await change(core, session, "energy", 20_000)

    assert await core.available() == 5000 - HOLD_FOR_TEN
    assert (await core.progress(session.id)).changing is None


async def test_until_full_takes_what_is_left_and_what_is_held(core: Core) -> None:
    session = await running(core)

    await change(core, session, "full", 0)

    assert 0 <= await core.available() < 4


async def test_a_limit_by_time_that_becomes_one_by_energy_has_no_short_time_any_more(core: Core) -> None:
    session = await core.start("time", 60)
    await core.send(event_of(session, 0, "1000", kind=STARTED))
    await change(core, session, "energy", 200)

    assert (await told(core, event_of(session, 1, "1003"))).max_time == 86_400


async def test_a_site_that_is_away_gets_the_limit_when_it_is_back(core: Core) -> None:
    session = await running(core)
    core.router.answers[TriggerMessage] = lambda _: StationOffline(STATION, "TriggerMessage")

    await change(core, session, "energy", 50)

    assert (await core.progress(session.id)).changing == (LimitKind.ENERGY, 50)
    assert (await told(core, event_of(session, 2, "1004"))).max_energy == 50


async def test_a_station_that_knows_no_limits_is_watched_by_the_server(core: Core) -> None:
    await speaks(core.services.database, Version.V201)
    session = await running(core, 50)

    await change(core, session, "energy", 5)
    assert (await core.progress(session.id)).limit_amount == 5
    await core.send(event_of(session, 2, "1005.1"))
    await core.send(event_of(session, 3, "1005.2"))

    core.clock.advance(timedelta(seconds=6))
    await core.work()
    assert isinstance(core.router.asked[-1], RequestStopTransaction)
    await core.send(event_of(session, 4, "1005.3", kind=ENDED, reason="Remote"))
    assert (await core.progress(session.id)).end_reason == "EnergyLimitReached"


async def test_only_ones_own_running_session_can_be_changed(core: Core) -> None:
    session = await running(core)
    more = RequestedLimit(kind=LimitKind.ENERGY, amount=50)
    with pytest.raises(UnknownSession):
        await changing.change_limit(core.services, core.other_driver_id, session.id, more)

    await charging.stop(core.services, core.driver_id, session.id)
    with pytest.raises(NotRunning):
        await change(core, session, "energy", 50)


async def test_the_end_takes_back_a_change_that_never_arrived(core: Core) -> None:
    session = await running(core)
    await change(core, session, "energy", 50)

    await core.send(event_of(session, 2, "1010.1", kind=ENDED))
    await core.work()

    progress = await core.progress(session.id)
    assert (progress.state, progress.changing, progress.billed_minor) == (SessionState.SETTLED, None, 38)
    assert await core.available() == 5000 - 38
