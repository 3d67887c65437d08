"""Sites deliver measurements: each item by itself, as often as they like."""

import asyncio
from base64 import b32encode
from datetime import timedelta
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from konsento.environment.access import Role
from konsento.environment.platform.work import tidy_up

from ..examples import up_to
from .conftest import OTHER_OUTLET, OUTLET, Platform, item


def hour(number: int, **more: object) -> dict[str, object]:
    """Return a measurement of one hour of the day, 1 kWh."""
    clock = f"2026-11-21T{number:02}"
    return item(start=f"{clock}:00:00Z", end=f"{clock}:59:00Z", wh=1000, **more)


def reasons(answer: dict[str, object]) -> dict[int, str]:
    refused = answer["refused"]
    assert isinstance(refused, list)
    return {one["index"]: one["reason"] for one in refused}


async def test_a_bad_item_costs_none_of_the_others(opened: Platform) -> None:
    site, operator = await opened.token(regions=("JP-A03",)), await opened.token("op", Role.OPERATOR)
    twice = hour(1)
    batch = [
        hour(0),
        twice,
        twice,
        twice | {"wh": 900},
        hour(1),
        hour(2) | {"wh": -1},
        hour(3) | {"end": "2026-11-23T00:00:00Z"},
        hour(4) | {"wh": 1_000_000},
        hour(5) | {"wh": 60_000},
        hour(6, region="JP-99"),
        hour(7, power_type="nuclear"),
        hour(8, supplier="Sakura Energy"),
        hour(9, region="JP-27"),
        "nonsense",
        None,
        hour(10) | {"email": "hanako@example.com"},
        hour(11) | {"slices": [{"start": "2026-11-21T11:00:00Z", "wh": 999}]},
        hour(12),
    ]
    answer = await opened.deliver(site, *batch)
    assert answer["accepted"] == 3
    assert answer["repeated"] == 1
    assert reasons(answer) == {
        3: "IdTaken",
        4: "Overlapping",
        5: "Negative",
        6: "InTheFuture",
        7: "TooMuch",
        8: "TooMuch",
        9: "UnknownRegion",
        10: "UnknownPowerType",
        11: "BadItem",
        12: "RegionNotYours",
        13: "BadItem",
        14: "BadItem",
        15: "BadItem",
        16: "SlicesDoNotAddUp",
    }
    assert answer["refused"][0]["id"] == twice["id"]
    assert answer["refused"][10]["id"] is None
    assert await opened.wh(operator) == 3000


async def test_a_batch_sent_three_times_counts_once(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    batch = [hour(number) for number in range(12)]
    answers = [await opened.deliver(site, *batch) for _ in range(3)]
    assert [(answer["accepted"], answer["repeated"]) for answer in answers] == [(12, 0), (0, 12), (0, 12)]
    sums = await opened.sums(operator, by=("half_hour",))
    assert sums["wh"] == 12_000
    assert sum(row["measurements"] for row in sums["rows"]) == 12


async def test_identical_batches_at_once_count_once(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    batch = [hour(number, outlet=outlet) for number in range(20) for outlet in (OUTLET, OTHER_OUTLET)]
    answers = await asyncio.gather(*(opened.deliver(site, *batch) for _ in range(4)))
    assert sum(answer["accepted"] for answer in answers) == 40
    assert sum(answer["repeated"] for answer in answers) == 120
    assert await opened.wh(operator) == 40_000


async def test_overlapping_batches_at_once_never_count_an_outlet_twice(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    answers = await asyncio.gather(*(opened.deliver(site, hour(3), hour(4)) for _ in range(4)))
    assert sum(answer["accepted"] for answer in answers) == 2
    assert await opened.wh(operator) == 2000


async def test_the_same_id_at_once_with_different_contents_counts_once(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    one_id = str(uuid4())
    batches = [
        [hour(number, outlet=outlet, id=one_id)] for number, outlet in ((1, OUTLET), (2, OTHER_OUTLET), (3, OUTLET))
    ]
    answers = await asyncio.gather(*(opened.deliver(site, *batch) for batch in batches))
    assert sum(answer["accepted"] for answer in answers) == 1
    assert sum(len(answer["refused"]) for answer in answers) == 2
    assert await opened.wh(operator) == 1000


async def test_one_ends_where_the_next_begins(opened: Platform) -> None:
    site = await opened.token()
    first = item(start="2026-11-21T01:00:00Z", end="2026-11-21T02:00:00Z")
    second = item(start="2026-11-21T02:00:00Z", end="2026-11-21T03:00:00Z")
    assert (await opened.deliver(site, first))["accepted"] == 1
    assert (await opened.deliver(site, second))["accepted"] == 1


async def test_an_outlet_of_another_site_is_refused(opened: Platform) -> None:
    tama, other = await opened.token("tama"), await opened.token("other")
    await opened.deliver(tama, hour(1))
    assert reasons(await opened.deliver(other, hour(2), hour(3, outlet=OTHER_OUTLET))) == {0: "OutletOfAnother"}


async def test_sums_roll_up_the_tree(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    await opened.deliver(
        site,
        hour(1, region="JP-13"),
        hour(2, region="JP-14", supplier="A0009"),
        hour(3, region="JP-A03", power_type="gas"),
        hour(4, region="JP-27", use="own"),
        hour(5, region="JP-22A03"),
        hour(6, region="JP-22"),
    )
    assert [await opened.wh(operator, region) for region in ("JP", "JP-A03", "JP-13", "JP-A04", "JP-47")] == [
        6000,
        4000,
        1000,
        1000,
        0,
    ]
    by_region = (await opened.sums(operator, by=("region",)))["rows"]
    assert {row["region"]: row["wh"] for row in by_region} == {"JP-A03": 4000, "JP-A04": 1000, "JP-A06": 1000}
    within = (await opened.sums(operator, "JP-A03", by=("region", "power_type")))["rows"]
    assert {(row["region"], row["power_type"]) for row in within} == {
        ("JP-13", "solar"),
        ("JP-14", "solar"),
        ("JP-22A03", "solar"),
        ("JP-A03", "gas"),
    }
    by_day = (await opened.sums(operator, by=("day", "supplier", "use")))["rows"]
    assert {(row["day"], row["supplier"], row["use"], row["wh"]) for row in by_day} == {
        ("2026-11-20T15:00:00Z", "A0269", "resold", 4000),
        ("2026-11-20T15:00:00Z", "A0009", "resold", 1000),
        ("2026-11-20T15:00:00Z", "A0269", "own", 1000),
    }


async def test_a_site_is_asked_until_it_has_delivered(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)

    async def wanted() -> bool:
        return bool((await opened.http.get("/v1/wanted", headers=site)).json()["wanted"])

    assert not await wanted()
    asked = await opened.http.post("/v1/wanted", json={"token": "tama"}, headers=operator)
    assert asked.json() == {"asked": 1}
    assert await wanted()
    await opened.deliver(site, hour(2, region="JP-99"))
    assert await wanted()
    await opened.deliver(site, hour(2))
    assert not await wanted()
    assert (await opened.http.post("/v1/wanted", json={"token": "nobody"}, headers=operator)).status_code == 404


async def test_the_operator_sees_what_came_and_what_was_refused(opened: Platform) -> None:
    site, operator = await opened.token(regions=("JP-A03",)), await opened.token("op", Role.OPERATOR)
    await opened.deliver(site, hour(1), hour(2), hour(2), hour(3, region="JP-27"), hour(4, region="JP-99"))
    seen = (await opened.http.get("/v1/overview", headers=operator)).json()
    tokyo, osaka = seen["regions"]
    assert (tokyo["region"], tokyo["measurements"], tokyo["wh"], tokyo["waiting"], tokyo["refused"]) == (
        "JP-13",
        2,
        2000,
        2,
        1,
    )
    assert (osaka["region"], osaka["measurements"], osaka["refused"]) == ("JP-27", 0, 1)
    assert tokyo["last_delivery"]
    (sender,) = seen["senders"]
    assert sender["refused"] == {"Overlapping": 1, "RegionNotYours": 1, "UnknownRegion": 1}


async def test_what_was_deleted_after_forwarding_still_counts_once(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    batch = [hour(1), hour(2)]
    await opened.deliver(site, *batch)
    assert (await opened.http.post("/v1/forwardings", json={}, headers=operator)).json()["measurements"] == 2
    await opened.work()
    opened.clock.advance(timedelta(days=91))
    await tidy_up(opened.office, opened.settings)
    assert (await opened.deliver(site, *batch))["repeated"] == 2
    assert await opened.wh(operator) == 2000
    opened.clock.advance(timedelta(days=400))
    await tidy_up(opened.office, opened.settings)
    assert reasons(await opened.deliver(site, *batch)) == {0: "TooOld", 1: "TooOld"}


async def test_a_body_that_is_no_batch_is_a_problem(opened: Platform) -> None:
    site = await opened.token()
    for body, status, code in (
        (b"{", 422, "InvalidRequest"),
        (b"[]", 422, "InvalidRequest"),
        (b'{"measurements": 1}', 422, "InvalidRequest"),
        (b'{"measurements": [], "email": "hanako@example.com"}', 422, "InvalidRequest"),
        (b'{"measurements": [' + b",".join([b"1"] * 1001) + b"]}", 413, "TooLarge"),
        (b" " * (24 * 1024 * 1024 + 1), 413, "TooLarge"),
    ):
        headers = site | {"Content-Type": "application/json"}
        answer = await opened.http.post("/v1/measurements", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "hanako" not in answer.text
    assert (await opened.deliver(site))["accepted"] == 0


async def test_only_suppliers_of_the_register_are_taken_where_the_operator_wants_it(opened: Platform) -> None:
    site = await opened.token()
    object.__setattr__(opened.office, "any_supplier", False)
    async with opened.office.database.transaction() as session:
        row = opened.office.suppliers()
        row.code, row.name = "A0269", "Tokyo"
        session.add(row)
    answer = await opened.deliver(site, hour(1), hour(2, supplier="A0009"), hour(3, supplier="unknown"))
    assert answer["accepted"] == 2
    assert reasons(answer) == {1: "UnknownSupplier"}


@settings(max_examples=up_to(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=st.lists(st.integers(0, 23), min_size=1, max_size=8, unique=True), data=st.data())
async def test_any_replay_in_any_order_leaves_the_same_sums(
    opened: Platform, hours: list[int], data: st.DataObject
) -> None:
    """Batches cut at random, sent in any order and more than once: the sum is that of the measurements."""
    site = await opened.token(f"site-{uuid4()}")
    operator = await opened.token(f"op-{uuid4()}", Role.OPERATOR)
    before = await opened.wh(operator)
    outlet = b32encode(uuid4().bytes).decode().rstrip("=")
    whole = [hour(number, outlet=outlet) for number in hours]
    batches = data.draw(st.lists(st.lists(st.sampled_from(whole), max_size=10), max_size=5))
    for batch in [*batches, whole]:
        assert not (await opened.deliver(site, *batch))["refused"]
    assert await opened.wh(operator) == before + 1000 * len(whole)
