"""What everybody may ask: what is sold at an outlet, by the name that all servers have for it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from konsento.kit.offers import SupplierOffers
from konsento.models import Outlet, OutletStatus, Site

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
        await session.execute(update(Outlet).where(Outlet.code == OTHER_CODE).values(tariff_name=None))
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
