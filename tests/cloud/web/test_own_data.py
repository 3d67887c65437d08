"""What is kept of a driver is told to the driver and forgotten with the driver: of every table, those to come too."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import Column, Table, func, select

from konsento.accounts import passkeys, tokens
from konsento.accounts.tokens import Scope
from konsento.invoices import recipients
from konsento.kit.db import Base
from konsento.kit.ids import new_id
from konsento.models import (
    AdviceBrowser,
    AdviceChannel,
    AdviceChoice,
    AdviceIssue,
    AdviceKind,
    AdviceMessage,
    Bill,
    BillSession,
    ChargingSession,
    Checkout,
    CheckoutState,
    Correction,
    CorrectionReason,
    CouponKind,
    CouponProgress,
    CouponUse,
    CouponUseState,
    Driver,
    IdempotencyKey,
    LimitChange,
    MeteringAgreement,
    OutgoingMail,
    Passkey,
    PaymentCustomer,
    PlannedCharge,
    PointLot,
    PointUse,
    Presence,
    PresenceMethod,
    PresenceState,
    PushSubscription,
    SideReading,
    WebhookDelivery,
    WindowDecision,
    WindowShare,
)
from konsento.models.webhook import DeliveryState, WebhookEndpoint, WebhookEvent
from konsento.payments.bills import addressing
from konsento.rewards import making
from konsento.rewards.making import WantedCoupon
from konsento.settings import Settings

from .conftest import PASSWORD, wired
from .mails import follow_newest, mails

if TYPE_CHECKING:
    from httpx import AsyncClient
    from sqlalchemy.ext.asyncio import AsyncSession

    from .conftest import Bench

KEPT = {
    "bills",
    "bill_sessions",
    "metering_agreements",
    "charging_sessions",
    "payments",
    "receipts",
    "invoices",
    "receipt_lines",
    "corrections",
    "meter_events",
    "limit_changes",
    "ledger_transfers",
    "balance_lots",
    "side_readings",
    "point_lots",
    "point_uses",
    "coupon_codes",
    "coupon_uses",
    "window_shares",
}
"""What has to be kept for the books, without a name."""
GOES_WITH_ANOTHER = {"webhook_deliveries"}
"""Tables that belong to a row which belongs to a driver; what they hold is in that row's part of the export."""
SECTIONS = {
    "bills": "bills",
    "bill_sessions": "sessions_on_bills",
    "bill_addresses": "bill_address",
    "sign_ins": "browsers",
    "passkeys": "passkeys",
    "passkey_challenges": "passkey_challenges",
    "links": "links",
    "api_tokens": "tokens",
    "idempotency_keys": "requests_of_programs",
    "webhook_endpoints": "webhooks",
    "webhook_events": "webhook_events",
    "presence_checks": "presence_checks",
    "metering_agreements": "metering_agreements",
    "payments": "payments",
    "payment_customers": "payment_customers",
    "charging_sessions": "charging",
    "limit_changes": "limit_changes",
    "meter_events": "measurements",
    "side_readings": "measurements_beside",
    "push_subscriptions": "notices",
    "receipts": "receipts",
    "invoices": "invoices",
    "recipients": "recipient",
    "invoice_recipients": "recipients_of_invoices",
    "receipt_lines": "receipt_lines",
    "corrections": "corrections",
    "ledger_transfers": "balance",
    "point_lots": "points",
    "point_uses": "points_used",
    "coupon_codes": "coupons",
    "coupon_uses": "coupons_used",
    "coupon_progress": "towards_coupons",
    "balance_lots": "balance_lots",
    "checkouts": "checkouts",
    "advice_choices": "advice",
    "advice_browsers": "advice_browsers",
    "advice_messages": "advice_messages",
    "planned_charges": "planned",
    "window_shares": "charged_while_recommended",
}
"""Where in the export each table is."""
SECRETS = ("argon2", "secret-of-webhook", "p256dh-of-browser", "auth-of-browser", "answer-to-program", "push.example")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"mail_folder": tmp_path / "mails"})


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    async with wired(settings) as bench:
        yield bench


def referring(*names: str) -> dict[str, Column[UUID]]:
    """Return the tables that refer to one of these tables, with the column that does."""
    return {
        table.name: key.parent
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in names and table.name not in names
    }


def test_the_export_and_the_deletion_know_every_table_that_leads_to_a_driver() -> None:
    known = SECTIONS.keys() | GOES_WITH_ANOTHER

    assert referring("drivers").keys() | referring("charging_sessions").keys() <= known
    assert referring("webhook_endpoints", "webhook_events").keys() <= known
    named = {t.name for t in Base.metadata.sorted_tables if {"driver_id", "driver"} & set(t.columns.keys())}
    assert named <= known


def test_what_does_not_go_with_a_driver_is_kept_on_purpose() -> None:
    stays = {
        table.name
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "drivers" and key.ondelete != "CASCADE"
    }

    assert stays <= KEPT


async def _fill(bench: Bench, browser: AsyncClient) -> UUID:
    """Put something into every table that leads to a driver; returns the driver's id."""
    session_page = await bench.start(browser)
    await bench.site.charges("1000", seconds=1200)
    now = bench.services.clock.now()
    async with bench.services.database.transaction() as session:
        driver = (await session.scalars(select(Driver))).one()
        charging = (await session.scalars(select(ChargingSession))).one()
        assert session_page.endswith(str(charging.id))
        await tokens.make(session, driver.id, name="Planner", scopes=[Scope.OUTLETS_READ], days=9, now=now)
        site = passkeys.Site(rp_id="konsento.test", origin="https://konsento.test", name="x")
        await passkeys.options_to_make(session, site, driver, now)
        endpoint = WebhookEndpoint(
            id=new_id(), driver_id=driver.id, url="https://fleet.example", events="", secret=SECRETS[1], created_at=now
        )
        event = WebhookEvent(
            id=new_id(), driver_id=driver.id, session_id=charging.id, type="session.ended", created_at=now
        )
        session.add_all([endpoint, event])
        await session.flush()
        session.add_all(
            [
                WebhookDelivery(
                    id=new_id(),
                    endpoint_id=endpoint.id,
                    event_id=event.id,
                    state=DeliveryState.DELIVERED,
                    created_at=now,
                ),
                Passkey(
                    id=new_id(),
                    driver_id=driver.id,
                    credential_id=b"id",
                    public_key=b"key",
                    sign_count=0,
                    name="Phone",
                    created_at=now,
                ),
                Checkout(
                    id=new_id(),
                    driver_id=driver.id,
                    outlet_id=charging.outlet_id,
                    outlet_code="K7F29Q",
                    limit_kind=charging.limit_kind,
                    limit_amount=5,
                    provider="stripe",
                    method="card",
                    card="",
                    save_card=False,
                    hold_minor=5,
                    currency="JPY",
                    session_id=new_id(),
                    state=CheckoutState.ENDED,
                    created_at=now,
                    expires_at=now,
                ),
                Presence(
                    id=new_id(),
                    outlet_id=charging.outlet_id,
                    driver_id=driver.id,
                    method=PresenceMethod.LABEL,
                    state=PresenceState.USED,
                    asked_at=now,
                    expires_at=now,
                ),
                IdempotencyKey(
                    driver_id=driver.id,
                    key="start-1",
                    request_hash=b"hash",
                    resource_id=new_id(),
                    created_at=now,
                    claimed_until=now,
                    body=SECRETS[4],
                ),
                PushSubscription(
                    id=new_id(),
                    session_id=charging.id,
                    endpoint="https://push.example/1",
                    p256dh=SECRETS[2],
                    auth=SECRETS[3],
                    locale="en",
                    created_at=now,
                ),
                LimitChange(
                    id=new_id(),
                    session_id=charging.id,
                    kind=charging.limit_kind,
                    amount=5,
                    energy_limit_wh=5,
                    energy_cap_wh=5,
                    hold_minor=5,
                    asked_at=now,
                ),
                PlannedCharge(
                    id=new_id(),
                    driver_id=driver.id,
                    outlet_id=charging.outlet_id,
                    session_id=new_id(),
                    limit_kind=charging.limit_kind,
                    limit_amount=5,
                    offer="demo",
                    way="balance",
                    agreed_unit_price=Decimal("38.5"),
                    agreed_most_minor=5,
                    window_begin=now,
                    window_end=now,
                    start_at=now,
                    created_at=now,
                ),
                WindowShare(
                    session_id=charging.id,
                    driver_id=driver.id,
                    region="JP-A03",
                    began_at=now,
                    billed_at=now,
                    had_windows=True,
                    mwh=1,
                    inside_mwh=1,
                ),
                PaymentCustomer(provider="scripted", driver_id=driver.id, reference="cus_1", created_at=now),
                MeteringAgreement(driver_id=driver.id, version="2026-11", agreed_at=now),
                SideReading(session_id=charging.id, first_mwh=5, last_mwh=6, last_at=now),
                Correction(
                    id=new_id(),
                    session_id=charging.id,
                    reason=CorrectionReason.OPERATOR,
                    note="what the staff wrote",
                    amount_minor=1,
                    tax_minor=0,
                    created_at=now,
                ),
                PointLot(
                    id=new_id(), driver_id=driver.id, session_id=charging.id, points=5, points_left=0, earned_at=now
                ),
                PointUse(
                    session_id=charging.id,
                    driver_id=driver.id,
                    points=5,
                    value_minor=Decimal(1),
                    points_used=5,
                    reserved_at=now,
                ),
            ]
        )
        terms = WantedCoupon(title="Sun", kind=CouponKind.PERCENT, value=Decimal("0.1"), currency="JPY", valid_from=now)
        coupon = await making.make_coupon(session, terms, now)
        code = await making.give_code(session, coupon, driver, now)
        session.add_all(
            [
                CouponUse(
                    session_id=charging.id,
                    coupon_id=coupon.id,
                    code=code.code,
                    driver_id=driver.id,
                    state=CouponUseState.USED,
                    reserved_at=now,
                ),
                CouponProgress(coupon_id=coupon.id, driver_id=driver.id, wh=5),
            ]
        )
        bill = Bill(
            id=new_id(),
            number=1,
            driver_id=driver.id,
            currency="JPY",
            amount_minor=5,
            issued_at=now,
            due_at=now,
            payee="Sakura Energy",
            payee_address="",
            bank="Sakura Bank",
            iban="",
            time_zone="Asia/Tokyo",
            by_post=True,
            recipient="Ann Example",
            recipient_address="1 Example Road",
        )
        session.add(bill)
        await session.flush()
        session.add(
            BillSession(
                bill_id=bill.id,
                session_id=charging.id,
                position=0,
                amount_minor=5,
                invoice_label="K-2026-000001",
                place="Sakura Mall",
                charged_at=now,
            )
        )
        await _advise(session, driver.id, now)
        await addressing.name(session, driver.id, "Ann Example", "1 Example Road")
        await recipients.name_for_all(session, driver.id, "Example Works", "1 Example Road")
        await recipients.name_for_session(session, driver.id, charging.id, "Example Works", "1 Example Road")
        return driver.id


async def _advise(session: AsyncSession, driver_id: UUID, now: datetime) -> None:
    """Have a driver be advised, once."""
    decision = WindowDecision(
        id=new_id(),
        region="JP-A03",
        day=now.date(),
        decided_at=now,
        outcome="new",
        reason="",
        rule={},
        inputs={},
        inputs_sha256="",
        windows=[],
    )
    session.add(decision)
    await session.flush()
    issue = AdviceIssue(
        id=new_id(),
        region="JP-A03",
        day=now.date(),
        kind=AdviceKind.EVENING,
        decision_id=decision.id,
        created_at=now,
    )
    session.add_all([issue, AdviceChoice(driver_id=driver_id, mail=True, calendar_hash=b"hash", since=now)])
    await session.flush()
    session.add_all(
        [
            AdviceMessage(id=new_id(), issue_id=issue.id, driver_id=driver_id, channel=AdviceChannel.MAIL, due_at=now),
            AdviceBrowser(
                id=new_id(),
                driver_id=driver_id,
                endpoint="https://push.example/2",
                p256dh=SECRETS[2],
                auth=SECRETS[3],
                locale="en",
                created_at=now,
            ),
        ]
    )


async def _count(bench: Bench, table: Table) -> int:
    async with bench.services.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_the_export_holds_every_table_and_no_secret(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        await follow_newest(bench, browser)
        await _fill(bench, browser)
        text = (await browser.get("/account/export")).text
        kept = json.loads(text)

    assert [name for name in SECTIONS.values() if not kept[name]] == []
    assert kept["balance"]["transfers"]
    assert [one["register_mwh"] for one in kept["measurements"]][-1] > 0
    for secret in SECRETS:
        assert secret not in text


async def test_nothing_of_somebody_else_is_in_the_export(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as ann, bench.driver("bob@example.com") as bob:
        await bench.start(ann)
        await bench.site.charges("1000", seconds=1200)
        kept = json.loads((await bob.get("/account/export")).text)

    assert {name for name in SECTIONS.values() if kept[name]} == {"browsers", "links", "balance", "balance_lots"}
    assert "ann@" not in json.dumps(kept)


async def test_nothing_that_leads_to_a_person_is_left_of_a_deleted_account(bench: Bench) -> None:
    tables = Base.metadata.tables
    async with bench.driver("ann@example.com") as browser:
        await follow_newest(bench, browser)
        driver_id = await _fill(bench, browser)
        await mails(bench)
        change = {"present": PASSWORD, "new": "quiet lamp mountain"}
        await browser.post("/account/password", data=change)  # leaves a mail to be sent
        assert {
            name: await _count(bench, tables[name]) for name in SECTIONS if not await _count(bench, tables[name])
        } == {}
        deleted = await browser.post("/account/delete", data={"present": "quiet lamp mountain"})
        assert deleted.status_code == 200, bench.words(deleted)

    left = {name for name in SECTIONS.keys() | GOES_WITH_ANOTHER if await _count(bench, tables[name])}
    assert left == KEPT & SECTIONS.keys()
    assert await _count(bench, OutgoingMail.__table__) == 0
    async with bench.services.database.transaction() as session:
        bill = (await session.scalars(select(Bill))).one()
    assert (bill.recipient, bill.recipient_address) == ("", "")
    async with bench.services.database.transaction() as session:
        driver = await session.get(Driver, driver_id)
        assert driver is not None
        assert (driver.email, driver.name, driver.phone, driver.address, driver.password_hash) == ("", "", "", "", None)


async def test_a_token_of_a_deleted_account_opens_nothing(bench: Bench) -> None:
    async with bench.driver("ann@example.com") as browser:
        async with bench.services.database.transaction() as session:
            driver = (await session.scalars(select(Driver))).one()
            _, token = await tokens.make(
                session, driver.id, name="x", scopes=[Scope.ACCOUNT_READ], days=9, now=bench.services.clock.now()
            )
        program = {"Authorization": f"Bearer {token}"}
        before = await browser.get("/api/v1/account", headers=program)
        await browser.post("/account/delete", data={"present": PASSWORD})
        after = await browser.get("/api/v1/account", headers=program)

    assert (before.status_code, after.status_code) == (200, 401)
