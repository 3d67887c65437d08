"""Suppliers, contracts and power types in the back office, and what that makes of what drivers can buy."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from konsento.models import Contract, Role, Tariff

from ..web.conftest import CODE
from .test_sites import OUTLET, SITE

if TYPE_CHECKING:
    from .conftest import Office

KAZE = {"code": "b0012", "name": "Kaze Power", "contact": "sales@kaze.example", "invoice_number": "T7000012050002"}
PRICE = {
    "name": "wind",
    "unit_price": "42.5",
    "tax": "10",
    "power_type": "wind",
    "supplier": "Kaze Power",
    "supplier_code": "B0012",
    "carbon": "25",
    "sure": "true",
}
OUTLET_FIELDS = {"name": "A1", "rated_w": "3000", "volts": "200"}


async def test_a_suppliers_power_is_sold_from_its_contract_on_and_not_after_it(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser, office.bench.browser() as driver:
        await browser.post("/office/prices", data=PRICE)
        await browser.post(OUTLET, data=OUTLET_FIELDS | {"tariff": ["wind", "demo", ""]})
        own = office.bench.words(await driver.get(f"/o/{CODE}"))
        listed = office.bench.words(await browser.get("/office/suppliers"))
        made = await browser.post("/office/suppliers", data=KAZE)
        without = office.bench.words(await driver.get(f"/o/{CODE}"))
        alone = office.bench.words(await browser.get("/office/suppliers"))
        nothing = office.bench.words(await browser.get(SITE))
        at = made.headers["location"]
        terms = {"site": "sakura-mall", "supplier_share": "70 %", "owner_share": "12.5"}
        await browser.post(f"{at}/contracts", data=terms)
        page = office.bench.words(await browser.get(at))
        within = office.bench.words(await driver.get(f"/o/{CODE}"))
        twice = await browser.post(f"{at}/contracts", data=terms)
        async with office.bench.services.database.transaction() as session:
            (contract,) = await session.scalars(select(Contract.id))
        await browser.post(f"{at}/contracts/{contract}/end", data={"ends": ""})
        after = office.bench.words(await driver.get(f"/o/{CODE}"))

    assert "Wind Kaze Power ¥42.50 / kWh" in own
    assert "sold as the operator's own power: Kaze Power" in listed
    assert at == "/office/suppliers/B0012"
    assert "Kaze" not in without
    assert "none: nothing of it is sold" in alone
    assert "not sold now wind" in nothing
    assert "Sakura Mall car park in force" in page
    assert "70% 12.5% 17.5%" in page
    assert "Wind Kaze Power ¥42.50 / kWh" in within
    assert twice.status_code == 409
    assert "There is another contract with this supplier" in office.bench.words(twice)
    assert "Kaze" not in after
    entries = [(entry.action, entry.subject) for entry in await office.log("contract")]
    assert entries == [("contract.add", "B0012"), ("contract.end", "B0012")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"supplier_share": "70", "owner_share": "31"},
        {"supplier_share": "-1"},
        {"supplier_share": "1e3"},
        {"supplier_share": "much"},
        {"supplier_share": "0.00001"},
        {"supplier_share": "50", "begins": "yesterday"},
        {"supplier_share": "50", "begins": "2026-12-02T00:00", "ends": "2026-12-01T00:00"},
    ],
)
async def test_what_no_contract_can_be_is_refused_and_kept_in_the_form(office: Office, wrong: dict[str, str]) -> None:
    async with office.member(Role.OPERATOR) as browser:
        at = (await browser.post("/office/suppliers", data=KAZE)).headers["location"]
        page = await browser.post(f"{at}/contracts", data=wrong)
        unknown = await browser.post(f"{at}/contracts", data={"supplier_share": "1", "site": "nowhere"})

    assert (page.status_code, unknown.status_code) == (422, 404)
    assert 'role="alert"' in page.text
    assert f'value="{wrong["supplier_share"]}"' in page.text
    assert await office.log("contract") == []


async def test_an_own_power_type_can_be_sold_and_is_read_in_both_languages(office: Office) -> None:
    roof = {"word": "Roof", "parent": "solar", "name_en": "Our own roof", "name_ja": "当店の屋根"}
    async with office.member(Role.OPERATOR) as browser, office.bench.browser("ja") as driver:
        await browser.post("/office/power-types", data=roof)
        tree = office.bench.words(await browser.get("/office/power-types"))
        await browser.post("/office/prices", data=PRICE | {"name": "roof", "power_type": "roof", "supplier_code": ""})
        group = await browser.post("/office/prices", data=PRICE | {"name": "mix", "power_type": "renewable"})
        await browser.post(f"{SITE}/offers", data={"tariff": ["roof", "demo"]})
        shown = office.bench.words(await driver.get(f"/o/{CODE}/power"))
        kept = await browser.post("/office/power-types/roof/remove")
        renamed = await browser.post("/office/power-types/roof", data={"name_en": "Roof", "name_ja": "屋根"})
        again = office.bench.words(await driver.get(f"/o/{CODE}/power"))

    assert "Our own roof roof Solar" in tree
    assert group.status_code == 422
    assert "当店の屋根" in shown
    assert (kept.status_code, renamed.status_code) == (409, 303)
    assert "屋根" in again
    assert "当店" not in again
    async with office.bench.services.database.transaction() as session:
        row = (await session.scalars(select(Tariff).where(Tariff.name == "roof"))).one()
    assert (row.power_type, row.carbon_g_per_kwh) == ("roof", 25)


async def test_all_outlets_of_a_site_get_the_same_prices_at_once(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        await browser.post("/office/prices", data=PRICE)
        await browser.post(f"{SITE}/offers", data={"tariff": ["wind", "", "demo"]})
        page = await browser.get(SITE)
        unknown = await browser.post(f"{SITE}/offers", data={"tariff": "no-such"})
        twice = await browser.post(f"{SITE}/offers", data={"tariff": ["demo", "demo"]})
        nothing = await browser.post(f"{SITE}/offers", data={})
        empty = office.bench.words(await browser.get(SITE))

    assert office.bench.words(page).count("¥42.50 / kWh wind ¥38.50 / kWh demo") == 2
    assert page.text.index('value="wind" selected') < page.text.index('value="demo" selected')
    assert (unknown.status_code, twice.status_code, nothing.status_code) == (422, 422, 303)
    assert "not sold yet" in empty
    assert [entry.details["tariffs"] for entry in await office.log("site.offers")] == [["wind", "demo"], []]


async def test_how_an_outlet_measures_is_set_and_has_a_class_where_it_needs_one(office: Office) -> None:
    async with office.member(Role.OPERATOR) as browser:
        without = await browser.post(OUTLET, data=OUTLET_FIELDS | {"tariff": "demo", "metering": "notified"})
        notified = OUTLET_FIELDS | {"tariff": "demo", "metering": "notified", "metering_class": "n5"}
        await browser.post(OUTLET, data=notified)
        page = await browser.get(OUTLET)
        await browser.post(OUTLET, data=OUTLET_FIELDS | {"tariff": "demo", "metering": "estimated"})
        estimated = office.bench.words(await browser.get(SITE))

    assert without.status_code == 422
    assert '<option value="notified" selected>' in page.text
    assert '<option translate="no" selected>n5</option>' in page.text
    assert "not sold now demo" in estimated
    assert [entry.details.get("metering") for entry in await office.log("outlet.change")] == ["notified", "estimated"]
