"""Programs find sites as people do: by name, near a point, in a part of the map, in parts, with their outlets."""

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from konsento.kit.ids import new_id
from konsento.models import Outlet, OutletStatus, Site

if TYPE_CHECKING:
    from .conftest import Api


async def add(api: Api, name: str, latitude: float | None, longitude: float | None, tariff: str | None = "demo") -> str:
    async with api.bench.services.database.transaction() as session:
        like = (await session.scalars(select(Outlet))).first()
        assert like is not None
        site = Site(
            id=new_id(),
            station_id=name.lower(),
            password_hash="-",
            name=name,
            time_zone="Asia/Tokyo",
            latitude=latitude,
            longitude=longitude,
            connected=True,
        )
        session.add(site)
        await session.flush()
        session.add(
            Outlet(
                id=new_id(),
                site_id=site.id,
                evse_id=1,
                code=new_id().hex[-16:],
                name="Outlet 1",
                rated_w=3000,
                volts=200,
                tariff_names=[tariff] if tariff else [],
                status=OutletStatus.OCCUPIED,
            )
        )
    return str(site.id)


async def found(api: Api, **asked: Any) -> list[tuple[str, int | None]]:
    async with api.ann() as program:
        answer = await program.get("/sites", params=asked)
    assert answer.status_code == 200, answer.text
    return [(one["name"], one["distance_m"]) for one in answer.json()["items"]]


async def test_sites_are_found_by_name_in_a_part_of_the_map_and_near_a_point(api: Api) -> None:
    await add(api, "Osaka", 34.7025, 135.4959)
    await add(api, "Nowhere", None, None)
    await add(api, "Unpriced", 35.6, 139.6, tariff=None)

    assert [name for name, _ in await found(api)] == ["Sakura Mall car park", "Osaka", "Nowhere"]
    assert await found(api, q="ＯＳＡＫＡ") == [("Osaka", None)]
    assert await found(api, box="35,139,36,140") == [("Sakura Mall car park", None)]
    near = await found(api, near="34.7,135.5")
    assert [name for name, _ in near] == ["Osaka", "Sakura Mall car park"]
    assert near[0][1] == pytest.approx(468, abs=5)


async def test_the_nearest_sites_come_in_parts_each_once(api: Api) -> None:
    for number in range(5):
        # Two at one place have one distance.
        await add(api, f"Site {number}", 35.0 + number // 2 / 10, 139.0)
    async with api.ann() as program:
        seen: list[dict[str, Any]] = []
        address: str | None = "/sites?near=35.646,139.653&limit=2"
        while address is not None:
            part = (await program.get(address)).json()
            seen += part["items"]
            address = part["next"]

    assert len(seen) == len({one["id"] for one in seen}) == 6
    assert [one["distance_m"] for one in seen] == sorted(one["distance_m"] for one in seen)


async def test_a_site_comes_with_its_outlets_and_its_page(api: Api) -> None:
    async with api.ann() as program:
        (listed,) = (await program.get("/sites")).json()["items"]
        whole = (await program.get(f"/sites/{listed['id']}")).json()
        outlet = (await program.get(f"/outlets/{whole['outlets'][0]['code']}")).json()

    assert listed == whole["site"]
    assert (listed["state"], listed["outlets"], listed["free"]) == ("free", 2, 2)
    assert listed["position"] == {"latitude": 35.6461, "longitude": 139.6532}
    assert listed["page"].endswith(f"/sites/{listed['id']}")
    assert outlet == whole["outlets"][0]
    assert outlet["site"]["id"] == listed["id"]
    assert "sakura-mall" not in str(whole)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"near": "95,0"}, "BadPlace"),
        ({"near": "0,181"}, "BadPlace"),
        ({"near": "1"}, "InvalidRequest"),
        ({"near": "nan,0"}, "InvalidRequest"),
        ({"box": "36,139,35,140"}, "BadPlace"),
        ({"box": "1,2,3"}, "InvalidRequest"),
        ({"cursor": "W10="}, "BadCursor"),
        ({"cursor": "WyJ4IiwgInkiXQ=="}, "BadCursor"),
        ({"cursor": "WyIxIiwgInkiXQ=="}, "BadCursor"),
        ({"station": "sakura-mall"}, "InvalidRequest"),
    ],
)
async def test_a_place_that_is_none_is_a_problem(api: Api, asked: dict[str, str], code: str) -> None:
    async with api.ann() as program:
        answer = await program.get("/sites", params=asked)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [("01890a5d-ac96-774b-bcce-b302099a8057", 404, "UnknownSite"), ("sakura-mall", 422, "InvalidRequest")],
)
async def test_a_site_that_is_none_is_a_problem(api: Api, number: str, status: int, code: str) -> None:
    async with api.ann() as program:
        answer = await program.get(f"/sites/{number}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
