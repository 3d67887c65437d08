"""A day from its decision to what drivers read of it: who is told, when, and what."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from konsento.advice import choices, messages
from konsento.advice.policy import Dropped
from konsento.models import AdviceChoice, AdviceState, Driver, DriverKind, GridRegion, SessionState, Site, Tariff
from konsento.rewards import making
from konsento.rewards.making import WantedRule

from ..following import WINDOWS
from ..recommended import REGION
from .counting import counts
from .drivers import DAY, TODAY, Town, at, calendar_in, text_of

ONE = timedelta(days=1)


async def token_in(town: Town, number: int = -1) -> str:
    return text_of(town.mails[number]).split("&m=")[1].split()[0]


async def test_a_decided_day_is_told_at_eight_in_the_evening_with_all_that_a_driver_needs(town: Town) -> None:
    await town.driver("ann")
    await town.decide()
    await town.wait_until(at(19, 59))
    assert town.mails == []

    await town.wait_until(at(20))

    [mail] = town.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.com", "A good time to charge tomorrow: 08:00–16:00")
    text = text_of(mail)
    assert text.startswith("23 Nov 2026, 08:00–16:00 (time in Tokyo).\n")
    assert "Forecast for Tokyo: up to 40% of the power generated comes from sun and wind, and up to 10% more" in text
    assert "Plug in before 08:00 where you charged last, and about 24 kWh fits into this time." in text
    assert "This is a forecast." in text
    assert "https://konsento.test/outlook?region=JP-A03&window=2026-11-22T23%3A00Z&m=" in text
    [off] = [line for line in text.splitlines() if "/advice/off/" in line]
    assert mail["List-Unsubscribe"] == f"<{off}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "STATUS:CONFIRMED" in calendar_in(mail)
    assert "DTSTART:20261122T230000Z\nDTEND:20261123T070000Z" in calendar_in(mail)


async def test_it_is_told_in_the_drivers_language(town: Town) -> None:
    await town.driver("ann", locale="ja")
    await town.evening(DAY)

    [mail] = town.mails
    assert mail["Subject"] == "明日の充電におすすめ：8:00～16:00"
    text = text_of(mail)
    assert text.startswith("2026/11/23 8:00～16:00（東京の時刻）\n")
    assert "東京の予測：発電量の最大40%が太陽光と風力で、発電量は需要を最大10%上回ります。" in text
    assert "8:00までに前回のコンセントに差し込むと、この時間に約24kWh充電できます。" in text.replace(" kWh", "kWh")
    assert "SUMMARY:充電におすすめ：東京（予測）" in calendar_in(mail)


async def test_a_lower_price_and_points_in_the_windows_are_told_and_nothing_where_there_are_none(town: Town) -> None:
    async with town.core.services.database.transaction() as session:
        await session.execute(update(Tariff).values(follows=WINDOWS.to_dict()))
        wanted = WantedRule(points_per_kwh=Decimal(5), valid_from=at(9), in_windows=True)
        await making.make_rule(session, wanted, at(9))
    await town.driver("ann")
    await town.driver("bob", locale="ja")
    await town.evening(DAY)

    english, japanese = sorted(map(text_of, town.mails), key=str.isascii, reverse=True)
    assert "Charging that begins then costs from ¥2,000 per kWh there, at other times up to ¥3,850." in english
    assert "You get 5 eco points more per kWh in recommended hours." in english
    assert "この時間に始める充電は1kWhあたり2,000円から、ほかの時間は最大3,850円です。" in japanese
    assert "特典：" in japanese


async def test_a_day_without_windows_and_one_without_data_are_not_worth_a_word(town: Town) -> None:
    await town.driver("ann")
    await town.evening(DAY, None)

    assert town.mails == []


async def test_data_that_come_late_are_still_told_that_evening_once(town: Town) -> None:
    await town.driver("ann")
    await town.evening(DAY, None)
    await town.wait_until(at(20, 30))
    await town.decide()
    await town.decide()

    assert town.to == ["ann@example.com"]


async def test_where_a_day_is_forecast_no_sooner_than_on_its_morning_it_is_told_then_once(town: Town) -> None:
    await town.driver("ann")
    await town.wait_until(at(6, 30, DAY))
    await town.decide()
    await town.wait_until(at(6, 59, DAY))
    assert town.mails == []

    await town.wait_until(at(7, 0, DAY))
    await town.decide()

    assert town.subjects == ["A good time to charge today: 08:00–16:00"]
    await town.wait_until(at(12, 0, DAY))
    await town.evening(DAY + ONE)
    # That was today's: one a day.
    assert len(town.mails) == 1


async def test_what_is_found_in_the_morning_of_a_day_that_had_nothing_is_not_told(town: Town) -> None:
    await town.driver("ann")
    await town.evening(DAY, None)
    await town.wait_until(at(6, 30, DAY))
    await town.decide(DAY, (9, 15))
    await town.wait_until(at(12, 0, DAY))

    assert town.mails == []


async def test_nobody_is_told_who_did_not_want_it_or_should_not_be_told(town: Town) -> None:
    await town.driver("wants-nothing", mail=False)
    await town.driver("charged-today", charged=at(9))
    await town.driver("charged-long-ago", charged=at(9) - timedelta(days=91))
    gone = {
        await town.driver("paused"): update(AdviceChoice).values(paused_until=at(21, 0, DAY)),
        await town.driver("stopped"): update(AdviceChoice).values(stopped_at=at(9)),
    }
    others = {
        await town.driver("guest"): {"kind": DriverKind.GUEST},
        await town.driver("unconfirmed"): {"kind": DriverKind.UNCONFIRMED},
        await town.driver("of-nobody-knows-whom"): {"email_verified_at": None},
    }
    failed = await town.driver("never-charged", charged=at(9) - timedelta(days=91))
    await town.charged(failed, at(9) - 3 * ONE, state=SessionState.FAILED)
    async with town.core.services.database.transaction() as session:
        for driver_id, change in gone.items():
            await session.execute(change.where(AdviceChoice.driver_id == driver_id))
        for driver_id, values in others.items():
            await session.execute(update(Driver).where(Driver.id == driver_id).values(**values))
    await town.driver("ann")

    await town.evening(DAY)

    assert town.to == ["ann@example.com"]
    assert len(await town.messages()) == 1


async def test_nobody_is_told_where_the_operator_does_not_advise(town: Town) -> None:
    await town.driver("ann")
    await town.decide()
    async with town.core.services.database.transaction() as session:
        await session.execute(update(GridRegion).values(advises=False))
    await town.wait_until(at(20))

    assert town.mails == []


async def test_a_driver_of_two_regions_is_told_of_the_one_with_more_sessions(town: Town) -> None:
    async with town.core.services.database.transaction() as session:
        site = await session.get_one(Site, town.template["site_id"])
        other = Site(**{name: getattr(site, name) for name in ("password_hash", "name", "time_zone")})
        other.id, other.station_id, other.region = site.id.__class__(int=1), "other", None
        region = await session.get_one(GridRegion, REGION)
        session.add(GridRegion(code="JP-A06", name_en="Kansai", time_zone="Asia/Tokyo", rule=region.rule, advises=True))
        await session.flush()
        other.region = "JP-A06"
        session.add(other)
    here, there = await town.driver("here"), await town.driver("there")
    for driver_id, elsewhere in ((here, 1), (there, 2)):
        for days in range(elsewhere):
            await town.charged(driver_id, at(9) - timedelta(days=9 + days), site_id=other.id)
    await town.charged(here, at(9) - timedelta(days=20))

    await town.evening(DAY)

    assert town.to == ["here@example.com"]


async def test_a_driver_is_told_three_times_in_seven_days_at_most(town: Town) -> None:
    ann = await town.driver("ann")
    told: list[int] = []
    for number in range(11):
        before = len(town.mails)
        await town.evening(DAY + number * ONE)
        told += [number] * (len(town.mails) - before)
        async with town.core.services.database.transaction() as session:
            await messages.opened(session, await token_in(town), town.core.clock.now())

    assert told == [0, 1, 2, 7, 8, 9]
    assert town.to == ["ann@example.com"] * 6
    assert {one.driver_id for one in await town.messages()} == {ann}


async def test_who_follows_none_of_five_is_told_so_once_and_then_nothing_until_they_want_it_again(town: Town) -> None:
    ann = await town.driver("ann")
    for number in range(0, 21, 3):
        await town.evening(DAY + number * ONE)

    assert [mail["Subject"] for mail in town.mails][5:] == ["We stop advising you when to charge"]
    assert "You have followed none of the last 5" in text_of(town.mails[-1])
    assert "https://konsento.test/account/advice" in text_of(town.mails[-1])

    async with town.core.services.database.transaction() as session:
        await choices.resume(session, ann, town.core.clock.now())
    await town.evening(DAY + 24 * ONE)
    assert len(town.mails) == 7


@pytest.mark.parametrize("how", ["opened", "acted", "charged"])
async def test_who_follows_one_of_them_is_told_on(town: Town, how: str) -> None:
    ann = await town.driver("ann")
    for number in range(0, 21, 3):
        day = DAY + number * ONE
        await town.evening(day)
        if number != 9:
            continue
        async with town.core.services.database.transaction() as session:
            if how == "opened":
                await messages.opened(session, await token_in(town), town.core.clock.now())
            elif how == "acted":
                await messages.acted(session, ann, REGION, town.core.clock.now())
        if how == "charged":
            await town.charged(ann, at(15, 30, day))

    assert len(town.mails) == 7
    assert all("good time" in mail["Subject"] for mail in town.mails)


@pytest.mark.parametrize(
    ("sun", "subject"),
    [
        ((8, 16), None),
        ((9, 16), "Changed: a good time to charge today is 09:00–16:00"),
        ((10, 18), "Changed: a good time to charge today is 10:00–18:00"),
        (None, "Withdrawn: the good time to charge today"),
    ],
)
async def test_in_the_morning_only_what_has_changed_is_told_after_the_quiet_hours(
    town: Town, sun: tuple[int, int] | None, subject: str | None
) -> None:
    await town.driver("ann")
    await town.driver("early", quiet_until=6 * 60)
    await town.evening(DAY)
    await town.wait_until(at(6, 30, DAY))
    await town.decide(DAY, sun)
    await town.driver("new")

    await town.wait_until(at(6, 45, DAY))
    early = [str(mail["To"]) for mail in town.mails[2:]]
    await town.wait_until(at(7, 0, DAY))
    await town.wait_until(at(12, 0, DAY))

    later = town.mails[2:]
    if subject is None:
        assert later == []
        return
    assert early == ["early@example.com"]
    assert [(str(mail["To"]), mail["Subject"]) for mail in later] == [
        ("early@example.com", subject), ("ann@example.com", subject)
    ]  # fmt: skip
    assert "08:00–16:00" in text_of(later[0])
    assert f"STATUS:{'CONFIRMED' if sun else 'CANCELLED'}" in calendar_in(later[0])
    assert "UID:JP-A03-2026-11-23-1@konsento.test\nSEQUENCE:1\n" in calendar_in(later[0])


async def test_a_correction_is_no_advice_of_its_own(town: Town) -> None:
    await town.driver("ann")
    await town.evening(DAY)
    await town.wait_until(at(6, 30, DAY))
    await town.decide(DAY, (10, 16))
    await town.wait_until(at(7, 30, DAY))
    await town.decide(DAY, None)
    await town.wait_until(at(7, 45, DAY))
    await town.evening(DAY + ONE)

    # The second change of a morning is told nobody: at most one correction.
    assert [mail["Subject"].split(":")[0] for mail in town.mails] == [
        "A good time to charge tomorrow", "Changed", "A good time to charge tomorrow"
    ]  # fmt: skip


async def test_what_would_come_in_quiet_hours_waits_for_their_end_and_tells_what_is_true_then(town: Town) -> None:
    await town.driver("ann", quiet_from=19 * 60, quiet_until=7 * 60 + 30)
    await town.evening(DAY)
    assert town.mails == []
    await town.wait_until(at(6, 30, DAY))
    await town.decide(DAY, (10, 16))
    await town.wait_until(at(7, 29, DAY))
    assert town.mails == []

    await town.wait_until(at(7, 30, DAY))

    assert town.subjects == ["A good time to charge today: 10:00–16:00"]
    await town.wait_until(at(12, 0, DAY))
    assert len(town.mails) == 1


async def test_what_was_withdrawn_or_is_off_while_it_waited_is_not_told(town: Town) -> None:
    late: dict[str, Any] = {"quiet_from": 19 * 60, "quiet_until": 7 * 60 + 30}
    off = await town.driver("off", **late)
    charged = await town.driver("charged", **late)
    await town.driver("ann", quiet_from=19 * 60, quiet_until=7 * 60 + 40)
    await town.evening(DAY)
    async with town.core.services.database.transaction() as session:
        await choices.turn_off(session, off)
    await town.charged(charged, at(22))
    await town.wait_until(at(7, 30, DAY))
    await town.decide(DAY, None)
    await town.wait_until(at(7, 40, DAY))

    assert town.mails == []
    left = [(one.state, one.reason) for one in await town.messages()]
    assert left == [(AdviceState.DROPPED, why) for why in (Dropped.OFF, Dropped.CHARGED, Dropped.WITHDRAWN)]


async def test_nobody_is_woken_for_a_window_that_is_over_when_the_quiet_hours_end(town: Town) -> None:
    await town.driver("sleeps-long", quiet_from=19 * 60, quiet_until=15 * 60 + 30)
    await town.driver("sleeps-less", quiet_from=19 * 60, quiet_until=14 * 60)
    await town.evening(DAY)
    await town.wait_until(at(14, 0, DAY))
    await town.wait_until(at(15, 30, DAY))

    assert town.to == ["sleeps-less@example.com"]
    assert "Plug in now where you charged last, and about 6 kWh still fits into this time." in text_of(town.mails[0])


async def test_what_became_of_messages_is_counted(town: Town) -> None:
    ann = await town.driver("ann")
    await town.driver("bob")
    await town.evening(DAY)
    async with town.core.services.database.transaction() as session:
        now = town.core.clock.now()
        assert await messages.opened(session, await token_in(town), now)
        assert not await messages.opened(session, "A" * 44, now)
        assert not await messages.opened(session, "é", now)
        await messages.acted(session, ann, REGION, now)
        [counted] = await counts(session, TODAY, DAY + ONE)
        assert await counts(session, TODAY, DAY) == []

    assert (counted.sent, counted.opened, counted.acted, counted.dropped, counted.queued) == (2, 1, 1, 0, 0)


async def test_what_was_told_long_ago_is_forgotten(town: Town) -> None:
    await town.driver("ann")
    await town.evening(DAY)
    assert len(await town.messages()) == 1
    async with town.core.services.database.transaction() as session:
        await messages.forget_old(session, town.core.clock.now() + messages.KEPT + ONE)

    assert await town.messages() == []
