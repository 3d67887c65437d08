"""Walks through every screen. Each step leads to a screen and names it."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from uuid import UUID
from zoneinfo import ZoneInfo

import pyotp
from PIL import Image, ImageDraw
from playwright.async_api import Page
from sqlalchemy import select, update

from konsento.advice import tokens
from konsento.advice.tokens import Purpose
from konsento.charging.work import find_out_start
from konsento.feeds.deciding import decide_day
from konsento.grid import decisions
from konsento.kit import handover
from konsento.kit.handover import Handover
from konsento.kit.ids import new_id
from konsento.ledger import service as ledger
from konsento.ledger.service import AccountName, Move
from konsento.models import (
    AccountKind,
    CouponKind,
    Direction,
    Driver,
    DriverKind,
    FloorPlan,
    GridRegion,
    LedgerAccount,
    Metering,
    Outlet,
    OutletStatus,
    Partner,
    PartnerKind,
    PendingStation,
    PresenceCheck,
    Role,
    Site,
    Tariff,
    WindowDecision,
)
from konsento.ocpp import CallTimeout, Journal, Lines, Version
from konsento.ocpp.messages import (
    DataTransfer,
    DataTransferResponse,
    DataTransferStatus,
    RequestStartTransaction,
)
from konsento.operations import alarms
from konsento.partners import service as partners
from konsento.rewards import making, points
from konsento.rewards.making import WantedCoupon, WantedRule
from konsento.sites import pending, stations
from konsento.staff import service as staff
from konsento.web.render import STATIC

from .. import effects
from ..backoffice.bills import issued
from ..backoffice.conftest import Office
from ..backoffice.paying import failed_refund, overpaid
from ..forecasts import ZONE, keep_forecast, shining
from ..recommended import REGION, recommend
from ..supply import WIND, sell, supply
from ..web.conftest import CODE, PASSWORD, STATION
from .conftest import Stage


def _silence(_request: RequestStartTransaction) -> CallTimeout:
    return CallTimeout(STATION, "RequestStartTransaction", "no answer in time")


async def another_supplier(stage: Stage) -> str:
    """Let another supplier sell at the site, and a third whose server is away; returns the other's link to here."""
    services = stage.bench.services
    now = services.clock.now()
    parts = [
        {"kind": "energy", "price": "34"},
        {"kind": "energy", "price": "22", "from_time": "22:00", "to_time": "24:00"},
        {"kind": "session", "price": "50"},
    ]
    offer = {
        "name": "wind",
        "supplier": "Kaze Denki",
        "power_type": "wind",
        "currency": "JPY",
        "per_kwh": "34",
        "parts": parts,
        "tax_rate": "0.1",
        "carbon_g_per_kwh": 11,
    }
    outlet = {"outlet": None, "number": 1, "state": "free", "state_as_of": None, "offers": [offer]}
    told = {"operator": "Kaze Denki", "as_of": now.isoformat(), "outlets": [outlet]}
    async with services.database.transaction() as session:
        site = (await session.scalars(select(Site).where(Site.station_id == STATION))).one()
        await partners.set_common_name(session, site, "K3VQ5B2XJ6M7")
        for name, url in (("Kaze Denki", "https://kaze.example"), ("Hi Power", "https://hi.example")):
            found = await partners.add(
                session, services.settings, now, kind=PartnerKind.SUPPLIER, name=name, base_url=url
            )
            await partners.serve(session, found, [site.id])
            (link,) = await partners.links_of(session, found.id)
            link.tried_at, link.problem = now, "Timeout"
            if name == "Kaze Denki":
                outlet["page"] = f"{url}/o/WKYXCN"
                link.told, link.told_at, link.problem = told, now, ""
                sender = found
    return Handover(
        sender=sender.base_url,
        receiver=stage.url,
        outlet="K3VQ5B2XJ6M7.1",
        back=f"{sender.base_url}/o/WKYXCN",
        expires=handover.expiry(now),
    ).signed(sender.key)


async def _sell(
    stage: Stage, names: tuple[str, ...], metering: Metering = Metering.VERIFIED, metering_class: str = ""
) -> None:
    async with stage.bench.services.database.transaction() as session:
        if await session.scalar(select(Tariff.id).where(Tariff.name == "wind")) is None:
            await supply(session, stage.bench.clock.now())
        await sell(session, CODE, names, metering, metering_class)


async def reward(stage: Stage, email: str) -> None:
    """Give a driver points and a coupon, and everybody a rule and a code."""
    services = stage.bench.services
    now = services.clock.now()
    wanted = WantedCoupon(
        title="Sun", kind=CouponKind.PERCENT, value=Decimal("0.1"), currency="JPY", valid_from=now, least_minor=100
    )
    async with services.database.transaction() as session:
        driver = (await session.scalars(select(Driver).where(Driver.email == email.lower()))).one()
        await making.make_rule(session, WantedRule(points_per_kwh=Decimal(1), valid_from=now), now)
        await points.correct(session, driver.id, 50, new_id(), now)
        await making.give_code(session, await making.make_coupon(session, wanted, now, "SUNNY10"), driver, now)


async def forecast(stage: Stage) -> None:
    """Have today and tomorrow be sunny, and the windows of both be found."""
    services = stage.bench.services
    now = services.clock.now()
    days = [now.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=n) for n in range(2)]
    await recommend(services)
    await keep_forecast(services, [slot for day in days for slot in shining(day)])
    async with services.database.transaction() as session:
        region = await session.get_one(GridRegion, REGION)
        for day in days:
            await decisions.decide(session, region, day, now)


async def advise(stage: Stage, email: str) -> str:
    """Have something be recommended and a driver's address be confirmed; returns the link that ends the mails."""
    services = stage.bench.services
    begin = services.clock.now() + timedelta(hours=20)
    await recommend(services, (begin, begin + timedelta(hours=6)))
    async with services.database.transaction() as session:
        driver = (await session.scalars(select(Driver).where(Driver.email == email.lower()))).one()
        driver.kind, driver.email_verified_at = DriverKind.ACCOUNT, services.clock.now()
        return f"/advice/off/{await tokens.make(session, Purpose.NO_MAIL, driver.id)}"


async def effect_of_advice(stage: Stage) -> None:
    """Have a driver be told of days, and charge on them, before and since advice was wanted."""
    services = stage.bench.services
    now = services.clock.now()
    begin = now - timedelta(days=5)
    await recommend(services, (begin, begin + timedelta(hours=6)))
    driver = await effects.driver(services, "told", since=begin)
    decision = await effects.windows(services, begin.date(), (begin, begin + timedelta(hours=6)))
    await effects.told(services, decision, begin.date(), driver, opened=[driver], acted=[driver])
    await effects.charged(services, driver, begin, 6, 4, times=10)
    await effects.charged(services, driver, now - timedelta(days=60), 6, 2, times=9)


async def driver_screens(stage: Stage, page: Page, email: str) -> AsyncIterator[str]:
    """Walk as a driver who comes for the first time; yields the name of each screen when it is there."""
    site = stage.bench.site

    async def at(path: str) -> None:
        await page.goto(f"{stage.url}{path}")

    await at("/")
    yield "start"
    await at("/")  # Taking the picture of a screen moves its foot.
    await page.click("[data-scan]")
    await page.wait_for_selector("dialog[open]")
    yield "scanner"
    await at("/?code=ZZZZZZ")
    yield "unknown-code"
    await at("/map")
    await page.wait_for_selector(".mark")
    await page.wait_for_selector("path.land", state="attached")
    yield "map"
    await at("/map")
    await page.locator(".mark").press("Enter")
    await page.wait_for_selector(".leaflet-popup-content")
    yield "map-mark"
    await at("/map?q=nowhere")
    yield "map-nothing"
    await at(await place_outlets(stage))
    yield "site"
    await at(f"/o/{CODE}")
    yield "outlet"
    via = await another_supplier(stage)
    await at(f"/o/{CODE}?kind=energy&amount=6")
    yield "outlet-suppliers"
    await at(f"/o/{CODE}?via={via}")
    yield "outlet-came-over"
    await at(f"/o/{CODE}?via=changed")
    yield "outlet-bad-link"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6")
    yield "price-for-everybody"
    await at(f"/guest?next=/o/{CODE}")
    yield "guest"
    await page.fill("#email", f"guest-{email}")
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(f"/o/{CODE}$"))
    await at("/account")
    yield "account-guest"
    await page.click('main form[action="/signout"] button')
    await at("/signin")
    yield "sign-in"
    await at("/signin/link")
    yield "sign-in-link"
    await page.fill("#email", email)
    await page.click("main button[type=submit]")
    await page.wait_for_load_state()
    yield "mailbox"
    await at("/l/NOSUCHLINK")
    yield "link-over"
    await at("/signup")
    yield "sign-up"
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/$"))
    await at(f"/o/{CODE}/choose")
    yield "choose"
    await _sell(stage, ("demo", "roof", "wind", "by-time"), Metering.NOTIFIED, "n5")
    await at(f"/o/{CODE}")
    yield "outlet-several"
    await page.click("main a.button")
    yield "power"
    await page.check("[name=offer][value=wind]")
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile("offer=wind"))
    yield "choose-wind"
    await page.click("main button[data-says]")
    await page.wait_for_url(re.compile("/confirm"))
    yield "price-of-a-notified-meter"
    await _sell(stage, ("by-time",), Metering.ESTIMATED)
    await at(f"/o/{CODE}/confirm?kind=energy&amount=3")
    yield "price-estimated"
    await _sell(stage, ("demo", "roof"))
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6&offer=wind")
    yield "power-gone"
    await _sell(stage, ("demo",))
    await at(f"/o/{CODE}/confirm?kind=energy&amount=x")
    yield "choose-mistake"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6")
    yield "price"
    await at(f"/o/{CODE}/confirm?kind=full")
    yield "price-until-full"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6")
    await page.evaluate("document.querySelector('[name=price]').value = '30'")
    await page.click('form[action$="/start"] button')
    await page.wait_for_load_state()
    yield "price-changed"
    site.answers[RequestStartTransaction], answers = _silence, site.answers[RequestStartTransaction]
    await page.click('form[action$="/start"] button')
    await page.wait_for_url(re.compile(r"/s/"))
    session = page.url.removeprefix(stage.url)
    yield "starting"
    stage.bench.clock.advance(timedelta(minutes=1))
    await at(session)
    yield "starting-unanswered"
    site.answers[RequestStartTransaction] = answers
    await find_out_start(stage.bench.services, UUID(session.rpartition("/")[2]), None)
    await site.reports("0")
    await site.reports("3720", seconds=4464, watts=2910)
    await at(session)
    yield "charging"
    await site.reports("3720", seconds=4470, watts=0, state="SuspendedEVSE")
    await at(session)
    yield "paused"
    await stage.bench.outlet_is(OutletStatus.OCCUPIED, connected=False)
    stage.bench.clock.advance(timedelta(minutes=5))
    await at(session)
    yield "no-contact"
    await stage.bench.outlet_is(OutletStatus.AVAILABLE)
    await site.reports("3720", seconds=4480, watts=2910)
    await at(f"/o/{CODE}")
    yield "outlet-mine"
    await at(f"{session}/limit")
    yield "limit"
    await at(f"{session}/stop")
    yield "stop"
    await page.goto(f"{stage.url}{session}/limit")
    await page.fill("#amount", "8")
    await page.click("main .actions button")
    await page.wait_for_url(re.compile(r"/s/[^/]*$"))
    yield "limit-changing"
    await at(f"{session}/stop")
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/s/[^/]*$"))
    yield "stopping"
    await site.reports("6000.2", seconds=7200, watts=0, ended="EnergyLimitReached")
    await at(session)
    yield "ended"
    await stage.bench.services.work.drain()
    # The page itself goes over to the receipt.
    await page.wait_for_selector("[data-receipt]")
    yield "receipt"
    await at(f"{session}/recipient")
    yield "recipient"
    await at("/history")
    yield "history"
    await at("/account")
    yield "account"
    await at("/outlook")
    yield "outlook-none"
    await forecast(stage)
    await at(f"/o/{CODE}")
    yield "outlet-window"
    await at("/")
    yield "start-window"
    await page.click(".next-window")
    await page.click("summary")
    yield "outlook"
    # One is on; the other, tomorrow's, is had with one tap or looked at before.
    await page.click(".window:has(form) .links a")
    yield "price-planned"
    await page.click('form[action$="/start"] button[type=submit]')
    await page.wait_for_url(re.compile("/planned/"))
    yield "planned"
    plan = page.url.removeprefix(stage.url)
    await at("/outlook")
    yield "outlook-planned"
    await at("/account")
    yield "account-planned"
    await at(plan)
    await page.click('form[action$="/cancel"] button')
    await page.wait_for_load_state()
    yield "planned-cancelled"
    await at(await advise(stage, email))
    yield "advice-end"
    await at("/account/advice")
    yield "advice"
    await page.check("input[name=mail]")
    await page.click('form[action="/account/advice"] button')
    await page.click('form[action="/account/advice/pause"] button')
    await page.click('form[action="/account/advice/calendar"] button')
    yield "advice-on"
    await at("/account/rewards")
    yield "rewards-none"
    await reward(stage, email)
    await at("/account/rewards")
    yield "rewards"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6&coupon=sunny-10&use_points=true&points=20")
    yield "price-with-coupon"
    await at(f"/o/{CODE}/confirm?kind=energy&amount=6&coupon=NOSUCH")
    yield "price-wrong-coupon"
    await at("/account/passkeys")
    yield "passkeys"
    await at("/account/delete")
    yield "delete"
    for check in (PresenceCheck.BUTTON, PresenceCheck.LAMP):
        await stage.bench.sites_ask_for(check)
        await at(f"/o/{CODE}/confirm?kind=energy&amount=6")
        yield f"price-{check}"
        await page.click('form[action$="/start"] button')
        await page.wait_for_url(re.compile("/presence"))
        yield f"presence-{check}"
        await page.click('form:has(input[value="no"]) button')
        await page.wait_for_selector("[data-presence=denied]")
        yield f"presence-{check}-denied"
    await stage.bench.sites_ask_for(PresenceCheck.NONE)
    site.refuses = "OutletFaulted"
    await at(f"/o/{CODE}/confirm?kind=time&amount=20")
    await page.click('form[action$="/start"] button')
    await page.wait_for_load_state()
    site.refuses = ""
    yield "not-started"
    await stage.bench.outlet_is(OutletStatus.AVAILABLE, connected=False)
    await at(f"/o/{CODE}")
    yield "outlet-no-contact"
    await stage.bench.outlet_is(OutletStatus.FAULTED)
    await at(f"/o/{CODE}")
    yield "out-of-order"
    await stage.bench.outlet_is(OutletStatus.AVAILABLE)
    async with stage.bench.services.database.transaction() as transaction:
        await transaction.execute(update(Outlet).values(closed_note="Back on Monday"))
    await at(f"/o/{CODE}")
    yield "out-of-order-for"
    async with stage.bench.services.database.transaction() as transaction:
        await transaction.execute(update(Outlet).values(closed_note=None))
        await transaction.execute(update(Site).values(opening_hours="Mo-Su 12:00-14:00"))
    await at(f"/o/{CODE}/confirm?kind=energy&amount=18")
    yield "price-after-closing"
    async with stage.bench.services.database.transaction() as transaction:
        await transaction.execute(update(Site).values(opening_hours="Mo-Su 08:00-09:00"))
    await at(f"/o/{CODE}")
    yield "closed"
    async with stage.bench.services.database.transaction() as transaction:
        await transaction.execute(update(Site).values(opening_hours=""))
    await at("/no/such/page")
    yield "nothing-here"
    await at("/offline")
    yield "offline"


async def program_screens(stage: Stage, page: Page, email: str) -> AsyncIterator[str]:
    """Walk as a driver who has programs: tokens and webhooks."""
    work = stage.bench.services.work

    async def at(path: str) -> None:
        await page.goto(f"{stage.url}{path}")

    async def send(action: str = "") -> None:
        await page.click(f'main form[action$="{action}"] button')
        await page.wait_for_load_state()

    await at("/signup")
    await page.fill("#email", email)
    await page.fill("#password", PASSWORD)
    await page.click("main button[type=submit]")
    await page.wait_for_url(re.compile(r"/$"))
    await at("/account/tokens")
    yield "tokens-none"
    await page.fill("#name", "start")
    await send("/tokens")
    yield "tokens-mistake"
    await page.check("input[value='sessions:read']")
    await page.check("input[value='sessions:write']")
    await send("/tokens")
    yield "tokens-new"
    await at("/account/tokens")
    yield "tokens"
    await page.click(".end")
    await page.wait_for_url(re.compile(r"/end$"))
    yield "token-end"
    await at("/account/webhooks")
    yield "webhooks-none"
    await page.fill("#url", "http://10.0.0.1/")
    await send("/webhooks")
    yield "webhooks-mistake"
    await page.fill("#url", f"{stage.url}/healthz")
    await send("/webhooks")
    yield "webhook-new"
    await at("/account/webhooks")
    await page.click("main .list a")
    await page.wait_for_url(re.compile(r"/webhooks/"))
    yield "webhook"
    await send("/test")
    await work.drain()
    await page.reload()
    yield "webhook-refused"
    await at("/account/webhooks")
    yield "webhooks"
    await page.click("main .list a")
    await page.click("main a[href$='/remove']")
    await page.wait_for_url(re.compile(r"/remove$"))
    yield "webhook-remove"


async def reference_screens(stage: Stage, page: Page, _email: str) -> AsyncIterator[str]:
    """Walk as somebody who writes a program. In English, as the API itself."""
    for path, name in (("/docs", "reference"), ("/problems", "errors"), ("/problems/OutletBusy", "error")):
        await page.goto(f"{stage.url}/api/v1{path}")
        yield name


async def place_outlets(stage: Stage) -> str:
    """Give the site a floor plan with its outlets on it; returns the address of the site's page."""
    async with stage.bench.services.database.transaction() as session:
        outlets = list(await session.scalars(select(Outlet).order_by(Outlet.evse_id)))
        for outlet in outlets:
            outlet.plan_x, outlet.plan_y = 200 * outlet.evse_id, 300 * outlet.evse_id
        site_id = outlets[0].site_id
        await session.merge(
            FloorPlan(
                site_id=site_id,
                media_type="image/png",
                picture=(STATIC / "icon-192.png").read_bytes(),
                width=192,
                height=192,
                changed_at=stage.bench.services.clock.now(),
            )
        )
    return f"/sites/{site_id}"


async def _dials_in(stage: Stage, station_id: str) -> UUID:
    """Have an unknown charger wait for the operator."""
    services = stage.bench.services
    now = services.clock.now()
    known = await pending.knock(
        services.database,
        now,
        station_id,
        password="brought-by-the-charger",
        names=(),
        encrypted=True,
        address="2001:db8:4711:1::8a2e:370:7334",
    )
    assert known
    about = pending.About(
        version="ocpp2.0.1",
        vendor="Acme Electric Works Ltd.",
        model="QuickPole 22",
        serial="AC-2026-00004711",
        firmware="9.1.4",
    )
    async with services.database.transaction() as transaction:
        await pending.booted(transaction, now, station_id, about)
        query = select(PendingStation.id).where(PendingStation.station_id == station_id)
        return (await transaction.scalars(query)).one()


async def _converse(stage: Stage) -> None:
    """Have the site's line measured and its messages kept, with a clock that is fast and a call that it refused."""
    services, clock = stage.bench.services, stage.bench.clock
    lines, journal = Lines(clock), Journal(services.database, clock)
    line = lines.open(STATION, Version.V21)
    line.events, line.frames_in, line.frames_out = 1204, 3310, 3308
    line.refuse("NotifyEvent", "FormatViolation")
    line._calls.extend([0.184, 0.21, 2.4])
    line._pings.extend([0.012, 0.0131, 0.19])
    line._late.append((clock.now(), -14.0))
    clock.advance(timedelta(minutes=4))
    await lines.write(services.database)
    event = {"eventType": "Updated", "timestamp": "2026-11-22T01:58:00Z", "triggerReason": "MeterValuePeriodic"}
    for number in range(60):
        about = event | {"seqNo": number, "transactionInfo": {"transactionId": "T1", "chargingState": "Charging"}}
        journal.note(STATION, Direction.IN, json.dumps([2, f"{number}", "TransactionEvent", about]))
        journal.note(STATION, Direction.OUT, f'[3,"{number}",{{}}]')
    journal.note(STATION, Direction.OUT, '[2,"r","Reset",{"type":"OnIdle"}]')
    journal.note(STATION, Direction.IN, '[4,"r","NotSupported","no reset here",{}]')
    await journal.flush()


async def _owed(stage: Stage) -> UUID:
    """Owe a supplier something; returns its account."""
    services = stage.bench.services
    async with services.database.transaction() as session:
        share = Move(
            id=new_id(),
            reason="supplier-share",
            at=services.clock.now(),
            amount_minor=500,
            debit=AccountName(AccountKind.SALES, "JPY"),
            credit=AccountName(AccountKind.SUPPLIER, "JPY", "A0269"),
        )
        await ledger.write(session, [share])
        query = select(LedgerAccount.id).where(LedgerAccount.kind == AccountKind.SUPPLIER)
        return (await session.scalars(query)).one()


async def _forecast(stage: Stage) -> str:
    """Have two weeks be forecast, tomorrow decided; returns the region's page with a preview of another rule."""
    services = stage.bench.services
    tomorrow = services.clock.now().astimezone(ZoneInfo(ZONE)).date() + timedelta(days=1)
    await keep_forecast(services, [one for back in range(14) for one in shining(tomorrow - timedelta(days=back))])
    await decide_day(services, REGION, tomorrow)
    rule = "reference=percent&percent=5&threshold=30&unit=share&supply=generation&shortest=120&gap=1&most=2"
    return f"/regions/{REGION}?{rule}"


async def _decision(stage: Stage) -> str:
    async with stage.bench.services.database.transaction() as session:
        newest = select(WindowDecision.id).order_by(WindowDecision.decided_at.desc(), WindowDecision.day.desc())
        decision = await session.scalar(newest.limit(1))
        return f"/regions/{REGION}/decisions/{decision}"


async def staff_screens(stage: Stage, page: Page, email: str) -> AsyncIterator[str]:
    """Walk as an admin through the back office, from the invitation on; a driver is charging meanwhile."""
    services = stage.bench.services

    async def at(path: str) -> None:
        await page.goto(f"{stage.url}/office{path}")

    async with stage.bench.driver(email) as driver:
        bill = await issued(stage.bench, driver)
        session = (await stage.bench.start(driver, "6", "kWh")).rpartition("/")[2]
        await stage.bench.site.reports("0")
        await stage.bench.site.reports("3720", seconds=4464, watts=2910)
    async with services.database.transaction() as transaction:
        _, invitation = await staff.add(transaction, email=email, name="", role=Role.ADMIN, now=services.clock.now())
        secret = (await staff.enrolment(transaction, invitation, services.clock.now())).totp_secret
        await stations.note_status(
            transaction, STATION, 2, OutletStatus.FAULTED, reason="overcurrent", at=services.clock.now()
        )
        await stations.note_status(transaction, STATION, 3, OutletStatus.AVAILABLE, reason="", at=services.clock.now())
        await alarms.watch(transaction, services.clock.now())
    paid = await overpaid(Office(stage.bench))
    await failed_refund(Office(stage.bench), paid)
    stranger = await _dials_in(stage, f"Acme:{email.partition('@')[0]}")
    await _converse(stage)
    await another_supplier(stage)
    async with services.database.transaction() as transaction:
        partner = await transaction.scalar(select(Partner.id).where(Partner.name == "Kaze Denki"))
    await at("/")
    yield "sign-in"
    await at(f"/invitation/{invitation}")
    yield "invitation"
    await page.fill("input[name=password]", "mauve anchor tiny river")
    await page.fill("input[name=code]", pyotp.TOTP(secret).at(services.clock.now()))
    await page.click("main button[type=submit]")
    await page.wait_for_selector("text=/[A-Z0-9]{4,5}-[A-Z0-9]{4,5}/")
    yield "welcome"
    async with services.database.transaction() as row:
        await supply(row, services.clock.now())
    await effect_of_advice(stage)
    for name, path in (
        ("overview", "/"),
        ("sessions", "/sessions"),
        ("session", f"/sessions/{session}"),
        ("bills", "/bills"),
        ("bill", f"/bills/{bill}"),
        ("statements", "/statements"),
        ("statement", f"/statements/{await _owed(stage)}"),
        ("drivers", "/drivers"),
        ("station", f"/stations/{STATION}"),
        ("any-request", f"/stations/{STATION}/ocpp?action=SetChargingProfile"),
        ("messages", "/messages"),
        ("messages-none", "/messages?text=nowhere&failed=true"),
        ("labels", f"/stations/{STATION}/labels?cut_marks=true&start=2"),
        ("sites", "/sites"),
        ("site-new", "/sites/new"),
        ("unknown-stations", "/pending"),
        ("unknown-station", f"/pending/{stranger}"),
        ("prices", "/prices"),
        ("price-new", "/prices/new?of=demo"),
        ("regions", "/regions"),
        ("region", await _forecast(stage)),
        ("region-new", "/regions/new?preset=JP-A09"),
        ("region-decisions", f"/regions/{REGION}/decisions"),
        ("region-decision", await _decision(stage)),
        ("advice", "/advice"),
        ("partners", "/partners"),
        ("partner", f"/partners/{partner}"),
        ("suppliers", "/suppliers"),
        ("supplier", f"/suppliers/{WIND}"),
        ("power-types", "/power-types"),
        ("payments", "/payments"),
        ("payment", f"/payments/{paid}"),
        ("alarms", "/alarms"),
        ("log", "/log"),
        ("health", "/health"),
        ("staff", "/staff"),
        ("staff-tokens", "/staff/tokens"),
        ("nothing-here", "/no-such-page"),
    ):
        await at(path)
        yield name
    await at(f"/stations/{STATION}/ocpp?action=Reset")
    await page.fill("#payload", '{"type": "Now", "evseId": -1}')
    await page.click("main button.do")
    await page.wait_for_selector("#problem")
    yield "any-request-refused"
    await page.fill("#payload", '{"type": "OnIdle"}')
    await page.click("main button.do")
    await page.wait_for_selector("#answer")
    yield "any-request-answered"
    await at("/prices/new?of=demo")
    await page.fill("#unit_price", "40")
    await page.fill("#begins", "2099-01-01T00:00")
    await page.click("main button")
    await page.wait_for_selector("#problem")
    await page.fill("#begins", "2026-12-24T00:00")
    await page.click("main button")
    await page.wait_for_selector("#costs")
    yield "price-shown"
    await page.click("[name=sure]")
    await page.wait_for_selector("form[action$=withdraw]")
    yield "prices-planned"
    await at("/rewards")
    yield "rewards-none"
    await at("/rewards/rules/new")
    yield "rule"
    await page.fill("#points", "1")
    await page.click("main .do")
    await page.wait_for_url(re.compile(r"/office/rewards$"))
    await at("/rewards/coupons/new")
    yield "coupon-new"
    await page.fill("#title", "Sunny days")
    await page.fill("[name=value]", "10")
    await page.fill("#code", "SUNNY10")
    await page.click("main .do")
    await page.wait_for_url(re.compile(r"/office/rewards/coupons/[0-9a-f]"))
    await page.fill("[name=count]", "5")
    await page.click("main .do")
    await page.wait_for_load_state()
    yield "coupon"
    await at("/rewards")
    yield "rewards"
    await at("/sites/new")
    await page.fill("#name", "Minato Mall")
    await page.click("main button[type=submit]")
    await page.wait_for_selector(".key")
    yield "site-way-in"
    await at(f"/sites/{STATION}")
    await page.set_input_files("#picture", {"name": "plan.png", "mimeType": "image/png", "buffer": _plan()})
    await page.click('form[action$="/plan"] button')
    await page.wait_for_selector(".plan")
    yield "site-plan"
    await page.check('input[value="week"]')
    for day in ("Mo", "Tu", "We", "Th", "Fr"):
        await page.locator(f"[name={day}-from]").first.fill("08:00")
        await page.locator(f"[name={day}-to]").first.fill("20:00")
    await page.check('input[value="own"]')
    await page.click('form[action$="/hours"] button')
    await page.wait_for_url(re.compile("#hours$"))
    yield "site-hours"
    await at(f"/sites/{STATION}/outlets/3")
    await page.locator(".plan").click(position={"x": 60, "y": 40})
    yield "outlet-new"
    await page.fill("#name", "Outlet 3, north wall")
    await page.select_option("#tariff", "demo")
    await page.click("main section:first-child button.do")
    await page.wait_for_url(re.compile(rf"/sites/{STATION}#outlets$"))
    yield "site-priced"
    await at(f"/sites/{STATION}/outlets/3")
    await page.fill("#note", "Sakura")
    await page.click('form[action$="/close"] button')
    await page.wait_for_selector("blockquote")
    yield "outlet-out-of-order"
    await at(f"/sites/{STATION}")
    yield "site"
    hops = [{"hop": "server", "reachable": True, "roundTripMs": 9}, {"hop": "a", "reachable": True, "roundTripMs": 6}]
    stage.bench.site.answers[DataTransfer] = lambda _: DataTransferResponse(
        status=DataTransferStatus.ACCEPTED, data={"hops": hops}
    )
    await at(f"/stations/{STATION}")
    await page.click('form[action$="/trace"] button')
    await page.wait_for_selector("#traced")
    yield "link-trace"


def _plan() -> bytes:
    """Draw the parking places of a small site."""
    drawn = Image.new("RGB", (800, 400), "white")
    draw = ImageDraw.Draw(drawn)
    for x in range(100, 700, 100):
        draw.rectangle((x, 60, x + 100, 220), outline="grey", width=4)
    stream = BytesIO()
    drawn.save(stream, format="PNG")
    return stream.getvalue()
