"""Drivers who have charged, and a region whose days are decided, for tests of what drivers are told."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from email.message import EmailMessage
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aiosmtpd.controller import Controller
from sqlalchemy import insert, select, update

from konsento.advice import browsers, choices
from konsento.advice import work as advice_work
from konsento.advice.choices import Wanted
from konsento.feeds import deciding
from konsento.feeds import work as feeds_work
from konsento.grid import series
from konsento.grid.rule import Reference, ReferenceMode, Rule
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.models import AdviceMessage, ChargingSession, Driver, Site
from konsento.notifications import mail
from konsento.settings import Settings
from rig.ports import Ports

from ..conftest import Core, whole_session, wired
from ..forecasts import keep_forecast, sunny
from ..notifications.test_mail import Mailbox
from ..notifications.test_push import Phone
from ..recommended import REGION

TOKYO = ZoneInfo("Asia/Tokyo")
TODAY = date(2026, 11, 22)
DAY = TODAY + timedelta(days=1)
"""The day that drivers are told of: sunny from 8 to 16."""
FIXED = Rule(reference=Reference(mode=ReferenceMode.PERCENT, value=Decimal(5)))


def at(hour: int, minute: int = 0, day: date = TODAY, zone: ZoneInfo = TOKYO) -> datetime:
    """Return a moment by the region's clock."""
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


@contextmanager
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    """Run a real mail server; gives what it took, and its address."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=Ports().take())
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()


@dataclass
class Town:
    """A region with one site, the drivers who charge there, and where their mails arrive."""

    core: Core
    box: Mailbox
    source: UUID
    template: dict[str, Any] = field(default_factory=dict)
    """A session that was charged, to be copied."""

    @property
    def mails(self) -> list[EmailMessage]:
        """What has arrived."""
        return self.box.mails

    @property
    def to(self) -> list[str]:
        """To whom mails have gone."""
        return sorted(str(one["To"]) for one in self.mails)

    @property
    def subjects(self) -> list[str]:
        """Their subjects, by whom they are to."""
        return [str(one["Subject"]) for one in sorted(self.mails, key=lambda one: str(one["To"]))]

    async def wait_until(self, moment: datetime) -> None:
        """Let the clock go there, and have done what is due."""
        self.core.clock.advance(moment - self.core.clock.now())
        await self.core.work()

    async def decide(self, day: date = DAY, sun: tuple[int, int] | None = (8, 16), *, work: bool = True) -> None:
        """Have the forecast of a day tell when the sun shines (None: not at all), and the day be decided."""
        core = self.core
        slots = sunny(day, sun or (0, 0))
        async with core.services.database.transaction() as session:
            await series.keep(session, self.source, slots, core.clock.now())
            await core.services.work.add(session, deciding.WORK, f"{REGION}:{day}")
        if work:
            await core.work()

    async def evening(self, day: date, sun: tuple[int, int] | None = (8, 16)) -> None:
        """Let it become ten to eight on the evening before a day, have that be decided, and let it become eight."""
        before = day - timedelta(days=1)
        await self.wait_until(at(19, 50, before))
        await self.decide(day, sun)
        await self.wait_until(at(20, 0, before))

    async def driver(self, name: str, locale: str = "en", *, charged: datetime | None = None, **wanted: Any) -> UUID:
        """Return a new driver who has charged, long ago if nothing else is said, and wants mails."""
        now = self.core.clock.now()
        async with self.core.services.database.transaction() as session:
            driver = Driver(
                id=new_id(),
                email=f"{name}@example.com",
                name=name,
                locale=locale,
                password_hash=None,
                email_verified_at=now,
                created_at=now,
            )
            session.add(driver)
            await session.flush()
            await choices.change(session, driver, Wanted(**({"mail": True} | wanted)), now)
        await self.charged(driver.id, charged or now - timedelta(days=5))
        return driver.id

    async def charged(self, driver_id: UUID, begin: datetime, **more: Any) -> None:
        """Have a driver have charged then, for an hour."""
        async with self.core.services.database.transaction() as session:
            await session.execute(insert(ChargingSession), [self.session(driver_id, begin, **more)])

    def session(self, driver_id: UUID, begin: datetime, **more: Any) -> dict[str, Any]:
        """Return the row of a session of an hour."""
        number = int.from_bytes(new_id().bytes[-4:]) % 2**31
        times = {"created_at": begin, "started_at": begin, "ended_at": begin + timedelta(hours=1)}
        ids = {"id": new_id(), "driver_id": driver_id, "remote_start_id": number, "transaction_id": f"T{number}"}
        return self.template | ids | times | more

    async def browser(self, driver_id: UUID, phone: Phone, locale: str = "en") -> None:
        """Have a driver be told on a phone as well."""
        async with self.core.services.database.transaction() as session:
            driver = await session.get_one(Driver, driver_id)
            await browsers.subscribe(session, self.core.services, driver, phone.subscription, locale)

    async def messages(self) -> list[AdviceMessage]:
        """Return all messages."""
        async with self.core.services.database.transaction() as session:
            return list(await session.scalars(select(AdviceMessage).order_by(AdviceMessage.id)))


def text_of(mail: EmailMessage) -> str:
    """Return what a mail says, with ordinary spaces."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\u00a0", " ").replace("\r\n", "\n")


def calendar_in(mail: EmailMessage) -> str:
    """Return the calendar that goes with a mail, its long lines joined."""
    [file] = mail.iter_attachments()
    assert file.get_content_type() == "text/calendar"
    return str(file.get_content()).replace("\r\n", "\n").replace("\n ", "")


@asynccontextmanager
async def town(database: Database, **settings: Any) -> AsyncIterator[Town]:
    """Open the town on a furnished database, at the time of `AT`: 10:58 in the morning."""
    with mailbox() as (box, url):
        made = Settings(**({"smtp_url": url, "public_url": "https://konsento.test"} | settings))
        core = await wired(database, settings=made)
        mail.install(core.services)
        feeds_work.install(core.services, [advice_work.listener(core.services)])
        advice_work.install(core.services)
        source = await keep_forecast(core.services, [], FIXED)
        async with database.transaction() as session:
            await session.execute(update(Site).values(region=REGION))
        charging = await core.start()
        for event in whole_session(charging):
            await core.send(event)
        await core.work()
        async with database.transaction() as session:
            row = (await session.execute(select(ChargingSession.__table__))).mappings().one()
        yield Town(core, box, source, dict(row))
