"""A day as everybody lives it: from an operator's file through mails and notices to what was charged in its windows.

Every number is computed by hand here. Only the clock, the site and the car are played: the file, the mail server, the
push service and the pages are real.
"""

import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import select

from konsento import provisioning
from konsento.advice import sites
from konsento.advice import work as advice_work
from konsento.feeds import work as feeds_work
from konsento.grid.decisions import last_decision, recompute
from konsento.models import ChargingSession, Driver, PlannedCharge, SessionState, WindowShare
from konsento.ocpp.messages import DataTransfer, RequestStartTransaction
from konsento.rewards import making
from konsento.rewards.making import WantedRule
from konsento.settings import Settings

from ..conftest import PROVISIONING
from ..databases import Template
from ..grid.files import SLOTS, Balance, area_file
from ..notifications.test_mail import Mailbox
from ..notifications.test_push import Phone
from ..web.conftest import ORIGIN, Bench, quick_passwords, template, wired
from ..web.mails import link_in
from .counting import counts
from .drivers import mailbox, text_of

__all__ = ["quick_passwords", "template"]

REGION = "JP-A02"
JAPAN = ZoneInfo("Asia/Tokyo")
DAY = date(2026, 11, 24)
BEFORE = DAY - timedelta(days=1)
EMAIL = "hanako.suzuki@example.com"
GRID = f"""
[[regions]]
code = "{REGION}"
advises = true

[regions.rule]
reference = {{ mode = "percent", value = 5 }}
threshold = {{ unit = "share", value = 30 }}

[[sources]]
name = "Tohoku, tomorrow"
format = "jp_area"
region = "{REGION}"
folder = "tohoku"
"""


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """Return a moment by Japan's clock."""
    return datetime.combine(day, time(hour, minute), JAPAN).astimezone(UTC)


def forecast() -> list[Balance]:
    """Return what Tohoku's operator forecasts.

    Most of the day supply is 10 % below demand, with 10 % of sun and wind in it. From 9:00 to 14:00 it is 6 % above
    demand, and half of it is sun and wind; the slot from 11:00 fails by its surplus (4 %), and ends no window. From
    18:00 there is a surplus without sun or wind, from 20:00 much wind without a surplus: neither is a window.
    """
    usual, good, gap = (4_000_000, 3_600_000, 360_000), (4_000_000, 4_240_000, 2_120_000), (4_000_000, 4_160_000, 2e6)
    dark, windy = (4_000_000, 4_400_000, 440_000), (4_000_000, 3_800_000, 1_900_000)
    hours = {range(18, 22): good, range(22, 23): gap, range(23, 28): good, range(36, 40): dark, range(40, 46): windy}
    return [next((value for slots, value in hours.items() if slot in slots), usual) for slot in range(SLOTS)]


@dataclass
class Day:
    """Everything around a driver."""

    bench: Bench
    phone: Phone
    box: Mailbox
    folder: Path

    @property
    def mails(self) -> list[EmailMessage]:
        return self.box.mails

    async def until(self, moment: datetime) -> None:
        """Let it become that time, and have done what is due."""
        self.bench.clock.advance(moment - self.bench.clock.now())
        await self.bench.services.work.drain()

    async def drop(self, values: list[Balance]) -> None:
        """Drop a file into the source's folder, as the operator's program does, and let a look be taken."""
        sample = area_file("tohoku", DAY, values)
        path = self.folder / "tohoku" / sample.name
        path.write_bytes(sample.content)
        os.utime(path, (0, 0))
        await self.until(self.bench.clock.now() + timedelta(seconds=feeds_work.FOLDER_S))

    def told_site(self) -> list[Any]:
        """Return what the site was told about windows."""
        asked = [one for one in self.bench.site.asked if isinstance(one, DataTransfer)]
        return [one.data for one in asked if one.message_id == sites.MESSAGE]

    async def told(self) -> tuple[int, int, int]:
        """Return how many messages about the day were sent, opened and acted on."""
        async with self.bench.services.database.transaction() as session:
            found = await counts(session, DAY, DAY + timedelta(days=1))
        return sum(one.sent for one in found), sum(one.opened for one in found), sum(one.acted for one in found)


@pytest.fixture
async def day(template: Template, tmp_path: Path, phone: Phone) -> AsyncIterator[Day]:
    """A server with a site in Tohoku, whose windows earn five points per kWh."""
    folder = tmp_path / "feeds"
    async with template.copied(tmp_path) as url:
        with mailbox() as (box, smtp):
            settings = Settings(
                database_url=url,
                public_url=ORIGIN,
                smtp_url=smtp,
                push_services=phone.origin,
                feeds_folder=folder,
                welcome_credit_minor=3000,
            )
            async with wired(settings) as bench:
                there = PROVISIONING.replace('"3850"', '"38.5"').replace(
                    'time_zone = "Asia/Tokyo"', f'time_zone = "Asia/Tokyo"\nregion = "{REGION}"'
                )
                now = bench.clock.now()
                async with bench.services.database.transaction() as session:
                    await provisioning.apply(session, provisioning.parse(GRID + there), settings, now)
                    rule = WantedRule(points_per_kwh=Decimal(5), in_windows=True, valid_from=now)
                    await making.make_rule(session, rule, now)
                await feeds_work.begin(bench.services)
                await advice_work.begin(bench.services)
                await bench.services.work.drain()
                yield Day(bench, phone, box, folder)


async def charges_once(day: Day, browser: httpx.AsyncClient) -> None:
    """Have the driver charge as usual, long before."""
    await day.bench.start(browser)
    await day.bench.site.charges()


async def wants_advice(day: Day, browser: httpx.AsyncClient) -> None:
    """Have the driver confirm the address and want mails, and notices on the phone."""
    await browser.post(link_in(day.mails[-1]))
    saved = await browser.post("/account/advice", data={"mail": "true", "quiet_from": "21:00", "quiet_until": "07:00"})
    assert saved.headers["location"] == "/account/advice?done=saved"
    subscribed = await browser.post("/account/advice/push", json=day.phone.subscription.model_dump())
    assert subscribed.json() == {"told": True}


def tap(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return where the first form that starts something goes, and what it sends."""
    found = re.search(r'<form[^>]* method="post" action="(/o/[^"]*)"[^>]*>(.*?)</form>', answer.text, flags=re.DOTALL)
    assert found is not None, answer.text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found[2])
    return found[1], {name: unescape(value) for name, value in hidden}


async def test_a_file_becomes_a_mail_a_tap_a_session_and_points(day: Day) -> None:
    bench = day.bench
    async with bench.driver(EMAIL) as browser:
        await bench.services.work.drain()
        await wants_advice(day, browser)
        await charges_once(day, browser)
        day.mails.clear()
        bench.site.asked.clear()

        # In the afternoon before, the file comes, and the site is told at once.
        await day.until(at(17, 30, BEFORE))
        await day.drop(forecast())
        assert [path.name for path in (day.folder / "tohoku" / "done").iterdir()] == ["area_tso_yosoku_20261124.csv"]
        window = {"start": at(9).isoformat(), "end": at(14).isoformat()}
        assert day.told_site()[-1]["windows"] == [window]
        async with bench.services.database.transaction() as session:
            decision = await last_decision(session, REGION, DAY)
        assert decision is not None
        assert [(one.begin, one.end) for one in recompute(decision).windows] == [(at(9), at(14))]

        # At eight in the evening the driver is told, by mail and on the phone.
        await day.until(at(19, 59, BEFORE))
        assert (day.mails, day.phone.taken) == ([], [])
        await day.until(at(20, 0, BEFORE))
        (mail,) = day.mails
        assert (mail["To"], mail["Subject"]) == (EMAIL, "A good time to charge tomorrow: 09:00–14:00")
        assert "up to 50% of the power generated comes from sun and wind, and up to 6% more" in text_of(mail)
        # Five hours of 3 kW.
        assert "Plug in before 09:00 where you charged last, and about 15 kWh fits into this time." in text_of(mail)
        assert "You get 5 eco points more per kWh in recommended hours." in text_of(mail)
        ((headers, _),) = day.phone.taken
        assert Vapid02.verify(headers["Authorization"])
        shown = day.phone.read()["notification"]
        assert shown["title"] == "A good time to charge tomorrow: 09:00–14:00"
        assert shown["navigate"].startswith(f"{ORIGIN}/outlook?region={REGION}&window=2026-11-24T00%3A00Z&m=")
        assert await day.told() == (2, 0, 0)

        # The mail's link opens the outlook, whose one tap plans it.
        (link,) = re.findall(rf"{ORIGIN}(/outlook\S+)", text_of(mail))
        outlook = await browser.get(link, follow_redirects=True)
        assert "Plug in before 09:00, and about 15 kWh of it fits." in bench.words(outlook)
        assert await day.told() == (2, 1, 0)
        action, sent = tap(outlook)
        planned = await browser.post(action, data=sent)
        assert planned.headers["location"].startswith("/planned/"), bench.words(planned)
        promised = await browser.get(planned.headers["location"])
        assert "It starts by itself. Tomorrow 09:00–14:00" in bench.words(promised)
        assert await day.told() == (2, 1, 2)

        # In the morning nothing has changed, so nothing is told; in the window it starts by itself.
        await day.until(at(8, 59))
        assert len(day.mails) == len(day.phone.taken) == 1
        assert not any(isinstance(one, RequestStartTransaction) for one in bench.site.asked)
        async with bench.services.database.transaction() as session:
            plan = await session.scalar(select(PlannedCharge))
        assert plan is not None
        assert at(9) <= plan.start_at <= at(9, 10)
        await day.until(plan.start_at.replace(microsecond=0) + timedelta(seconds=1))
        assert [type(one) for one in bench.site.asked].count(RequestStartTransaction) == 1

        # Until the window ends 12 kWh flow, and three more in the hour after it.
        begun = bench.clock.now()
        inside_s = int((at(14) - begun).total_seconds())
        await bench.site.reports("0")
        await bench.site.reports("12000", seconds=inside_s)
        await bench.site.reports("15000", watts=0, seconds=inside_s + 3600, ended="EnergyLimitReached")
        await bench.services.work.drain()
        await day.until(bench.clock.now() + timedelta(minutes=10))
        receipt = bench.words(await browser.get(f"/s/{plan.session_id}"))

        async with bench.services.database.transaction() as session:
            charged = await session.get_one(ChargingSession, plan.session_id)
            share = await session.get_one(WindowShare, plan.session_id)
            (driver_id,) = await session.scalars(select(Driver.id))
        assert charged.state is SessionState.SETTLED
        assert (share.mwh, share.inside_mwh, share.had_windows) == (15_000_000, 12_000_000, True)
        assert "You have earned 60 points." in receipt, receipt  # five for each of 12 kWh
        # 15 kWh at ¥38.50 are ¥577.50; what is less than a yen is not charged.
        assert "¥577" in receipt, receipt

        # Nothing of the driver has reached the site.
        told = b"\n".join(msgspec.json.encode(one) for one in bench.site.asked)
        assert all(datum not in told for datum in (EMAIL.encode(), b"Ann Example", str(driver_id).encode()))
