"""When charging is good, and charging that starts then by itself: what a driver sees and does."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select, update

from konsento.advice import tokens
from konsento.advice.tokens import Purpose
from konsento.kit.ids import new_id
from konsento.models import (
    AdviceChannel,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    AdviceState,
    ChargingSession,
    Driver,
    GridRegion,
    OutletStatus,
    PaymentCustomer,
    PlannedCharge,
    PlannedState,
    PresenceCheck,
    Tariff,
    WindowDecision,
)
from konsento.pricing.following import FollowsWindows
from konsento.settings import Settings

from ..forecasts import forecast_two_days
from ..payments.scripted import ScriptedProvider
from ..recommended import REGION, recommend
from .conftest import AT, CODE, Bench, wired

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

TOMORROW = AT + timedelta(hours=21, minutes=2)
"""08:00 by the site's clock: when tomorrow's window begins. Today's is on, until 16:00."""
WINDOW = "2026-11-22T23:00Z"
WISH = {"kind": "energy", "amount": "6", "unit": "kWh", "provider": "balance"}


@pytest.fixture
async def sunny(bench: Bench) -> Bench:
    """The bench in a region where today and tomorrow are sunny from 8 to 16 o'clock."""
    await forecast_two_days(bench.services)
    return bench


async def plans(bench: Bench) -> list[PlannedCharge]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(PlannedCharge).order_by(PlannedCharge.created_at)))


async def sessions(bench: Bench) -> list[ChargingSession]:
    async with bench.services.database.transaction() as session:
        return list(await session.scalars(select(ChargingSession)))


def form(answer: httpx.Response) -> dict[str, str]:
    """Return what the form that starts something sends."""
    body = re.search(r'<form[^>]* action="/o/\w+/start">(.*?)</form>', answer.text, flags=re.DOTALL)
    assert body is not None
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', body[1]))


async def test_anybody_sees_when_charging_is_good_at_an_outlet(sunny: Bench) -> None:
    async with sunny.browser() as browser:
        answer = await browser.get(f"/outlook?outlet={CODE}")
        outlet = sunny.words(await browser.get(f"/o/{CODE}"))

    words = sunny.words(answer)
    assert answer.status_code == 200
    assert "A good time to charge: now, until 16:00." in words
    assert "Plug in now, and about 15 kWh of it fits." in words
    assert "Tomorrow 08:00–16:00 Plug in before 08:00, and about 24 kWh of it fits." in words
    # A picture for those who see it, words and a table for those who do not.
    assert "Good times to charge: Now, until 16:00 · Tomorrow 08:00–16:00" in answer.text
    assert re.search(r"22 Nov, 11:00 40% ● yes", words)
    assert re.search(r"22 Nov, 17:00 10% 22 Nov", words)
    assert "Forecast; data as of 22 Nov, 10:58. Source: forecast" in words
    assert "Good time to charge Now, until 16:00" in outlet


async def test_it_is_there_in_japanese(sunny: Bench) -> None:
    async with sunny.browser("ja") as browser:
        words = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))

    assert "東京" in words
    assert "8:00までにつなげば、約24 kWh充電できます。" in words


async def test_one_tap_has_it_start_by_itself_and_home_account_and_outlook_show_it(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        assert "Start by itself from 08:00 · about ¥924" in sunny.words(page)
        assert "It starts between 08:00 and 08:10, at most ¥924. Your balance." in sunny.words(page)
        sent = form(page)
        answer = await driver.post(f"/o/{CODE}/start", data=sent)
        again = await driver.post(f"/o/{CODE}/start", data=sent)
        shown = sunny.words(await driver.get(answer.headers["location"]))
        places = [sunny.words(await driver.get(path)) for path in ("/", "/account")]
        outlook = await driver.get(f"/outlook?outlet={CODE}")

        (plan,) = await plans(sunny)
        sunny.clock.advance(plan.start_at - sunny.clock.now())
        await sunny.services.work.drain()
        afterwards = await driver.get(f"/planned/{plan.id}")

    assert answer.headers["location"] == again.headers["location"] == f"/planned/{plan.id}"
    assert (plan.window_begin, plan.limit_amount, plan.agreed_most_minor) == (TOMORROW, 24_000, 924)
    assert "It starts by itself. Tomorrow 08:00–16:00" in shown
    assert "24.00 kWh" in shown
    assert all("Starts by itself: Outlet 1, north wall Tomorrow 08:00–16:00" in place for place in places)
    assert f'href="/planned/{plan.id}">It starts by itself: see or cancel' in outlook.text
    assert [session.id for session in await sessions(sunny)] == [plan.session_id]
    assert afterwards.headers["location"] == f"/s/{plan.session_id}"


async def test_the_amount_and_the_end_with_the_window_can_be_chosen_and_the_price_page_says_what_it_means(
    sunny: Bench,
) -> None:
    async with sunny.driver() as driver:
        now = await driver.get(f"/o/{CODE}/confirm", params=WISH)
        then = await driver.get(f"/o/{CODE}/confirm", params=WISH | {"window": WINDOW})
        choose = await driver.get(f"/o/{CODE}/choose", params=WISH | {"window": WINDOW})
        answer = await driver.post(f"/o/{CODE}/start", data=form(then) | {"inside": "true"})

    (plan,) = await plans(sunny)
    assert "Or have it start by itself: Tomorrow 08:00–16:00" in sunny.words(now)
    words = sunny.words(then)
    assert "It starts by itself between 23 Nov, 08:00 and 08:10" in words
    assert "The outlet is not kept for you." in words
    assert "Nothing is held before it starts; then ¥231" in words
    assert "Start by itself from 08:00 · about ¥231" in words
    assert "It starts by itself from 23 Nov, 08:00." in sunny.words(choose)
    assert (plan.inside, plan.limit_amount) == (True, 6000)
    assert answer.headers["location"] == f"/planned/{plan.id}"


async def test_what_is_planned_has_the_price_of_its_time(sunny: Bench) -> None:
    async with sunny.services.database.transaction() as session:
        cheap = FollowsWindows(inside=Decimal(28)).to_dict()
        await session.execute(update(Tariff).values(follows=cheap))
    await recommend(sunny.services, (TOMORROW, TOMORROW + timedelta(hours=8)))
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        await driver.post(f"/o/{CODE}/start", data=form(page))

    (plan,) = await plans(sunny)
    assert "¥28 / kWh then, ¥38.50 now" in sunny.words(page)
    assert plan.agreed_unit_price == 28
    sunny.clock.advance(plan.start_at - sunny.clock.now())
    await sunny.services.work.drain()
    assert [session.unit_price for session in await sessions(sunny)] == [28]


async def test_while_it_is_recommended_it_simply_starts(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        page = await driver.get(f"/outlook?outlet={CODE}")
        address = re.findall(r'href="(/o/\w+/confirm[^"]*)">Charge now', page.text)[0].replace("&amp;", "&")
        sent = form(await driver.get(address))
        # Also where the window was still to come when the page was made.
        sunny.clock.advance(TOMORROW + timedelta(minutes=5) - sunny.clock.now())
        answer = await driver.post(f"/o/{CODE}/start", data=sent | {"window": WINDOW})

    assert answer.headers["location"].startswith("/s/")
    assert await plans(sunny) == []


async def test_a_plan_is_seen_and_cancelled_by_its_driver_alone(sunny: Bench) -> None:
    async with sunny.driver() as driver, sunny.driver("bob@example.com") as other, sunny.browser() as nobody:
        sent = form(await driver.get(f"/outlook?outlet={CODE}"))
        address = (await driver.post(f"/o/{CODE}/start", data=sent)).headers["location"]
        strangers = [await client.get(address) for client in (other, nobody)]
        refused = [await client.post(f"{address}/cancel") for client in (other, nobody)]
        (plan,) = await plans(sunny)
        assert plan.state is PlannedState.PLANNED
        await driver.post(f"{address}/cancel")
        await driver.post(f"{address}/cancel")
        shown = sunny.words(await driver.get(address))

    assert [answer.status_code for answer in (*strangers, *refused)] == [404, 303, 404, 303]
    assert "You have cancelled this." in shown


async def test_what_did_not_start_says_why(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        sent = form(await driver.get(f"/outlook?outlet={CODE}"))
        address = (await driver.post(f"/o/{CODE}/start", data=sent)).headers["location"]
        (plan,) = await plans(sunny)
        await sunny.outlet_is(OutletStatus.FAULTED)
        sunny.clock.advance(plan.start_at - sunny.clock.now())
        await sunny.services.work.drain()
        waiting = sunny.words(await driver.get(address))
        sunny.clock.advance(timedelta(hours=9))
        await sunny.services.work.drain()
        over = sunny.words(await driver.get(address))

    assert (
        "It is about to start. The outlet cannot be started at this moment. It is tried again until 16:00." in waiting
    )
    assert "The outlet could not be started while it was recommended. Nothing is charged." in over


@pytest.mark.parametrize("window", ["soon", "2026-11-22T23:30Z", "2026-11-22T23:00"])
async def test_a_time_that_is_not_recommended_plans_nothing_and_leads_to_those_that_are(
    sunny: Bench, window: str
) -> None:
    async with sunny.driver() as driver:
        answers = [
            await driver.post(f"/o/{CODE}/start", data=WISH | {"window": window}),
            await driver.get(f"/o/{CODE}/confirm", params=WISH | {"window": window}),
            await driver.get(f"/o/{CODE}/presence", params=WISH | {"window": window}),
        ]
        says = sunny.words(await driver.get(answers[0].headers["location"]))

    assert all(answer.headers["location"].startswith(f"/outlook?outlet={CODE}") for answer in answers)
    assert "The time that you chose is not recommended any more. Nothing was planned and nothing is charged." in says
    assert await plans(sunny) == []


async def test_presence_is_shown_before_it_is_planned(sunny: Bench) -> None:
    await sunny.sites_ask_for(PresenceCheck.BUTTON)
    async with sunny.driver() as driver:
        asked = await driver.post(f"/o/{CODE}/start", data=form(await driver.get(f"/outlook?outlet={CODE}")))
        waits = await driver.get(asked.headers["location"])
        await sunny.press()
        ready = await driver.get(asked.headers["location"])
        answer = await driver.post(f"/o/{CODE}/start", data=form(ready))

    assert "/presence?" in asked.headers["location"]
    assert "Start by itself from 08:00" in sunny.words(waits)
    assert answer.headers["location"].startswith("/planned/")


async def test_without_a_name_the_region_is_shown_and_who_wants_it_started_signs_in(sunny: Bench) -> None:
    async with sunny.browser() as browser:
        region = await browser.get("/outlook")
        same = await browser.get(f"/outlook?region={REGION}")
        price = await browser.get(f"/o/{CODE}/confirm", params=WISH | {"window": WINDOW})
        unknown = [await browser.get("/outlook?region=XX-YY"), await browser.get("/outlook?outlet=ZZZZZZ")]

    for page in (region, same):
        assert "Tomorrow 08:00–16:00" in sunny.words(page)
        assert "kWh of it fits" not in sunny.words(page)
    assert "window%3D2026-11-22T23" in price.text
    assert [answer.status_code for answer in unknown] == [404, 404]


async def test_a_driver_sees_the_outlets_used_last(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        await sunny.start(driver)
        await sunny.site.charges()
        words = sunny.words(await driver.get(f"/outlook?region={REGION}"))
        home = sunny.words(await driver.get("/"))

    assert "Outlet 1, north wall" in words
    assert "Start by itself from 08:00" in words
    assert "Good time to charge Now, until 16:00" in home


async def test_a_stale_forecast_is_no_advice_and_none_is_said_to_be_none(sunny: Bench) -> None:
    async with sunny.browser() as browser:
        sunny.clock.advance(timedelta(hours=37))
        stale = await browser.get(f"/outlook?outlet={CODE}")
        sunny.clock.advance(timedelta(days=3))
        nothing = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))
        async with sunny.services.database.transaction() as session:
            await session.execute(update(GridRegion).values(advises=False))
        silent = sunny.words(await browser.get(f"/outlook?outlet={CODE}"))
        nowhere = sunny.words(await browser.get("/outlook"))

    words = sunny.words(stale)
    assert "The forecast is too old to advise you." in words
    assert "data as of 22 Nov, 10:58" in words
    assert "Good to charge" not in words
    assert "<svg" not in stale.text
    assert "There is no forecast just now." in nothing
    assert "Nothing is advised for this region." in silent
    assert "Nothing is advised here yet." in nowhere


async def test_another_price_than_the_one_shown_is_shown_before_it_is_planned(sunny: Bench) -> None:
    async with sunny.driver() as driver:
        sent = form(await driver.get(f"/outlook?outlet={CODE}"))
        answer = await driver.post(f"/o/{CODE}/start", data=sent | {"price": "x" * 32})

    assert answer.status_code == 409
    assert "Start by itself from 08:00" in sunny.words(answer)
    assert await plans(sunny) == []


async def test_ways_to_pay_that_need_the_driver_are_not_offered_and_a_saved_card_is(settings: Settings) -> None:
    provider = ScriptedProvider(minimum_minor=1)
    async with wired(settings.model_copy(update={"welcome_credit_minor": 0}), [provider]) as bench:
        provider.now = bench.clock.now
        await forecast_two_days(bench.services)
        async with bench.driver() as driver:
            without = await driver.get(f"/o/{CODE}/confirm", params=WISH | {"window": WINDOW})
            refused = await driver.post(f"/o/{CODE}/start", data=WISH | {"window": WINDOW, "provider": "scripted:card"})
            async with bench.services.database.transaction() as session:
                driver_id = (await session.scalars(select(Driver.id))).one()
                session.add(PaymentCustomer(provider="scripted", driver_id=driver_id, reference="cus_1", created_at=AT))
            provider.add_card("cus_1")
            tap = await driver.get(f"/outlook?outlet={CODE}")
            answer = await driver.post(f"/o/{CODE}/start", data=form(tap))
        (plan,) = await plans(bench)

    assert "nobody is there to confirm another payment" in bench.words(without)
    assert "nobody is there to confirm another payment" in bench.words(refused)
    assert plan.way.startswith("scripted:card:")
    assert answer.headers["location"] == f"/planned/{plan.id}"


async def test_who_comes_from_a_message_is_counted_once_opened_and_once_acted(sunny: Bench) -> None:
    services = sunny.services
    async with sunny.driver() as driver:
        async with services.database.transaction() as session:
            driver_id = (await session.scalars(select(Driver.id))).one()
            message = await _message(session, driver_id)
            token = await tokens.make(session, Purpose.MESSAGE, message)
        followed = await driver.get(f"/outlook?region={REGION}&window={WINDOW}&m={token}")
        page = await driver.get(f"/outlook?outlet={CODE}&window={WINDOW}&m=nonsense")
        await driver.post(f"/o/{CODE}/start", data=form(page))
    async with services.database.transaction() as session:
        row = await session.get_one(AdviceMessage, message)

    assert followed.headers["location"] == f"/outlook?region={REGION}&window=2026-11-22T23%3A00Z"
    assert page.status_code == 200
    assert (row.opened_at, row.acted_at) == (AT, AT)


async def _message(session: AsyncSession, driver_id: UUID) -> UUID:
    """Make a mail about tomorrow that was sent; returns its id."""
    decision = (await session.scalars(select(WindowDecision.id).order_by(WindowDecision.day.desc()))).first()
    assert decision is not None
    issue = AdviceIssue(
        id=new_id(), region=REGION, day=date(2026, 11, 23), kind=AdviceKind.EVENING, decision_id=decision, created_at=AT
    )
    session.add(issue)
    await session.flush()
    message = AdviceMessage(
        id=new_id(),
        issue_id=issue.id,
        driver_id=driver_id,
        channel=AdviceChannel.MAIL,
        state=AdviceState.SENT,
        due_at=AT,
        sent_at=AT,
    )
    session.add(message)
    return message.id


async def test_nothing_points_to_it_where_there_is_no_region(bench: Bench) -> None:
    async with bench.browser() as browser, bench.driver() as driver:
        outlet = await browser.get(f"/o/{CODE}")
        home = await driver.get("/")
        outlook = bench.words(await browser.get(f"/outlook?outlet={CODE}"))

    assert "/outlook" not in outlet.text
    assert "/outlook" not in home.text
    assert "It is not known in which region of the grid Outlet 1, north wall lies." in outlook
