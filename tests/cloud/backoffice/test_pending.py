"""Unknown stations in the back office: who waits, what is said of them, and what the operator makes of them."""

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from konsento.models import PendingStation, Role, SecurityProfile, Site
from konsento.ocpp import StationOffline
from konsento.ocpp.messages import TriggerMessage
from konsento.settings import UnknownStations
from konsento.sites import pending

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

FORM = {"name": "Harbour", "place": "Pier 3", "time_zone": "Asia/Tokyo"}


async def waiting(office: Office, station_id: str = "Acme:0001") -> str:
    """Have a station wait; returns its number in addresses."""
    services = office.bench.services
    await pending.knock(
        services.database,
        services.clock.now(),
        station_id,
        password="brought-by-the-charger",
        names=(),
        encrypted=True,
        address="203.0.113.7",
    )
    about = pending.About(version="ocpp2.0.1", vendor="Acme <&> Co", model="Q1", serial="4711", firmware="9.1")
    async with services.database.transaction() as session:
        await pending.booted(session, services.clock.now(), station_id, about)
        query = select(PendingStation.id).where(PendingStation.station_id == station_id)
        return str((await session.scalars(query)).one())


def heard(office: Office, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Remember what stations are asked; none answers."""
    asked: list[tuple[str, Any]] = []

    async def call(station_id: str, request: Any, *, timeout_s: float = 30) -> Any:
        asked.append((station_id, request))
        raise StationOffline(station_id, "TriggerMessage")

    monkeypatch.setattr(office.bench.services.router, "call", call)
    return asked


async def test_the_operator_sees_who_waits_and_what_it_says_of_itself(office: Office) -> None:
    office.bench.services.settings.ocpp_unknown = UnknownStations.HOLD
    number = await waiting(office)
    async with office.member(Role.OPERATOR) as browser:
        sites = (await browser.get("/office/sites")).text
        listed = (await browser.get("/office/pending")).text
        shown = (await browser.get(f"/office/pending/{number}")).text
    assert "wait to be accepted: 1" in sites
    assert "KONSENTO_OCPP_UNKNOWN" not in listed
    for what in ("Acme:0001", "Acme &lt;&amp;&gt; Co", "4711", "203.0.113.7", "ocpp2.0.1"):
        assert what in listed, what
        assert what in shown, what
    assert "9.1" in shown
    assert "2: password over TLS" in shown


async def test_the_page_says_that_unknown_stations_are_refused_where_they_are(office: Office) -> None:
    async with office.member(Role.VIEWER) as browser:
        listed = (await browser.get("/office/pending")).text
    assert "KONSENTO_OCPP_UNKNOWN=hold" in listed
    assert "No unknown station waits." in listed


async def test_accepting_one_makes_a_site_and_tells_it_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = heard(office, monkeypatch)
    number = await waiting(office)
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(f"/office/pending/{number}/accept", data=FORM)
        again = await browser.post(f"/office/pending/{number}/accept", data=FORM)
        page = await browser.get(answer.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/office/sites/Acme:0001")
    assert again.status_code == 404
    assert "Harbour" in page.text
    assert asked == [("Acme:0001", TriggerMessage(requested_message="BootNotification"))]
    async with office.bench.services.database.transaction() as session:
        site = (await session.scalars(select(Site).where(Site.station_id == "Acme:0001"))).one()
    assert (site.name, site.security_profile) == ("Harbour", 2)
    (entry,) = await office.log("pending.accept")
    assert entry.subject == "Acme:0001"


async def test_a_mistake_in_the_form_is_told_and_it_waits_on(office: Office) -> None:
    number = await waiting(office)
    async with office.member(Role.OPERATOR) as browser:
        answer = await browser.post(f"/office/pending/{number}/accept", data=FORM | {"name": ""})
    assert answer.status_code == 422
    assert "Pier 3" in answer.text
    async with office.bench.services.database.transaction() as session:
        assert await pending.waiting(session) == 1


async def test_one_is_rejected_and_that_is_taken_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = heard(office, monkeypatch)
    number = await waiting(office)
    async with office.member(Role.OPERATOR) as browser:
        await browser.post(f"/office/pending/{number}/reject")
        rejected = (await browser.get(f"/office/pending/{number}")).text
        sites = (await browser.get("/office/sites")).text
        await browser.post(f"/office/pending/{number}/take-back")
        back = (await browser.get(f"/office/pending/{number}")).text
    assert "rejected" in rejected
    assert "/accept" not in rejected
    assert "wait to be accepted" not in sites
    assert "/accept" in back
    assert [station for station, _ in asked] == ["Acme:0001", "Acme:0001"]


async def test_how_a_site_proves_itself_is_chosen_and_no_authentication_only_where_it_is_allowed(
    office: Office,
) -> None:
    settings = office.bench.services.settings
    site = "/office/sites/sakura-mall"
    async with office.member(Role.OPERATOR) as browser:
        assert "0: none" not in (await browser.get(site)).text
        refused = await browser.post(site, data=FORM | {"security_profile": "0"})
        assert refused.status_code == 422
        assert "without authentication" in refused.text
        assert (await browser.post(site, data=FORM | {"security_profile": "7"})).status_code == 422
        settings.ocpp_without_password = True
        assert "0: none" in (await browser.get(site)).text
        assert (await browser.post(site, data=FORM | {"security_profile": "0"})).status_code == 303
        assert "Insecure: whoever knows the station id" in (await browser.get(site)).text
        assert "no authentication" in (await browser.get("/office/sites")).text
        # A form without the field changes nothing about it.
        assert (await browser.post(site, data=FORM | {"name": "Other"})).status_code == 303
    async with office.bench.services.database.transaction() as session:
        assert (await session.scalars(select(Site.security_profile))).one() == SecurityProfile.NONE


async def test_the_page_of_a_site_says_that_a_password_is_under_way(office: Office) -> None:
    async with office.bench.services.database.transaction() as session:
        await session.execute(update(Site).values(next_password_hashes=["$blake2b$00$00"]))
    async with office.member(Role.OPERATOR) as browser:
        page = (await browser.get("/office/sites/sakura-mall")).text
    assert "A new password is under way" in page
