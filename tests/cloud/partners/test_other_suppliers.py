"""The other suppliers of an outlet: their prices beside ours, the way to them, and drivers who come from them."""

import asyncio
import json
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from konsento.kit import handover
from konsento.kit.asking import LARGEST
from konsento.kit.handover import Handover, Wish
from konsento.models import PartnerKind, PartnerSite, Site
from konsento.partners import service as partners
from konsento.partners import work

from ..web.conftest import CODE, ORIGIN, OTHER_CODE
from .conftest import NAME, PARTNER_CODE, PlayedPartner, refreshed

if TYPE_CHECKING:
    from ..web.conftest import Bench

UNKNOWN = "Its prices are not known at the moment."


async def test_the_prices_of_the_others_stand_on_the_page_of_the_outlet_with_their_age(
    bench: Bench, partner: PlayedPartner
) -> None:
    await refreshed(bench)
    bench.clock.advance(timedelta(minutes=3))
    async with bench.browser() as browser:
        words = bench.words(await browser.get(f"/o/{CODE}"))
        there_not = bench.words(await browser.get(f"/o/{OTHER_CODE}"))

    assert "Other suppliers at this outlet Kaze Denki ¥34 / kWh Wind 11 g CO₂/kWh" in words
    assert "Kaze Denki: prices as of 3 min ago." in words
    assert "Kaze Denki" not in there_not, "it does not sell at the other outlet"
    assert partner.asked == [f"/api/v1/offers/{NAME}"]


async def test_a_page_never_waits_for_another_server(bench: Bench, partner: PlayedPartner) -> None:
    partner.silent = asyncio.Event()
    runner = asyncio.create_task(bench.services.work.run())
    async with bench.browser() as browser:
        began = monotonic()
        page = await browser.get(f"/o/{CODE}")
        took = monotonic() - began
    async with asyncio.timeout(10):
        await partner.was_asked.wait()
    partner.silent.set()
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)

    assert page.status_code == 200
    assert UNKNOWN in bench.words(page)
    assert took < 2


async def test_looking_has_what_is_not_new_asked_for_once(bench: Bench, partner: PlayedPartner) -> None:
    async with bench.browser() as browser:
        for _ in range(5):
            await browser.get(f"/o/{CODE}")
        await bench.services.work.drain()
        for _ in range(5):
            await browser.get(f"/o/{CODE}")
        await bench.services.work.drain()
        assert len(partner.asked) == 1
        bench.clock.advance(timedelta(minutes=2))
        partner.per_kwh = "36.5"
        await browser.get(f"/o/{CODE}")
        await bench.services.work.drain()
        words = bench.words(await browser.get(f"/o/{CODE}"))

    assert len(partner.asked) == 2
    assert "Kaze Denki ¥36.50 / kWh" in words


async def test_prices_are_asked_for_again_and_again_without_anybody_looking(
    bench: Bench, partner: PlayedPartner
) -> None:
    await work.begin(bench.services)
    await bench.services.work.drain()
    assert len(partner.asked) == 1
    bench.clock.advance(timedelta(seconds=work.EVERY_S + 1))
    await bench.services.work.drain()
    assert len(partner.asked) == 2


async def test_a_partner_that_is_down_keeps_its_last_prices_for_half_an_hour_and_then_a_word(
    bench: Bench, partner: PlayedPartner
) -> None:
    await refreshed(bench)
    partner.status = 503
    bench.clock.advance(timedelta(minutes=29))
    link = await refreshed(bench)
    async with bench.browser() as browser:
        before = bench.words(await browser.get(f"/o/{CODE}"))
        bench.clock.advance(timedelta(minutes=2))
        after = await browser.get(f"/o/{CODE}")
        way = await browser.get(f"/o/{CODE}/suppliers/{partner.id}?offer=wind")

    assert link.problem == "Refused"
    assert "¥34 / kWh" in before
    assert "¥34 / kWh" not in bench.words(after)
    assert UNKNOWN in bench.words(after)
    assert after.status_code == 200
    assert way.status_code == 404
    assert "Choose another one." in bench.words(way)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"body": b"{}"}, "NotUnderstood"),
        ({"body": b"<html>"}, "NotUnderstood"),
        ({"body": b"{}", "headers": {"Content-Type": "text/html"}}, "NotUnderstood"),
        ({"body": b"[" + b" " * LARGEST + b"]"}, "TooLarge"),
        ({"body": b"{}", "headers": {"Location": "http://127.0.0.1/elsewhere"}, "status": 302}, "Refused"),
        ({"body": b"{}", "status": 500}, "Refused"),
    ],
)
async def test_an_answer_that_cannot_be_used_changes_nothing_that_is_shown(
    bench: Bench, partner: PlayedPartner, answer: dict[str, Any], problem: str
) -> None:
    good = await refreshed(bench)
    for name, value in answer.items():
        setattr(partner, name, value)
    link = await refreshed(bench)

    assert link.problem == problem
    assert (link.told, link.told_at) == (good.told, good.told_at)
    assert len(partner.asked) == 2, "redirects are not followed"


async def test_pages_that_are_another_servers_are_refused(bench: Bench, partner: PlayedPartner) -> None:
    told = partner.told()
    told["outlets"][0]["page"] = "https://evil.example/o/X"
    partner.body = json.dumps(told).encode()

    assert (await refreshed(bench)).problem == "NotUnderstood"


async def test_nothing_is_asked_within_the_network_of_the_server(bench: Bench, partner: PlayedPartner) -> None:
    bench.services.settings.partners_to_loopback = False

    assert (await refreshed(bench)).problem == "NotAllowed"
    assert partner.asked == []


async def test_without_a_common_name_nobody_is_asked(bench: Bench, partner: PlayedPartner) -> None:
    async with bench.services.database.transaction() as session:
        site = (await session.scalars(select(Site))).one()
        await partners.set_common_name(session, site, "")

    assert (await refreshed(bench)).problem == "NoName"
    assert partner.asked == []


async def test_a_server_that_does_not_know_the_site_is_left_out(bench: Bench, partner: PlayedPartner) -> None:
    partner.status = 404
    link = await refreshed(bench)
    async with bench.browser() as browser:
        words = bench.words(await browser.get(f"/o/{CODE}"))

    assert (link.problem, link.told) == ("", None)
    assert "Other suppliers" not in words


async def test_the_way_over_carries_what_was_chosen_and_leads_back(bench: Bench, partner: PlayedPartner) -> None:
    await refreshed(bench)
    async with bench.browser("ja") as browser:
        page = await browser.get(f"/o/{CODE}?kind=energy&amount=6&unit=kWh")
        path = f"/o/{CODE}/suppliers/{partner.id}?kind=energy&amp;amount=6&amp;unit=kWh&amp;offer=wind"
        assert f'href="{path}"' in page.text
        over = await browser.get(path.replace("&amp;", "&"))

    assert over.status_code == 303
    there = urlsplit(over.headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{partner.url}/o/{PARTNER_CODE}"
    query = parse_qs(there.query)
    assert query["lang"] == ["ja"]
    carried = Handover.read(
        query["via"][0], receiver=partner.url, key_of={ORIGIN: partner.key}.get, now=bench.clock.now()
    )
    assert carried.outlet == f"{NAME}.1"
    assert carried.back == f"{ORIGIN}/o/{CODE}"
    assert carried.wish == Wish(offer="wind", kind="energy", amount="6", unit="kWh")
    assert "ann" not in carried.model_dump_json()


def link(partner: PlayedPartner, bench: Bench, **changes: object) -> str:
    """Return a link of the partner for a driver who comes here."""
    said = Handover(
        sender=partner.url,
        receiver=ORIGIN,
        outlet=f"{NAME}.1",
        back=f"{partner.url}/o/{PARTNER_CODE}",
        wish=Wish(kind="time", amount="45"),
        expires=handover.expiry(bench.clock.now()),
    )
    return said.model_copy(update=changes).signed(partner.key)


async def test_a_driver_who_comes_over_finds_what_was_chosen_and_the_way_back(
    bench: Bench, partner: PlayedPartner
) -> None:
    via = link(partner, bench)
    async with bench.browser() as browser:
        page = await browser.get(f"/o/{CODE}?via={via}")
        again = await browser.get(f"/o/{CODE}?via={via}")
        choose = await browser.get(f"/o/{CODE}/choose?kind=time&amount=45")

    assert "You came from Kaze Denki. Here Sakura Energy starts and bills your charging." in bench.words(page)
    assert f'href="{partner.url}/o/{PARTNER_CODE}"' in page.text
    assert f'href="/o/{CODE}/choose?kind=time&amp;amount=45"' in page.text
    assert again.text == page.text
    assert 'value="45"' in choose.text
    assert not page.cookies


async def test_a_link_that_was_changed_or_is_not_for_here_shows_the_plain_page_with_a_sentence(
    bench: Bench, partner: PlayedPartner
) -> None:
    good = link(partner, bench)
    bad = [
        good[:-4] + "AAAA",
        "x",
        link(partner, bench, outlet=f"{NAME}.2"),
        link(partner, bench, receiver="https://other.example"),
        link(partner, bench, back="https://evil.example/"),
        Handover.model_validate(
            {
                "sender": "https://evil.example",
                "receiver": ORIGIN,
                "outlet": f"{NAME}.1",
                "back": "https://evil.example/",
                "expires": handover.expiry(bench.clock.now()),
            }
        ).signed(handover.new_key()),
    ]
    async with bench.browser() as browser:
        for via in bad:
            page = await browser.get(f"/o/{CODE}", params={"via": via})
            assert page.status_code == 200
            assert "was changed or is not for this outlet" in bench.words(page)
            assert "evil.example" not in page.text.replace(via, "")
            assert f'href="/o/{CODE}/choose"' in page.text


async def test_after_a_quarter_of_an_hour_only_the_way_back_is_left(bench: Bench, partner: PlayedPartner) -> None:
    via = link(partner, bench)
    bench.clock.advance(timedelta(minutes=16))
    async with bench.browser() as browser:
        page = await browser.get(f"/o/{CODE}", params={"via": via})

    assert "You came from Kaze Denki more than 15 minutes ago." in bench.words(page)
    assert f'href="{partner.url}/o/{PARTNER_CODE}"' in page.text
    assert f'href="/o/{CODE}/choose"' in page.text


async def test_a_partner_that_was_removed_sends_nobody_any_more(bench: Bench, partner: PlayedPartner) -> None:
    await refreshed(bench)
    via = link(partner, bench)
    async with bench.services.database.transaction() as session:
        await partners.remove(session, await partners.partner(session, partner.id))
    async with bench.browser() as browser:
        page = await browser.get(f"/o/{CODE}", params={"via": via})
        way = await browser.get(f"/o/{CODE}/suppliers/{partner.id}")
    await bench.services.work.drain()

    assert "was changed or is not for this outlet" in bench.words(page)
    assert "Kaze Denki" not in page.text
    assert way.status_code == 404
    async with bench.services.database.transaction() as session:
        assert list(await session.scalars(select(PartnerSite))) == []


async def test_a_portal_sends_drivers_and_sells_nothing(bench: Bench, partner: PlayedPartner) -> None:
    services = bench.services
    key = handover.new_key()
    async with services.database.transaction() as session:
        site = (await session.scalars(select(Site))).one()
        portal = await partners.add(
            session,
            services.settings,
            services.clock.now(),
            kind=PartnerKind.PORTAL,
            name="Setagaya Charging",
            base_url="http://localhost:9",
            key=key,
        )
        await partners.serve(session, portal, [site.id])
    via = Handover(
        sender="http://localhost:9",
        receiver=ORIGIN,
        outlet=f"{NAME}.1",
        back="http://localhost:9/o/K7F29Q",
        expires=handover.expiry(bench.clock.now()),
    ).signed(key)
    async with bench.browser() as browser:
        page = await browser.get(f"/o/{CODE}", params={"via": via})

    assert 'href="http://localhost:9/o/K7F29Q"' in page.text
    assert bench.words(page).count("Setagaya Charging") == 2, "the way back, and from where"
