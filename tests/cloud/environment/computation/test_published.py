"""What readers see: cells of enough outlets, in the API, in files and on the page; and who may see what."""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from konsento.environment.access import Role
from konsento.environment.computation.models import RegionEntry
from konsento.environment.computation.privacy import Preset
from konsento.environment.computation.settings import ComputationSettings, Span
from konsento.environment.regions import read
from konsento.environment.registers import import_regions

from .conftest import AT, System

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def outlet(number: int) -> str:
    return f"{LETTERS[number // 32]}{LETTERS[number % 32]}" + "A" * 24


def sessions(
    region: str, outlets: Sequence[int], *, wh: int = 4000, start: datetime = AT - timedelta(days=1), **more: Any
) -> list[dict[str, Any]]:
    return [
        {
            "id": str(uuid4()),
            "outlet": outlet(number),
            "region": region,
            "start": start.isoformat(),
            "end": (start + timedelta(hours=2)).isoformat(),
            "wh": wh,
            "power_type": "solar",
            "supplier": "A0269",
            "use": "resold",
        }
        | more
        for number in outlets
    ]


async def filled(system: System) -> dict[str, str]:
    """Fill: enough outlets in Tokyo; too few in Kanagawa and Chiba, together enough; too few in Osaka."""
    site, operator = await system.token(Role.SITE), await system.token(Role.OPERATOR)
    for batch in (
        sessions("JP-13", range(12)),
        sessions("JP-14", range(20, 26)),
        sessions("JP-12", range(30, 35)),
        sessions("JP-27", range(40, 43)),
    ):
        assert (await system.deliver(site, batch))["refused"] == []
    await system.compute(operator)
    return operator


async def test_small_cells_are_put_together_in_a_larger_region_and_what_stays_small_is_left_out(system: System) -> None:
    operator = await filled(system)
    reader = await system.token(Role.READER)
    found = await system.get("/v1/results", reader)
    assert [(row["region"], row["rest"], row["merged"], row["outlets"], row["wh"]) for row in found["rows"]] == [
        ("JP-13", False, 0, 12, 48_000),
        ("JP-A03", True, 2, 11, 44_000),
    ]
    assert found["run"]["left_out"] == 1
    assert found["total"]["wh"] == 92_000
    exact = await system.get("/v1/results", operator, exact=True)
    assert exact["total"]["wh"] == 104_000
    by_type = await system.get("/v1/results", reader, by=["power_type"])
    assert [(row["power_type"], row["region"], row["wh"]) for row in by_type["rows"]] == [("solar", None, 92_000)]
    assert (await system.get("/v1/results", reader, region="JP-14"))["rows"] == []
    assert (await system.get("/v1/results", reader, region="JP-A03"))["total"]["wh"] == 92_000


async def test_one_owners_own_use_is_not_told_by_its_scope(system: System) -> None:
    """Scope 2 is own use alone, so own use needs enough outlets by itself."""
    site, operator = await system.token(Role.SITE), await system.token(Role.OPERATOR)
    await system.deliver(site, sessions("JP-13", range(12)))
    await system.deliver(site, sessions("JP-13", [50], use="own", supplier="unknown"))
    await system.compute(operator)
    found = await system.get("/v1/results", await system.token(Role.READER))
    assert found["total"]["scope2_market"] == 0
    assert found["total"]["wh"] == 48_000


async def test_an_outlet_with_another_reference_in_the_next_month_is_not_another_outlet(system: System) -> None:
    site, operator = await system.token(Role.SITE), await system.token(Role.OPERATOR)
    # Both are the 1st of March in Japan; the first ended in February (UTC), the second in March.
    late = datetime(2026, 2, 28, 21, tzinfo=UTC)
    await system.deliver(site, sessions("JP-13", range(6), start=late))
    await system.deliver(site, sessions("JP-13", range(10, 16), start=late + timedelta(hours=4)))
    await system.compute(operator)
    [row] = (await system.get("/v1/results", operator, exact=True))["rows"]
    assert row["period"] == "2026-03-01"
    assert row["wh"] == 12 * 4000
    assert row["outlets"] == 6, "six references of February and six of March may be the same six outlets"


async def test_a_reader_gets_neither_exact_figures_nor_earlier_runs(system: System) -> None:
    await filled(system)
    reader = await system.token(Role.READER)
    for query in ({"exact": "true"}, {"run": "1"}):
        answer = await system.http.get("/v1/results", headers=reader, params=query)
        assert (answer.status_code, answer.json()["code"]) == (403, "ExactForOperators")


@pytest.fixture
def carefully(settings: ComputationSettings) -> ComputationSettings:
    """As it runs for real: months, published when they are over and everything has come in."""
    settings.period, settings.publish_unfinished, settings.privacy = Span.MONTH, False, Preset.DEFAULT
    return settings


async def test_a_month_is_published_when_it_is_over_and_all_has_come_in(
    carefully: ComputationSettings, system: System
) -> None:
    await filled(system)
    reader = await system.token(Role.READER)
    found = await system.get("/v1/results", reader)
    assert found["rows"] == []
    assert found["run"]["open_from"] == "2026-03-01"
    await system.work(timedelta(days=12))  # the 1st of April
    assert (await system.get("/v1/results", reader))["rows"] == []
    await system.work(timedelta(days=2))
    later = await system.get("/v1/results", reader)
    assert later["total"]["wh"] == 92_000
    assert later["run"]["open_from"] is None
    runs = len(await system.get("/v1/runs", reader))
    await system.work(timedelta(days=2))
    assert len(await system.get("/v1/runs", reader)) == runs, "nothing new, so nothing is computed"


ADDRESSES = {
    ("POST", "/v1/measurements"): {Role.SITE, Role.PLATFORM},
    ("GET", "/v1/wanted"): {Role.SITE, Role.PLATFORM},
    ("POST", "/v1/sums"): {Role.PLATFORM},
    ("POST", "/v1/wanted"): {Role.OPERATOR},
    ("POST", "/v1/runs"): {Role.OPERATOR},
    ("POST", "/v1/factors"): {Role.OPERATOR},
    ("POST", "/v1/mix"): {Role.OPERATOR},
    ("GET", "/v1/energy"): {Role.OPERATOR},
    ("GET", "/v1/runs/1/difference"): {Role.OPERATOR},
    ("GET", "/v1/results"): {Role.READER, Role.OPERATOR},
    ("GET", "/v1/results.csv"): {Role.READER, Role.OPERATOR},
    ("GET", "/v1/runs"): {Role.READER, Role.OPERATOR},
    ("GET", "/v1/factors"): {Role.READER, Role.OPERATOR},
    ("GET", "/v1/factors.csv"): {Role.READER, Role.OPERATOR},
}


async def test_every_operation_is_for_its_roles_alone(system: System) -> None:
    tokens = {role: await system.token(role) for role in Role}
    for (method, path), allowed in ADDRESSES.items():
        for role, headers in tokens.items():
            answer = await system.http.request(method, path, headers=headers)
            # What may be called complains about the empty request at most.
            assert (answer.status_code == 403) is (role not in allowed), (method, path, role, answer.text)
        for headers in ({}, {"Authorization": "Bearer ken_guessed"}):
            answer = await system.http.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)


async def test_every_operation_of_the_document_is_in_that_list(system: System) -> None:
    document = (await system.http.get("/openapi.json")).json()
    documented = {
        (method.upper(), re.sub(r"\{\w+\}", "1", path))
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert documented == set(ADDRESSES)


async def test_a_country_without_factors_keeps_no_other_from_being_computed(system: System) -> None:
    site, operator = await system.token(Role.SITE), await system.token(Role.OPERATOR)
    rows = "code,parent,kind,name_en,name_ja,municipalities\nDK,,country,Denmark,デンマーク,\n"
    async with system.office.database.transaction() as session:
        await import_regions(session, RegionEntry, read(rows), system.clock.now())
    await system.deliver(site, sessions("JP-13", [1]))
    await system.deliver(site, sessions("DK", [2]))
    mix = f"start,wind\n{AT - timedelta(days=1):%Y-%m-%dT%H}:00Z,100\n"
    await system.send_file("/v1/mix", operator, mix.encode(), region="DK")
    found = await system.get("/v1/results", operator, exact=True)
    assert [row["region"] for row in found["rows"]] == ["JP-13"]
    assert found["run"]["without_factors"] == 1
    columns = "kind,region,power_type,retailer,menu,value,unit,delivered,gases,valid_from,valid_to,provisional,"
    row = "grid_average,DK,,,,0.1,kg/kWh,,CO2e,2026-01-01,,,a source,,2026,free,,,"
    table = f"{columns}title,url,edition,licence,processed_by,name,note\n{row}\n"
    answer = await system.send_file("/v1/factors", operator, table.encode())
    assert (answer["added"], answer["told"]) == (1, [])
    found = await system.get("/v1/results", operator, exact=True)
    [danish] = [row for row in found["rows"] if row["region"] == "DK"]
    assert found["run"]["without_factors"] == 0
    # Upstream and losses are the defaults for everywhere, 77 g/kWh and 5 %: 0.4 kg, 0.324 kg and 0.021 kg.
    assert danish["scope3_location"] == round(4000 * 100 + 4000 / 0.95 * 77 + 4000 * 0.05 / 0.95 * 100)
    assert danish["hourly_wh"] == 4000 * 20 // 120, "the mix of one half hour is known, of which 20 minutes were used"


async def test_what_the_sites_own_plant_generates_is_its_scope_1(system: System) -> None:
    site, operator = await system.token(Role.SITE), await system.token(Role.OPERATOR)
    await system.deliver(site, sessions("JP-13", [1], supplier="SELF", power_type="oil"))
    await system.compute(operator)
    [row] = (await system.get("/v1/results", operator, exact=True))["rows"]
    assert (row["scope1"], row["scope2_market"]) == (4000 * 697, 0)
    assert row["scope3_location"] == row["scope3_market"] == row["scope3_hourly"] == 4000 * 43


async def test_results_come_as_a_table_that_no_spreadsheet_runs(system: System) -> None:
    await filled(system)
    answer = await system.http.get("/v1/results.csv", headers=await system.token(Role.READER))
    heading, first, *_ = answer.text.splitlines()
    assert heading.startswith("region,power_type,supplier,use,period,rest,merged,outlets,wh,hourly_wh,scope1_mg,")
    assert first.startswith("JP-13,solar,A0269,resold,2026-03-19,no,0,12,48000,0,0,")


async def test_sums_that_cannot_be_change_nothing(system: System) -> None:
    platform = await system.token(Role.PLATFORM, "JP-A03")
    row = {
        "region": "JP-13", "power_type": "gas", "supplier": "A0269", "use": "own", "slot": "2026-03-18T15:00:00Z",
        "wh": 100, "measurements": 3, "outlets": 2, "largest_wh": 60,
    }  # fmt: skip
    bad = [
        {"region": "JP-99"}, {"region": "JP-27"}, {"largest_wh": 101}, {"outlets": 4}, {"slot": "2027-01-01T00:00:00Z"},
        {"wh": -1}, {"slot": "2026-03-18T15:10:00Z"}, {"name": "somebody"}, {"supplier": "a b"},
    ]  # fmt: skip
    for change in bad:
        body = {"id": str(uuid4()), "rows": [row, row | change]}
        answer = await system.http.post("/v1/sums", json=body, headers=platform)
        assert answer.status_code == 422, change
    delivery = {"id": str(uuid4()), "rows": [row]}
    for repeated in (False, True):
        answer = await system.http.post("/v1/sums", json=delivery, headers=platform)
        assert answer.json() == {"repeated": repeated}
    other = await system.http.post("/v1/sums", json=delivery | {"rows": [row | {"wh": 101}]}, headers=platform)
    assert (other.status_code, other.json()["code"]) == (409, "IdTaken")
    operator = await system.token(Role.OPERATOR)
    query = {"from": "2026-03-18T00:00:00Z", "to": "2026-03-20T00:00:00Z"}
    assert [r["wh"] for r in await system.get("/v1/energy", operator, **query)] == [100]


async def test_senders_are_asked_until_they_deliver(system: System) -> None:
    operator, site = await system.token(Role.OPERATOR), await system.token(Role.SITE)
    assert await system.get("/v1/wanted", site) == {"wanted": False}
    answer = await system.http.post("/v1/wanted", headers=operator)
    assert answer.json() == {"asked": 1}
    assert await system.get("/v1/wanted", site) == {"wanted": True}
    await system.deliver(site, sessions("JP-13", [1]))
    assert await system.get("/v1/wanted", site) == {"wanted": False}


def browser(token: dict[str, str]) -> dict[str, str]:
    """Return what a browser sends after it has asked for the password."""
    secret = token["Authorization"].removeprefix("Bearer ")
    return {"Authorization": "Basic " + base64.b64encode(f":{secret}".encode()).decode()}


async def test_the_page_is_for_readers_and_says_what_is_published(system: System) -> None:
    await filled(system)
    locked = await system.http.get("/")
    assert locked.status_code == 401
    assert locked.headers["WWW-Authenticate"].startswith("Basic")
    for refused in (
        browser(await system.token(Role.SITE)),
        {"Authorization": "Basic !"},
        {"Authorization": "Basic eA=="},
    ):
        assert (await system.http.get("/", headers=refused)).status_code == 401
    reader = browser(await system.token(Role.READER))
    shown = await system.http.get("/", headers=reader)
    assert "92.0&nbsp;kWh" in shown.text.replace("\u00a0", "&nbsp;")
    assert "not by part" in shown.text
    assert "1 were too small" in shown.text
    japanese = await system.http.get("/?lang=ja&region=JP-13&method=location", headers=reader)
    assert '<html lang="ja">' in japanese.text
    assert "東京都" in japanese.text
    assert (await system.http.get("/?region=XX", headers=reader)).status_code == 404
    table = await system.http.get("/results.csv?region=JP-13", headers=reader)
    assert len(table.text.splitlines()) == 2
    assert "IPCC" in (await system.http.get("/factors.csv", headers=reader)).text


async def test_a_public_page_needs_no_token_and_shows_nothing_exact(
    settings: ComputationSettings, system: System
) -> None:
    settings.public_page = True
    empty = await system.http.get("/")
    assert empty.status_code == 200
    await filled(system)
    for path in ("/", "/?method=hourly", "/results.csv", "/?lang=ja"):
        text = (await system.http.get(path)).text
        assert "JP-27," not in text
        assert "104" not in re.sub(r"<(svg|form).*?</\1>", "", text, flags=re.DOTALL)
    assert (await system.http.get("/v1/results")).status_code == 401
