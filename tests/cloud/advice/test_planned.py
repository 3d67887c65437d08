"""Charging that starts by itself in a recommended window."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from konsento.advice import planned, planned_work
from konsento.advice.errors import NeedsNobody, PlanOver, TooManyPlans, UnknownPlan, WindowGone
from konsento.advice.planned import Asked
from konsento.charging import presence
from konsento.charging import service as charging
from konsento.charging.errors import AlreadyChargingHere, PresenceNeeded
from konsento.charging.limits import RequestedLimit
from konsento.charging.wish import Wish
from konsento.models import (
    ChargingSession,
    LimitKind,
    OutletStatus,
    PlannedCharge,
    PlannedState,
    PresenceCheck,
    SessionState,
)
from konsento.notifications import mail
from konsento.ocpp import CallTimeout
from konsento.ocpp.messages import RequestStartTransaction
from konsento.payments import balance
from konsento.payments.errors import BalanceTooLow
from konsento.payments.ways import Way
from konsento.sites.errors import OutletBusy

from ..conftest import AT, CODES, Core, rate, rejected, reprice
from ..payments.scripted import ScriptedProvider
from ..recommended import recommend

BEGIN, END = AT + timedelta(hours=10), AT + timedelta(hours=14)


@pytest.fixture
async def windowed(core: Core, tmp_path: Path) -> Core:
    """The core in a region where charging is recommended tomorrow; mails go into a folder."""
    core.services.settings.mail_folder = tmp_path / "mails"
    planned_work.install(core.services)
    mail.install(core.services)
    await recommend(core.services, (BEGIN, END))
    return core


def asked(
    core: Core,
    *,
    code: str = CODES[0],
    begin: datetime = BEGIN,
    way: str = "balance",
    wh: int = 10,
    kind: LimitKind = LimitKind.ENERGY,
) -> Asked:
    wish = Wish(driver_id=core.driver_id, outlet_code=code, requested=RequestedLimit(kind=kind, amount=wh))
    return Asked(wish=wish, way=Way.read(way), window_begin=begin)


async def look(core: Core, plan: PlannedCharge) -> PlannedCharge:
    async with core.services.database.transaction() as session:
        return await session.get_one(PlannedCharge, plan.id)


async def sessions(core: Core) -> list[ChargingSession]:
    async with core.services.database.transaction() as session:
        return list(await session.scalars(select(ChargingSession)))


async def until(core: Core, at: datetime) -> None:
    core.clock.advance(at - core.clock.now())
    await core.work()


async def died(*_: object) -> None:
    raise RuntimeError("the process is killed")


def subjects(core: Core) -> list[str]:
    folder = core.services.settings.mail_folder
    assert folder is not None
    files = sorted(folder.glob("*.eml")) if folder.exists() else []
    return [str(message_from_bytes(file.read_bytes(), policy=default)["Subject"]) for file in files]


async def test_it_starts_by_itself_in_the_first_minutes_of_the_window(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    assert BEGIN <= plan.start_at < BEGIN + planned.APART

    await until(windowed, plan.start_at - timedelta(seconds=1))
    assert await sessions(windowed) == []
    await until(windowed, plan.start_at)

    (session,) = await sessions(windowed)
    assert (session.id, session.state, session.limit_amount) == (plan.session_id, SessionState.CHARGING, 10)
    assert (await look(windowed, plan)).state is PlannedState.STARTED
    assert subjects(windowed) == ["Your planned charging has started"]


async def test_two_workers_start_it_once(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    windowed.clock.advance(plan.start_at - windowed.clock.now())

    await asyncio.gather(*(planned_work.start(windowed.services, plan.id) for _ in range(3)))

    starts = [one for one in windowed.router.asked if isinstance(one, RequestStartTransaction)]
    assert (len(await sessions(windowed)), len(starts)) == (1, 1)


async def test_nothing_is_held_and_nobody_is_kept_away_meanwhile(windowed: Core) -> None:
    before = await windowed.available()
    await planned.plan(windowed.services, asked(windowed))

    assert await windowed.available() == before
    await windowed.start()


async def test_pressed_twice_it_is_one_plan_and_another_one_at_the_outlet_takes_its_place(windowed: Core) -> None:
    name = uuid4()
    one = await planned.plan(windowed.services, asked(windowed), plan_id=name)
    same = await planned.plan(windowed.services, asked(windowed), plan_id=name)
    other = await planned.plan(windowed.services, asked(windowed, wh=20))

    assert one.id == same.id
    assert (await look(windowed, one)).state is PlannedState.CANCELLED
    await until(windowed, max(one.start_at, other.start_at))
    assert [session.limit_amount for session in await sessions(windowed)] == [20]


async def test_a_higher_price_than_the_one_agreed_to_starts_nothing(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    await reprice(windowed.services, rate("energy", "3850.01"))
    await until(windowed, plan.start_at)

    over = await look(windowed, plan)
    assert (over.state, over.reason) == (PlannedState.FAILED, "PriceHigher")
    assert await sessions(windowed) == []
    assert subjects(windowed) == ["Your planned charging did not start"]


async def test_a_lower_price_is_the_one_that_counts(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    await reprice(windowed.services, rate("energy", "1000"))
    await until(windowed, plan.start_at)

    (session,) = await sessions(windowed)
    assert session.unit_price == 1000


async def test_an_outlet_that_is_away_is_tried_again_while_the_window_lasts(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    await windowed.outlet_status(OutletStatus.UNAVAILABLE, "offline")
    await until(windowed, plan.start_at)
    assert (await look(windowed, plan)).state is PlannedState.PLANNED

    await windowed.outlet_status(OutletStatus.AVAILABLE)
    await until(windowed, plan.start_at + timedelta(seconds=planned_work.AGAIN_S))
    assert (await look(windowed, plan)).state is PlannedState.STARTED


async def test_an_outlet_that_another_driver_uses_is_tried_again_and_not_taken_away(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    requested = RequestedLimit(kind=LimitKind.TIME, amount=600)
    wish = Wish(driver_id=windowed.other_driver_id, outlet_code=CODES[0], requested=requested)
    windowed.services.settings.fake_payments = True
    other = await charging.start(windowed.services, wish, "fake")
    await until(windowed, plan.start_at)
    assert (await look(windowed, plan)).state is PlannedState.PLANNED
    assert [session.id for session in await sessions(windowed)] == [other.id]

    async with windowed.services.database.transaction() as session:
        await session.execute(update(ChargingSession).values(state=SessionState.SETTLED))
    await until(windowed, plan.start_at + timedelta(seconds=planned_work.AGAIN_S))
    assert (await look(windowed, plan)).state is PlannedState.STARTED


async def test_a_process_that_dies_after_the_start_leaves_one_session_and_the_driver_is_told(
    windowed: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    with monkeypatch.context() as patch:
        patch.setattr(planned_work, "_started", died)
        await until(windowed, plan.start_at)
    assert (await look(windowed, plan)).state is PlannedState.PLANNED

    # Neither a price that went up meanwhile nor the end of the window makes it another one.
    await reprice(windowed.services, rate("energy", "9000"))
    await until(windowed, END + timedelta(hours=1))

    assert (await look(windowed, plan)).state is PlannedState.STARTED
    assert len(await sessions(windowed)) == 1
    assert subjects(windowed) == ["Your planned charging has started"]


async def test_nothing_is_told_until_the_outlet_has_answered(windowed: Core) -> None:
    answers = windowed.router.answers
    before = answers[RequestStartTransaction]
    answers[RequestStartTransaction] = lambda _: CallTimeout("station", "RequestStartTransaction", "no answer in time")
    plan = await planned.plan(windowed.services, asked(windowed))
    await until(windowed, plan.start_at)
    assert (await look(windowed, plan)).state is PlannedState.PLANNED
    assert subjects(windowed) == []

    answers[RequestStartTransaction] = before
    for minutes in (1, 2, 3):
        await until(windowed, plan.start_at + timedelta(minutes=minutes))
    over = await look(windowed, plan)
    assert over.state in {PlannedState.STARTED, PlannedState.FAILED}
    assert len(subjects(windowed)) == 1


async def test_until_full_holds_no_more_than_was_agreed_to_however_full_the_balance_is(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed, kind=LimitKind.FULL, wh=0))
    async with windowed.services.database.transaction() as session:
        settings, at = windowed.services.settings, windowed.clock.now()
        await balance.goodwill(session, settings, windowed.driver_id, 500_000, transfer_id=uuid4(), at=at)
    await until(windowed, plan.start_at)

    (session,) = await sessions(windowed)
    assert session.hold_minor <= plan.agreed_most_minor


@pytest.mark.parametrize("kind", [LimitKind.ENERGY, LimitKind.TIME, LimitKind.FULL])
async def test_only_inside_the_window_it_ends_with_it(windowed: Core, kind: LimitKind) -> None:
    amount = {LimitKind.ENERGY: 10, LimitKind.TIME: 86_400, LimitKind.FULL: 0}[kind]
    windowed.services.settings.fake_payments = True
    await reprice(windowed.services, rate("energy", "38.5"))
    wanted = replace(asked(windowed, kind=kind, wh=amount, way="fake"), inside=True)
    plan = await planned.plan(windowed.services, wanted)
    await until(windowed, plan.start_at)

    (session,) = await sessions(windowed)
    assert session.time_limit_s is not None
    assert session.created_at + timedelta(seconds=session.time_limit_s) <= END


async def test_after_the_window_it_is_given_up_and_the_driver_is_told(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    await windowed.outlet_status(OutletStatus.UNAVAILABLE, "offline")
    await until(windowed, plan.start_at)
    await until(windowed, END)

    over = await look(windowed, plan)
    assert (over.state, over.reason) == (PlannedState.FAILED, "WindowOver")
    assert subjects(windowed) == ["Your planned charging did not start"]


async def test_a_site_that_refuses_ends_it(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    windowed.router.answers[RequestStartTransaction] = lambda _: rejected("OutletFaulted")
    await until(windowed, plan.start_at)

    assert (await look(windowed, plan)).state is PlannedState.FAILED
    assert await windowed.available() > 0


async def test_a_cancelled_plan_does_not_start(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    async with windowed.services.database.transaction() as session:
        await planned.cancel(session, windowed.services, windowed.driver_id, plan.id)
        await planned.cancel(session, windowed.services, windowed.driver_id, plan.id)
    await until(windowed, END)

    assert await sessions(windowed) == []
    assert subjects(windowed) == []


async def test_what_has_started_cannot_be_cancelled_and_another_drivers_plan_is_not_found(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    await until(windowed, plan.start_at)

    async with windowed.services.database.transaction() as session:
        with pytest.raises(PlanOver):
            await planned.cancel(session, windowed.services, windowed.driver_id, plan.id)
        with pytest.raises(UnknownPlan):
            await planned.cancel(session, windowed.services, windowed.other_driver_id, plan.id)
        with pytest.raises(UnknownPlan):
            await planned.own(session, windowed.other_driver_id, UUID(int=1))


async def test_only_a_recommended_window_can_be_planned_for(windowed: Core) -> None:
    with pytest.raises(WindowGone):
        await planned.plan(windowed.services, asked(windowed, begin=BEGIN + timedelta(minutes=30)))
    windowed.clock.advance(END - windowed.clock.now())
    with pytest.raises(WindowGone):
        await planned.plan(windowed.services, asked(windowed))


async def test_in_a_window_that_is_on_it_starts_at_once(windowed: Core) -> None:
    windowed.clock.advance(BEGIN + timedelta(hours=1) - windowed.clock.now())
    plan = await planned.plan(windowed.services, asked(windowed))
    await windowed.work()

    assert (await look(windowed, plan)).state is PlannedState.STARTED


async def test_what_could_not_be_started_cannot_be_planned(windowed: Core) -> None:
    with pytest.raises(BalanceTooLow):
        await planned.plan(windowed.services, asked(windowed, wh=90_000))
    await windowed.start()
    with pytest.raises(AlreadyChargingHere):
        await planned.plan(windowed.services, asked(windowed))
    other = asked(windowed)
    with pytest.raises(OutletBusy):
        await planned.plan(
            windowed.services, replace(other, wish=replace(other.wish, driver_id=windowed.other_driver_id))
        )


async def test_a_way_to_pay_that_needs_the_driver_is_refused(windowed: Core) -> None:
    windowed.services.desk.external["scripted"] = ScriptedProvider(minimum_minor=1)
    for way in ("scripted:card", "scripted:paypay"):
        with pytest.raises(NeedsNobody):
            await planned.plan(windowed.services, asked(windowed, way=way))


async def test_a_saved_card_is_held_when_it_starts_and_not_before(windowed: Core) -> None:
    provider = ScriptedProvider(minimum_minor=1, now=windowed.clock.now)
    windowed.services.desk.external["scripted"] = provider
    card = provider.add_card(f"cus_{windowed.driver_id}")
    plan = await planned.plan(windowed.services, asked(windowed, way=f"scripted:card:{card.reference}"))
    assert provider.asked == []
    await until(windowed, plan.start_at)

    (session,) = await sessions(windowed)
    over = await look(windowed, plan)
    assert (over.state, over.session_id) == (PlannedState.STARTED, session.id)
    assert provider.asked.count("begin") == 1


async def test_a_card_whose_bank_asks_for_its_holder_starts_nothing(windowed: Core) -> None:
    provider = ScriptedProvider(minimum_minor=1, now=windowed.clock.now)
    windowed.services.desk.external["scripted"] = provider
    plan = await planned.plan(windowed.services, asked(windowed, way="scripted:card:card_of_somebody"))
    await until(windowed, plan.start_at)

    over = await look(windowed, plan)
    assert over.state is PlannedState.FAILED
    assert over.reason in {"CardAsks", "UnknownCard"}
    assert await sessions(windowed) == []


async def test_presence_is_shown_once_when_it_is_planned(windowed: Core) -> None:
    await windowed.sites_ask_for(PresenceCheck.BUTTON)
    with pytest.raises(PresenceNeeded):
        await planned.plan(windowed.services, asked(windowed))
    await presence.ask(windowed.services, windowed.driver_id, CODES[0])
    await windowed.press()
    plan = await planned.plan(windowed.services, asked(windowed))
    await until(windowed, plan.start_at)

    assert (await look(windowed, plan)).state is PlannedState.STARTED


async def test_a_driver_has_a_handful_of_plans_at_most(windowed: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "MOST", 1)
    await planned.plan(windowed.services, asked(windowed))
    with pytest.raises(TooManyPlans):
        await planned.plan(windowed.services, asked(windowed, code=CODES[1]))


async def test_a_withdrawn_window_keeps_what_was_planned(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    await recommend(windowed.services)
    await until(windowed, plan.start_at)

    assert (await look(windowed, plan)).state is PlannedState.STARTED


async def test_a_plan_that_was_made_long_ago_is_not_started_after_a_long_outage(windowed: Core) -> None:
    plan = await planned.plan(windowed.services, asked(windowed))
    async with windowed.services.database.transaction() as session:
        await session.execute(update(PlannedCharge).values(start_at=BEGIN))
    await until(windowed, END + timedelta(days=2))

    assert (await look(windowed, plan)).reason == "WindowOver"
    assert await sessions(windowed) == []
