"""What everybody may ask: what is sold at an outlet, by the name that all servers have for it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from konsento import provisioning
from konsento.kit.offers import SupplierOffers
from konsento.models import Outlet, OutletOffer, OutletStatus, Site

from ..conftest import PROVISIONING
from ..web.conftest import CODE, ORIGIN, OTHER_CODE

if TYPE_CHECKING:
    from .conftest import Api

NAME = "K3VQ5B2XJ6M7"


async def named(api: Api, name: str | None = NAME) -> None:
    async with api.bench.services.database.transaction() as session:
        await session.execute(update(Site).values(common_name=name))


async def test_anybody_reads_what_is_sold_at_an_outlet_by_its_common_name(api: Api) -> None:
    await named(api)
    async with api.program() as program:
        answer = await program.get(f"/offers/{NAME}.1")
        by_code = await program.get(f"/offers/{CODE.lower()}")
        of_the_site = await program.get(f"/offers/{NAME.lower()}")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=20"
    (outlet,) = answer.json()["outlets"]
    assert (outlet["outlet"], outlet["number"], outlet["state"]) == (f"{NAME}.1", 1, "free")
    assert outlet["page"] == f"{ORIGIN}/o/{CODE}"
    (offer,) = outlet["offers"]
    assert (offer["name"], offer["supplier"], offer["supplier_code"]) == ("demo", "Sakura Energy", "A0269")
    assert (offer["power_type"], offer["per_kwh"], offer["currency"]) == ("solar", "38.5", "JPY")
    assert by_code.json()["outlets"] == [outlet]
    assert [one["page"].rpartition("/")[2] for one in of_the_site.json()["outlets"]] == [CODE, OTHER_CODE]
    assert SupplierOffers.read(of_the_site.content, ORIGIN).operator


@pytest.mark.parametrize("name", [f"{NAME}.3", f"{NAME}.0", f"{NAME}.x", f"{NAME}.", "NOSUCHSITE11", "ZZZZZZ", "%00"])
async def test_what_is_not_here_is_not_found(api: Api, name: str) -> None:
    await named(api)
    async with api.program() as program:
        answer = await program.get(f"/offers/{name}")

    assert (answer.status_code, answer.json()["code"]) == (404, "UnknownOutlet")


async def test_an_outlet_without_a_price_and_a_site_without_a_name_are_told_as_they_are(api: Api) -> None:
    async with api.bench.services.database.transaction() as session:
        (other,) = await session.scalars(select(Outlet.id).where(Outlet.code == OTHER_CODE))
        await session.execute(delete(OutletOffer).where(OutletOffer.outlet_id == other))
    async with api.program() as program:
        sold = (await program.get(f"/offers/{CODE}")).json()["outlets"]
        unsold = await program.get(f"/offers/{OTHER_CODE}")

    assert [one["outlet"] for one in sold] == [None]
    assert unsold.status_code == 404


@pytest.mark.parametrize(
    ("status", "reason", "connected", "state"),
    [
        (OutletStatus.AVAILABLE, "", True, "free"),
        (OutletStatus.OCCUPIED, "", True, "busy"),
        (OutletStatus.RESERVED, "", True, "busy"),
        (OutletStatus.FAULTED, "", True, "unavailable"),
        (OutletStatus.UNAVAILABLE, "disabled", True, "unavailable"),
        (OutletStatus.UNAVAILABLE, "offline", True, "unknown"),
        (OutletStatus.AVAILABLE, "", False, "unknown"),
    ],
)
async def test_the_state_is_what_somebody_can_do_there(
    api: Api, status: OutletStatus, reason: str, connected: bool, state: str
) -> None:
    await api.bench.outlet_is(status, reason, connected=connected)
    async with api.program() as program:
        (outlet,) = (await program.get(f"/offers/{CODE}")).json()["outlets"]

    assert outlet["state"] == state


async def test_it_tells_nothing_about_drivers(api: Api) -> None:
    async with api.bench.driver("ann@example.com") as driver:
        session = await api.bench.start(driver)
        await api.bench.site.reports("0")
        await api.bench.outlet_is(OutletStatus.OCCUPIED)
        async with api.program() as program:
            answer = await program.get(f"/offers/{CODE}")
    async with api.bench.services.database.transaction() as tx:
        (outlet,) = await tx.scalars(select(Outlet).where(Outlet.code == CODE))

    for word in ("ann", session.removeprefix("/s/"), str(outlet.id), str(outlet.site_id), "sakura-mall"):
        assert word not in answer.text.replace("Sakura", "")
    assert "set-cookie" not in answer.headers


async def test_a_network_asks_so_often_a_minute(api: Api) -> None:
    most = api.bench.services.settings.offers_requests_per_minute
    async with api.program() as program:
        for _ in range(most):
            answer = await program.get(f"/offers/{CODE}")
        refused = await program.get(f"/offers/{CODE}")
        api.bench.clock.advance(timedelta(minutes=1))
        later = await program.get(f"/offers/{CODE}")

    assert answer.headers["ratelimit"] == '"network";r=0;t=60'
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyQuestions")
    assert refused.headers["retry-after"] == "60"
    assert later.status_code == 200


PRICED = PROVISIONING.split("[[sites.outlets]]")[0].split("[[sites]]")[1]
DEAR = f"""
[[power_types]]
word = "sea-wind"
parent = "wind"
name_en = "Sea wind"
name_ja = "海の風"

[[tariffs]]
name = "sea"
power_type = "sea-wind"
supplier = "Sakura Energy"
supplier_code = "A0269"
tax_included = false
unit_price = "40"
per_session = "50"
idle = {{ per_minute = "5", free_minutes = 10 }}
minimum = "100"
carbon_g_per_kwh = 12
bands = [{{ hours = "22:00-06:00", weekdays = ["sat", "sun"], unit_price = "20" }}]

[[tariffs]]
name = "parking"
supplier = "Sakura Energy"
per_minute = "2.5"

[[sites]]{PRICED}
[[sites.outlets]]
evse_id = 1
code = "{CODE}"
name = "Outlet 1, north wall"
rated_w = 3000
volts = 200
tariffs = ["sea", "parking"]
"""


async def test_prices_of_many_parts_are_told_whole_with_the_tax_in_them(api: Api) -> None:
    services = api.bench.services
    async with services.database.transaction() as session:
        content = provisioning.parse(DEAR)
        await provisioning.apply(session, content, services.settings, services.clock.now())
    async with api.program() as program:
        (by_day,) = (await program.get(f"/offers/{CODE}")).json()["outlets"]
        api.bench.clock.advance(timedelta(hours=12))
        answer = await program.get(f"/offers/{CODE}")
    (by_night,) = answer.json()["outlets"]

    sea, parking = by_day["offers"]
    assert (sea["power_type"], sea["power_names"]) == ("wind", {"en": "Sea wind", "ja": "海の風"})
    assert (sea["per_kwh"], sea["minimum"], sea["carbon_g_per_kwh"]) == ("44", "100", 12)
    assert by_night["offers"][0]["per_kwh"] == "22"
    told = [(part["kind"], part["price"], part["from_time"], part["weekdays"], part["free_s"]) for part in sea["parts"]]
    assert sorted(told, key=str) == [
        ("energy", "22", "22:00", [5, 6], 0),
        ("energy", "44", None, None, 0),
        ("idle", "5.5", None, None, 600),
        ("session", "55", None, None, 0),
    ]
    assert (parking["per_kwh"], [part["kind"] for part in parking["parts"]]) == (None, ["time"])
    assert SupplierOffers.read(answer.content, ORIGIN).of(1) is not None
