"""Nothing of a driver is in what leaves the management server, so nothing of one can be in what is exported further on.

The proof is that of non-interference: two worlds that differ in every personal datum give the site, byte for byte, the
same requests. Measurements are made of these and of the meter alone (tests/site searches the site's own bytes).
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from konsento.charging.site_messages import SETTLED_S
from konsento.models import PlannedCharge
from konsento.settings import Settings

from ..databases import Template
from ..forecasts import forecast_two_days
from ..web.conftest import AT, CODE, ORIGIN, PASSWORD, Bench, quick_passwords, template, wired
from ..web.mails import follow_newest

__all__ = ["quick_passwords", "template"]

WORDS = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Zs"]), min_size=1, max_size=30).filter(str.strip)


@dataclass(frozen=True)
class Person:
    """Everything that a driver tells."""

    email: str
    name: str
    phone: str
    address: str
    language: str
    guest: bool


PEOPLE = st.builds(
    Person,
    email=st.from_regex(r"[a-z]{3,12}@example\.(com|org)", fullmatch=True),
    name=WORDS,
    phone=st.from_regex(r"\+81[1-9][0-9]{8}", fullmatch=True),
    address=WORDS,
    language=st.sampled_from(["en", "ja"]),
    guest=st.booleans(),
)


async def requests_about(person: Person, template: Template, folder: Path) -> bytes:
    """Return all that the site is asked while a person charges and stops."""
    async with (
        template.copied(folder) as url,
        wired(Settings(database_url=url, public_url=ORIGIN, welcome_credit_minor=3000, fake_payments=True)) as bench,
        bench.browser(person.language) as browser,
    ):
        await _arrive(bench, browser, person)
        asked = {"kind": "energy", "amount": "10", "unit": "Wh", "provider": "fake"}
        answer = await browser.post(f"/o/{CODE}/start", data=asked)
        assert answer.status_code == 303, bench.words(answer)
        await bench.site.reports("0")
        await browser.post(f"{answer.headers['location']}/stop")
        return b"\n".join(msgspec.json.encode(request) for request in bench.site.asked)


async def _arrive(bench: Bench, browser: httpx.AsyncClient, person: Person) -> None:
    path = "/guest" if person.guest else "/signup"
    told = {"email": person.email, "phone": person.phone}
    if not person.guest:
        told |= {"name": person.name, "address": person.address, "password": PASSWORD}
    answer = await browser.post(path, data=told)
    assert answer.status_code == 303, bench.words(answer)


@pytest.mark.usefixtures("quick_passwords")
@settings(max_examples=12, deadline=None)
@given(one=PEOPLE, other=PEOPLE)
def test_the_site_is_asked_the_same_whoever_the_driver_is(template: Template, one: Person, other: Person) -> None:
    # The two random values of a start, which are nobody's: the same in both worlds.
    same = (
        mock.patch("konsento.charging.service.secrets.randbelow", return_value=41),
        mock.patch("konsento.charging.service.new_token", return_value="A" * 20),
    )
    with same[0], same[1], TemporaryDirectory() as folder:
        found = [asyncio.run(requests_about(person, template, Path(folder))) for person in (one, other)]

    assert found[0] == found[1]
    assert b'"powerType"' in found[0]
    for person in (one, other):
        for datum in (person.email, person.phone):
            assert datum.encode() not in found[0]


async def requests_about_advised(person: Person, template: Template, folder: Path) -> bytes:
    """Return all that the site is asked while a person is advised, plans, and is supplied in a recommended time."""
    mails = folder / person.email
    settings = Settings(database_url="", public_url=ORIGIN, welcome_credit_minor=3000, mail_folder=mails)
    async with (
        template.copied(folder) as url,
        wired(settings.model_copy(update={"database_url": url})) as bench,
        bench.browser(person.language) as browser,
    ):
        await forecast_two_days(bench.services)
        await _arrive(bench, browser, person)
        await follow_newest(bench, browser)
        chosen = await browser.post(
            "/account/advice", data={"mail": "true", "quiet_from": "21:00", "quiet_until": "07:00"}
        )
        assert chosen.headers["location"].endswith("?done=saved"), bench.words(chosen)
        window = (AT + timedelta(hours=21, minutes=2)).isoformat()
        wish = {"kind": "energy", "amount": "10", "unit": "Wh", "window": window}
        answer = await browser.post(f"/o/{CODE}/start", data=wish)
        assert answer.headers["location"].startswith("/planned/"), bench.words(answer)
        await bench.site.connect()
        bench.clock.advance(timedelta(seconds=SETTLED_S))
        await bench.services.work.drain()
        async with bench.services.database.transaction() as session:
            plan = await session.scalar(select(PlannedCharge))
        assert plan is not None
        bench.clock.advance(plan.start_at - bench.clock.now())
        await bench.services.work.drain()
        await bench.site.charges()
        return b"\n".join(msgspec.json.encode(request) for request in bench.site.asked)


@pytest.mark.usefixtures("quick_passwords")
def test_the_site_is_asked_the_same_whoever_is_advised(template: Template, tmp_path: Path) -> None:
    people = (
        Person("ann@example.com", "Ann Example", "+81312345678", "1-2 Setagaya", "en", guest=False),
        Person("hanako@example.org", "鈴木花子", "+81698765432", "仙台市青葉区", "ja", guest=False),
    )
    same = (
        mock.patch("konsento.charging.service.secrets.randbelow", return_value=41),
        mock.patch("konsento.charging.service.new_token", return_value="A" * 20),
    )
    with same[0], same[1]:
        found = [asyncio.run(requests_about_advised(person, template, tmp_path)) for person in people]

    assert found[0] == found[1]
    assert b'"RecommendedWindows"' in found[0]
    assert b'"powerType"' in found[0]
