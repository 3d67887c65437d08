"""Partners in the back office: an operator adds them, passes the key on, and sees what their servers say."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.models import Partner, PartnerSite, Role, Site

if TYPE_CHECKING:
    from tests.cloud.backoffice.conftest import Office

NEW = {"kind": "supplier", "name": "Kaze Denki", "base_url": "https://kaze.example/"}
KEY = "kps_" + "A" * 43


async def partner_of(office: Office) -> Partner:
    async with office.bench.services.database.transaction() as session:
        return (await session.scalars(select(Partner))).one()


async def test_a_partner_is_added_gets_a_key_and_a_site_and_is_removed(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        added = await browser.post("/office/partners", data=NEW)
        partner = await partner_of(office)
        at = f"/office/partners/{partner.id}"
        page = office.bench.words(await browser.get(at))
        changed = await browser.post(f"{at}/sites", data={"site": "sakura-mall"})
        listed = office.bench.words(await browser.get(at))
        async with office.bench.services.database.transaction() as session:
            links = list(await session.scalars(select(PartnerSite)))
        await browser.post(f"{at}/remove")
        empty = office.bench.words(await browser.get("/office/partners"))

    assert (added.status_code, added.headers["location"], changed.status_code) == (303, at, 303)
    assert partner.base_url == "https://kaze.example"
    assert partner.key in page
    assert "http://konsento.test" in page
    assert len(links) == 1
    assert "Sakura Mall car park" in listed
    assert "There are no partners." in empty
    created, change, removed = await office.log("partner.")
    assert [entry.action for entry in (created, change, removed)] == [
        "partner.create", "partner.sites", "partner.remove",
    ]  # fmt: skip
    assert change.details["sites"] == ["sakura-mall"]
    assert all(partner.key not in str(entry.details) for entry in (created, change, removed))


async def test_the_key_of_the_partner_is_taken_and_stays_when_nothing_is_typed(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        await browser.post("/office/partners", data=NEW | {"key": f" {KEY} "})
        partner = await partner_of(office)
        await browser.post(f"/office/partners/{partner.id}", data=NEW | {"name": "Kaze"})
    again = await partner_of(office)

    assert (partner.key, again.key, again.name) == (KEY, KEY, "Kaze")
    assert (await office.log("partner.change"))[0].details["new_key"] is False


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "a name of up to 100 characters"),
        ({"base_url": "http://kaze.example"}, "begins with https://"),
        ({"base_url": "https://10.0.0.1"}, "begins with https://"),
        ({"base_url": "https://localhost"}, "begins with https://"),
        ({"base_url": "https://kaze.example/?a"}, "begins with https://"),
        ({"base_url": "javascript:alert(1)"}, "begins with https://"),
        ({"base_url": "http://konsento.test"}, "begins with https://"),
        ({"key": "kps_short"}, "A key begins with kps_"),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(office: Office, changes: dict[str, str], says: str) -> None:
    async with office.member(Role.OPERATOR) as browser:
        refused = await browser.post("/office/partners", data=NEW | changes)

    assert refused.status_code == 422
    assert says in office.bench.words(refused)
    assert await office.log("partner.") == []


async def test_no_two_partners_are_the_same(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        await browser.post("/office/partners", data=NEW)
        name = await browser.post("/office/partners", data=NEW | {"base_url": "https://other.example"})
        address = await browser.post("/office/partners", data=NEW | {"name": "Other"})

    assert (name.status_code, address.status_code) == (409, 409)


async def test_the_common_name_of_a_site_is_set_and_belongs_to_one_site(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        await browser.post("/office/sites", data={"name": "Minato Tower", "time_zone": "Asia/Tokyo"})
        first = await browser.post("/office/partners/sites/sakura-mall", data={"common_name": " k3vq5b2xj6m7 "})
        second = await browser.post("/office/partners/sites/minato-tower", data={"common_name": "K3VQ5B2XJ6M7"})
        short = await browser.post("/office/partners/sites/minato-tower", data={"common_name": "K3"})
    async with office.bench.services.database.transaction() as session:
        names = {site.station_id: site.common_name for site in await session.scalars(select(Site))}

    assert (first.status_code, second.status_code, short.status_code) == (303, 409, 422)
    assert names == {"sakura-mall": "K3VQ5B2XJ6M7", "minato-tower": None}
