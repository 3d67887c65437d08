"""Advice on a phone: encrypted, signed, replaced by what is newer, and not for browsers that are gone."""

import base64
import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import select

from konsento.advice import browsers
from konsento.advice.policy import Dropped
from konsento.models import AdviceBrowser, AdviceState, Driver
from konsento.notifications import push

from ..notifications.test_push import Phone
from .drivers import DAY, Town, at


async def known(town: Town) -> list[AdviceBrowser]:
    async with town.core.services.database.transaction() as session:
        return list(await session.scalars(select(AdviceBrowser)))


async def test_a_phone_shows_the_advice_in_its_language_and_the_newest_only(town: Town, phone: Phone) -> None:
    ann = await town.driver("ann", mail=False)
    await town.browser(ann, phone, "ja")
    async with town.core.services.database.transaction() as session:
        key = await push.public_key(session, town.core.services.settings)

    await town.evening(DAY)

    assert town.mails == []
    headers, message = phone.taken[0][0], phone.read()
    shown = message["notification"]
    assert message["web_push"] == 8030
    assert (shown["title"], shown["lang"]) == ("明日の充電におすすめ：8:00～16:00", "ja")
    assert (
        shown["body"].replace("\u00a0", "") == "8:00までに前回のコンセントに差し込むと、この時間に約24kWh充電できます。"
    )
    assert shown["navigate"].startswith("https://konsento.test/outlook?region=JP-A03&window=2026-11-22T23%3A00Z&m=")
    # Until an hour before the window ends: 19 hours from eight in the evening.
    assert (headers["TTL"], headers["Urgency"], headers["Topic"]) == (str(19 * 3600), "normal", "advice-2026-11-23")
    assert Vapid02.verify(headers["Authorization"])
    token, signed_with = headers["Authorization"].removeprefix("vapid t=").split(",k=")
    assert signed_with == key
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == phone.origin
    assert claims["exp"] - town.core.clock.now().timestamp() <= 24 * 3600

    await town.wait_until(at(6, 30, DAY))
    await town.decide(DAY, None)
    await town.wait_until(at(7, 0, DAY))

    assert phone.read()["notification"]["title"] == "取り消し：今日の充電におすすめの時間"
    assert phone.read()["notification"]["tag"] == shown["tag"] == phone.taken[1][0]["Topic"] == "advice-2026-11-23"


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_has_withdrawn_is_forgotten_and_the_mail_goes_all_the_same(
    town: Town, phone: Phone, status: int
) -> None:
    await town.browser(await town.driver("ann"), phone)
    phone.status = status

    await town.evening(DAY)

    assert await known(town) == []
    assert town.to == ["ann@example.com"]
    assert {(one.channel, one.state, one.reason) for one in await town.messages()} == {
        ("mail", AdviceState.SENT, ""),
        ("push", AdviceState.DROPPED, Dropped.GONE),
    }


async def test_a_push_service_that_is_down_is_tried_again_until_it_helps_nobody_any_more(
    town: Town, phone: Phone
) -> None:
    await town.browser(await town.driver("ann", mail=False), phone)
    phone.status = 503
    await town.evening(DAY)
    assert len(phone.taken) == 1

    phone.status = 201
    await town.wait_until(at(20, 5))
    assert len(phone.taken) == 2
    phone.status = 503
    await town.evening(DAY + timedelta(days=1))
    phone.status = 201
    await town.wait_until(at(15, 0, DAY + timedelta(days=1)))

    assert len(phone.taken) == 3
    assert [one.reason for one in await town.messages()] == ["", Dropped.OVER]


async def test_a_browser_asks_anew_and_stays_one_and_another_drivers_takes_its_place(town: Town, phone: Phone) -> None:
    ann, bob = await town.driver("ann", mail=False), await town.driver("bob", mail=False)
    await town.browser(ann, phone)
    [first] = await known(town)
    await town.browser(ann, phone, "ja")
    [again] = await known(town)
    assert (again.id, again.locale, again.driver_id) == (first.id, "ja", ann)

    await town.browser(bob, phone)
    [moved] = await known(town)

    assert moved.driver_id == bob
    await town.evening(DAY)
    assert len(phone.taken) == 1


@dataclass
class Further(Phone):
    """Another browser of the same service."""

    name: str = ""

    @property
    def subscription(self) -> push.Browser:
        mine = super().subscription
        return mine.model_copy(update={"endpoint": f"{self.origin}/send/{self.name}"})


async def test_the_sixth_browser_takes_the_place_of_the_oldest(town: Town, phone: Phone) -> None:
    ann = await town.driver("ann")
    for number in range(browsers.MOST + 1):
        await town.browser(ann, Further(phone.origin, name=str(number)))
        town.core.clock.advance(timedelta(minutes=1))

    assert sorted(one.endpoint[-1] for one in await known(town)) == ["1", "2", "3", "4", "5"]


async def test_notices_go_to_known_services_only(town: Town) -> None:
    ann = await town.driver("ann")
    async with town.core.services.database.transaction() as session:
        driver = await session.get_one(Driver, ann)
        stranger = Phone("http://127.0.0.1:1").subscription
        with pytest.raises(push.PushRefused):
            await browsers.subscribe(session, town.core.services, driver, stranger, "en")
