"""The platform forwards each measurement exactly once, in whichever form, whatever happens on the way."""

import asyncio
import json
from base64 import b32encode
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from konsento.environment.access import Role
from konsento.environment.platform import work
from konsento.environment.platform.forwarding import again, collect_all
from konsento.environment.platform.settings import Every, Form, PlatformSettings

from .conftest import OTHER_OUTLET, OUTLET, Platform, item
from .test_delivery import hour


async def forward(opened: Platform, operator: dict[str, str], form: Form | None = None) -> dict[str, int]:
    body = {} if form is None else {"form": form}
    answer = await opened.http.post("/v1/forwardings", json=body, headers=operator)
    assert answer.status_code == 200
    found: dict[str, int] = answer.json()
    return found


@pytest.fixture
async def furnished(opened: Platform) -> tuple[Platform, dict[str, str]]:
    """A platform with six measurements of three regions."""
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    regions = ("JP-13", "JP-13", "JP-14", "JP-27", "JP-13", "JP-14")
    batch = [hour(number, region=region) for number, region in enumerate(regions)]
    batch[4]["outlet"] = OTHER_OUTLET
    assert (await opened.deliver(site, *batch))["accepted"] == 6
    return opened, operator


async def test_single_measurements_arrive_as_they_were_sent(furnished: tuple[Platform, dict[str, str]]) -> None:
    opened, operator = furnished
    assert await forward(opened, operator) == {"deliveries": 1, "measurements": 6}
    await opened.work()
    ((path, body),) = opened.computation.requests
    assert path == "/v1/measurements"
    assert body["measurements"] == sorted(body["measurements"], key=lambda one: (one["outlet"], one["start"]))
    assert opened.computation.headers[0]["Authorization"] == "Bearer ken_of-this-platform"
    assert opened.computation.wh == 6000
    assert await forward(opened, operator) == {"deliveries": 0, "measurements": 0}


async def test_sets_go_region_by_region(furnished: tuple[Platform, dict[str, str]]) -> None:
    opened, operator = furnished
    assert await forward(opened, operator, Form.SETS) == {"deliveries": 3, "measurements": 6}
    await opened.work()
    sets = [Counter(one["region"] for one in body["measurements"]) for _, body in opened.computation.requests]
    assert sorted(sets, key=str) == sorted([{"JP-13": 3}, {"JP-14": 2}, {"JP-27": 1}], key=str)


async def test_sums_hold_the_cells_that_privacy_is_judged_by(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    halves = [{"start": "2026-11-21T01:00:00Z", "wh": 700}, {"start": "2026-11-21T01:30:00Z", "wh": 300}]
    await opened.deliver(
        site,
        hour(1) | {"slices": halves},
        hour(1) | {"outlet": OTHER_OUTLET, "slices": [halves[0] | {"wh": 200}, halves[1] | {"wh": 800}]},
    )
    await forward(opened, operator, Form.SUMS)
    await opened.work()
    ((path, body),) = opened.computation.requests
    assert path == "/v1/sums"
    assert [
        (row["slot"], row["wh"], row["outlets"], row["measurements"], row["largest_wh"]) for row in body["rows"]
    ] == [
        ("2026-11-21T01:00:00Z", 900, 2, 2, 700),
        ("2026-11-21T01:30:00Z", 1100, 2, 2, 800),
    ]
    text = json.dumps(body)
    assert OUTLET not in text
    assert OTHER_OUTLET not in text


async def test_sums_of_much_are_cut_to_what_one_request_takes(opened: Platform) -> None:
    site, operator = await opened.token(), await opened.token("op", Role.OPERATOR)
    week = {"start": "2026-11-10T00:00:00Z", "end": "2026-11-16T23:00:00Z", "wh": 90_000}
    for number in range(4):
        outlet = b32encode(uuid4().bytes).decode().rstrip("=")
        await opened.deliver(site, item(**week, outlet=outlet, region=f"JP-{number + 10}"))
    assert await forward(opened, operator, Form.SUMS) == {"deliveries": 2, "measurements": 4}
    await opened.work()
    assert opened.computation.wh == 360_000
    assert max(len(body["rows"]) for _, body in opened.computation.requests) <= 1000


@pytest.mark.parametrize("form", list(Form))
async def test_a_lost_answer_is_asked_for_again_with_the_same_request(
    furnished: tuple[Platform, dict[str, str]], form: Form
) -> None:
    opened, operator = furnished
    opened.computation.lose_answers = 3
    await forward(opened, operator, form)
    for _ in range(8):
        await opened.work(timedelta(minutes=15))
    assert opened.computation.wh == 6000
    bodies = Counter(json.dumps(body) for _, body in opened.computation.requests)
    assert sum(bodies.values()) == len(bodies) + 3
    assert (await opened.http.get("/v1/overview", headers=operator)).json()["deliveries"] == []


async def test_a_platform_killed_between_sending_and_noting_sends_the_same_again(
    furnished: tuple[Platform, dict[str, str]],
) -> None:
    opened, operator = furnished
    await forward(opened, operator)
    opened.computation.answer.clear()
    await opened.office.work.run_due()
    (sending,) = [task for task in asyncio.all_tasks() if task.get_name() == "work forward"]
    await opened.computation.asked.wait()
    # Killed here: the computation system has taken it, and nobody notes the answer. The lease runs out.
    sending.cancel()
    opened.computation.answer.set()
    await opened.work(timedelta(minutes=15))
    assert len(opened.computation.requests) == 2
    assert opened.computation.requests[0] == opened.computation.requests[1]
    assert opened.computation.wh == 6000


async def test_a_computation_system_that_is_away_for_days_gets_everything_later(
    furnished: tuple[Platform, dict[str, str]],
) -> None:
    opened, operator = furnished
    opened.computation.status = 503
    await forward(opened, operator)
    for _ in range(30):
        await opened.work(timedelta(hours=2))
    (stuck,) = (await opened.http.get("/v1/overview", headers=operator)).json()["deliveries"]
    assert (stuck["last_error"], stuck["given_up"], stuck["measurements"]) == ("503", False, 6)
    opened.computation.status = 200
    await opened.work(timedelta(hours=1))
    assert opened.computation.wh == 6000


async def test_a_delivery_that_is_refused_for_good_is_given_up_visibly_and_tried_again_by_hand(
    furnished: tuple[Platform, dict[str, str]],
) -> None:
    opened, operator = furnished
    opened.computation.status = 422
    await forward(opened, operator)
    for _ in range(25):
        await opened.work(timedelta(minutes=16))
    (stuck,) = (await opened.http.get("/v1/overview", headers=operator)).json()["deliveries"]
    assert (stuck["last_error"], stuck["given_up"]) == ("422", True)
    opened.computation.status = 200
    assert await work.revive(opened.office) == 1
    await opened.work()
    assert opened.computation.wh == 6000


async def test_what_the_computation_system_refused_is_seen_and_can_be_forwarded_again(
    furnished: tuple[Platform, dict[str, str]],
) -> None:
    opened, operator = furnished
    site = await opened.token("second")
    one = hour(12, region="JP-40", outlet=b32encode(uuid4().bytes).decode().rstrip("="))
    await opened.deliver(site, one)
    opened.computation.refuse = {one["id"]: "UnknownRegion"}
    await forward(opened, operator)
    await opened.work()
    assert opened.computation.wh == 6000
    seen = (await opened.http.get("/v1/overview", headers=operator)).json()["regions"]
    assert {row["region"]: row["refused_further"] for row in seen}["JP-40"] == 1
    opened.computation.refuse = {}
    async with opened.office.database.transaction() as session:
        assert await again(session) == 1
    await forward(opened, operator)
    await opened.work()
    assert opened.computation.wh == 7000


async def test_forwarding_at_once_from_two_sides_forwards_once(furnished: tuple[Platform, dict[str, str]]) -> None:
    opened, _ = furnished
    found = await asyncio.gather(*(collect_all(opened.office, form) for form in Form))
    assert sum(one.measurements for one in found) == 6
    await opened.work()
    assert opened.computation.wh == 6000


async def test_the_schedule_and_the_computation_systems_wish_both_forward(
    furnished: tuple[Platform, dict[str, str]],
) -> None:
    opened, _ = furnished
    await work.begin(opened.office, opened.settings)
    await opened.work()
    assert not opened.computation.requests
    opened.computation.wanted = True
    await opened.work(timedelta(minutes=5))
    await opened.work()
    assert opened.computation.wh == 6000
    opened.computation.wanted = False
    await opened.deliver(await opened.token("late"), hour(20, outlet=b32encode(uuid4().bytes).decode().rstrip("=")))
    await opened.work(timedelta(minutes=30))
    await opened.work()
    assert opened.computation.wh == 6000
    await opened.work(timedelta(minutes=30))
    await opened.work()
    assert opened.computation.wh == 7000


async def test_without_a_schedule_only_a_wish_or_a_hand_forwards(opened: Platform) -> None:
    opened.settings.forward_every = Every.NEVER
    await opened.deliver(await opened.token(), hour(1))
    await work.begin(opened.office, opened.settings)
    await opened.work(timedelta(days=2))
    assert not opened.computation.requests


async def test_the_ledger_names_everything_that_left(furnished: tuple[Platform, dict[str, str]]) -> None:
    opened, operator = furnished
    opened.computation.lose_answers = 1
    await forward(opened, operator)
    for _ in range(3):
        await opened.work(timedelta(minutes=1))
    entries = (await opened.http.get("/v1/egress", headers=operator)).json()
    assert [(entry["form"], entry["rows"], entry["status"]) for entry in entries] == [
        ("single", 6, 200),
        ("single", 6, None),
    ]
    assert entries[0]["sha256"] == entries[1]["sha256"]
    assert entries[0]["recipient"] == opened.settings.computation_url


def test_a_computation_system_without_a_token_is_a_wrong_setting() -> None:
    with pytest.raises(ValueError, match="COMPUTATION_TOKEN"):
        PlatformSettings(computation_url="https://computation.example")


@examples(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from([*Form, "deliver", "lose", "work"]), max_size=12))
async def test_any_mixture_of_forms_and_losses_counts_each_measurement_once(opened: Platform, steps: list[Any]) -> None:
    opened.computation.lose_answers = 0
    site = await opened.token(f"site-{uuid4()}")
    outlet = b32encode(uuid4().bytes).decode().rstrip("=")
    before, sent = opened.computation.wh, 0
    for step in [*steps, Form.SINGLE, *["work"] * 12]:
        match step:
            case "deliver":
                await opened.deliver(site, hour(sent, outlet=outlet))
                sent += 1
            case "lose":
                opened.computation.lose_answers += 1
            case "work":
                await opened.work(timedelta(seconds=600))
            case _:
                await collect_all(opened.office, step)
    assert opened.computation.wh == before + 1000 * sent
