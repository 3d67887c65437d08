"""Every session that ends becomes one measurement, whatever kills the program and whenever."""

import asyncio
import json
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measured import Measured, report
from receiver import FIELDS, Receiver, broken_rule
from simulated import ManualClock

from custom_components.konsento.control.journal import KEEP
from custom_components.konsento.control.schema import STEPS
from custom_components.konsento.control.session import LOCAL
from custom_components.konsento.measurements import outbox
from custom_components.konsento.measurements.measurement import text_of


async def waiting(measured: Measured) -> list[dict[str, Any]]:
    await measured.sender.register()
    return [each.to_wire() for each in await measured.sender.outbox.next(10_000)]


async def test_a_session_becomes_a_measurement_with_its_half_hours(measured: Measured) -> None:
    measured.clock.seconds = (1 * 60 + 58) * 60 + 3.4
    session = measured.begin(power_type="Solar", supplier="Kaze Denki", supplier_code="A0269")
    for energy, pause in ((95_200, 117), (1_553_999, 1800), (6_000_999, 5751)):
        measured.clock.seconds += pause
        session = session.observed(report(session, energy), measured.clock.now())[0]
    await measured.end(session, 6_000_999)

    (item,) = await waiting(measured)

    assert re.fullmatch(r"[0-9a-f-]{36}", item.pop("id"))
    assert re.fullmatch(r"[A-Z2-7]{26}", item.pop("outlet"))
    assert item == {
        "region": "JP-13112",
        "start": "2026-05-01T01:58:03Z",
        "end": "2026-05-01T04:05:51Z",
        "wh": 6000,
        "slices": [
            {"start": "2026-05-01T01:30:00Z", "wh": 95},
            {"start": "2026-05-01T02:00:00Z", "wh": 1458},
            {"start": "2026-05-01T02:30:00Z", "wh": 1392},
            {"start": "2026-05-01T03:00:00Z", "wh": 1392},
            {"start": "2026-05-01T03:30:00Z", "wh": 1392},
            {"start": "2026-05-01T04:00:00Z", "wh": 271},
        ],
        "power_type": "solar",
        "supplier": "A0269",
        "use": "resold",
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, ("other", "unknown")),
        ({"power_type": "plutonium", "supplier": "Kaze Denki"}, ("other", "unknown")),
        ({"power_type": "wind", "supplier_code": "kaze denki"}, ("wind", "unknown")),
        ({"power_type": "wind", "supplier_code": "X" * 33}, ("wind", "unknown")),
    ],
)
async def test_what_is_no_known_word_does_not_leave_the_site(
    measured: Measured, values: dict[str, str], said: tuple[str, str]
) -> None:
    await measured.charge(1_000_000, **values)

    (item,) = await waiting(measured)
    assert (item["power_type"], item["supplier"], item["use"]) == (*said, "resold")


async def test_a_session_of_the_owner_is_the_owners_own(measured: Measured) -> None:
    await measured.charge(1_000_000, server=LOCAL)

    (item,) = await waiting(measured)
    assert (item["use"], item["power_type"], item["supplier"]) == ("own", "other", "unknown")


async def test_a_session_that_took_less_than_a_watt_hour_has_nothing_to_tell(measured: Measured) -> None:
    await measured.charge(999)

    assert await waiting(measured) == []


async def test_it_is_registered_once_and_keeps_its_id(measured: Measured) -> None:
    await measured.charge(1_500_000)
    (item,) = await waiting(measured)
    await measured.restart()

    assert await waiting(measured) == [item]


async def test_more_that_comes_to_light_before_it_was_sent_belongs_to_it(measured: Measured) -> None:
    session = await measured.charge(1_500_000)
    (before,) = await waiting(measured)
    measured.pass_time(hours=3)
    await measured.correct(session, 1_600_000)

    (after,) = await waiting(measured)

    assert (after["id"], after["end"], after["wh"]) == (before["id"], before["end"], 1600)
    assert sum(each["wh"] for each in after["slices"]) == 1600
    assert broken_rule(after) is None


async def test_more_that_comes_to_light_afterwards_is_a_measurement_that_follows(
    measured: Measured, receiver: Receiver
) -> None:
    session = await measured.charge(1_500_700)
    await measured.sender.send()
    (first,) = receiver.items.values()
    measured.pass_time(hours=3)
    session = await measured.correct(session, 1_600_500)
    await measured.charge(200_000)
    await measured.sender.send()
    measured.pass_time(hours=3)
    # Nothing more: the same once more is told to nobody.
    await measured.correct(session, 1_600_500)
    await measured.sender.send()

    more = next(item for item in receiver.items.values() if item["start"] == first["end"])
    assert receiver.wh == 1600 + 200
    assert (more["wh"], more["outlet"]) == (100, first["outlet"])
    assert datetime.fromisoformat(more["end"]) - datetime.fromisoformat(more["start"]) == timedelta(minutes=30)


async def test_a_correction_that_comes_too_late_counts_nothing_twice(measured: Measured, receiver: Receiver) -> None:
    session = await measured.charge(1_500_000)
    await measured.sender.send()
    measured.pass_time(days=40)
    await measured.restart()
    await measured.correct(session, 1_600_000)
    await measured.sender.send()

    assert receiver.wh == 1500


async def test_sessions_that_touch_do_not_overlap(measured: Measured, receiver: Receiver) -> None:
    measured.clock.seconds = 1800 - 600 - 0.2
    await measured.charge(1_000_000, 600.6)
    measured.clock.seconds -= 2
    await measured.charge(1_000_000)
    await measured.sender.send()

    assert receiver.wh == 2000


async def test_a_clock_that_went_backwards_makes_no_negative_time(measured: Measured, receiver: Receiver) -> None:
    session = measured.begin()
    measured.clock.seconds -= 900
    await measured.end(session, 2_000)
    await measured.sender.send()

    assert receiver.wh == 2


async def test_an_outlet_has_another_reference_each_month_and_old_ones_are_forgotten(measured: Measured) -> None:
    # The clock stands in May.
    await measured.charge(1_000_000)
    await measured.charge(1_000_000)
    await measured.charge(1_000_000, outlet="another")
    await waiting(measured)
    measured.pass_time(days=31)
    await measured.charge(1_000_000)
    items = await waiting(measured)

    by_month: dict[str, set[str]] = {}
    for item in items:
        by_month.setdefault(item["start"][:7], set()).add(item["outlet"])
    assert {month: len(names) for month, names in by_month.items()} == {"2026-05": 2, "2026-06": 1}
    assert not by_month["2026-05"] & by_month["2026-06"]

    def references() -> list[tuple[str]]:
        with sqlite3.connect(measured.path) as db:
            return db.execute("SELECT month FROM outlet_reference ORDER BY month").fetchall()

    assert references() == [("2026-05",), ("2026-05",), ("2026-06",)]
    measured.pass_time(days=395)
    await measured.restart()
    assert references() == [("2026-06",)]


async def test_without_a_route_nothing_is_written_down_and_a_later_route_starts_afresh(
    measured: Measured, receiver: Receiver
) -> None:
    await measured.charge(1_000_000)
    plan = measured.plan
    await measured.choose(None)
    await measured.charge(2_000_000)
    await measured.restart()
    await measured.charge(4_000_000)
    assert await waiting(measured) == []

    await measured.choose(plan)
    await measured.charge(8_000_000)
    await measured.sender.send()
    assert receiver.wh == 8000


async def test_what_ended_before_there_was_a_route_is_not_told_when_more_of_it_comes_to_light(
    measured: Measured, receiver: Receiver
) -> None:
    plan = measured.plan
    await measured.choose(None)
    session = await measured.charge(1_000_000)
    await measured.choose(plan)
    await measured.correct(session, 1_100_000)
    await measured.sender.send()

    assert receiver.items == {}


async def test_the_region_of_what_waits_is_corrected(measured: Measured) -> None:
    await measured.charge(1_000_000)
    assert [item["region"] for item in await waiting(measured)] == ["JP-13112"]

    await measured.choose(measured.plan_for("JP-13"))

    assert [item["region"] for item in await waiting(measured)] == ["JP-13"]


async def test_the_order_tells_nothing_of_when_they_came(measured: Measured) -> None:
    for number in range(30):
        await measured.charge(1_000_000, outlet=f"outlet-{number % 7}")
    items = await waiting(measured)

    assert items == sorted(items, key=lambda item: (item["outlet"], item["start"]))
    with sqlite3.connect(measured.path) as db:
        # Not even in the file: it is kept by random id.
        kept = [row[0] for row in db.execute("SELECT * FROM measurement")]
    assert kept == sorted(item["id"] for item in items)


async def test_the_disk_is_bounded(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 20)
    for _ in range(30):
        await measured.charge(1_000_000)
    items = await waiting(measured)
    await measured.sender.outbox.prune(measured.clock.now())

    assert await waiting(measured) == sorted(items, key=lambda item: item["start"])[10:]


async def test_what_nobody_takes_any_more_is_dropped(measured: Measured, receiver: Receiver) -> None:
    await measured.charge(1_000_000)
    await measured.sender.send()
    await measured.charge(1_000_000)
    await waiting(measured)
    measured.pass_time(days=401)
    await measured.restart()

    assert await waiting(measured) == []
    with sqlite3.connect(measured.path) as db:
        assert db.execute("SELECT count(*) FROM measurement").fetchone() == (0,)


async def test_a_session_that_cannot_be_read_stands_in_nobodys_way(measured: Measured) -> None:
    await measured.charge(1_000_000)
    with sqlite3.connect(measured.path) as db:
        db.execute("UPDATE session SET body = json_remove(body, '$.limits')")
    db.close()
    await measured.charge(2_000_000)

    assert [item["wh"] for item in await waiting(measured)] == [2000]


async def test_a_journal_of_an_earlier_version_measures_what_ends_from_now_on(measured: Measured) -> None:
    """Its sessions know no half hours: the receiver spreads them evenly."""
    await measured.kill()
    old, new = measured.begin(), measured.begin("another")
    measured.path.unlink()
    with sqlite3.connect(measured.path) as db:
        db.executescript("".join(STEPS[:2]) + "PRAGMA user_version = 2;")
        for session, phase in ((old, "ended"), (new, "running")):
            body = session.to_json() | {"energy_mwh": 500_000, "phase": phase}
            for field in ("half_hours", "read_at", "supplier_code"):
                del body[field]
            at = measured.clock.now().isoformat()
            row = (session.id, session.server, session.outlet, phase, json.dumps(body), at)
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", row)
    db.close()
    await measured.start()
    (running,) = await measured.journal.unfinished()
    measured.pass_time(minutes=10)
    await measured.end(running, 700_000)

    (item,) = await waiting(measured)
    assert item["wh"] == 700
    assert "slices" not in item
    assert item.keys() == FIELDS


STEPS_OF_A_LIFE = st.lists(
    st.tuples(st.integers(0, 2_000_000), st.integers(1, 5000), st.booleans()), min_size=1, max_size=12
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lives=st.lists(STEPS_OF_A_LIFE, min_size=1, max_size=3))
def test_a_kill_at_any_point_costs_no_watt_hour(
    lives: list[list[tuple[int, int, bool]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only how the energy is split over the half hours may be less exact."""

    async def live(path: Path) -> None:
        measured = Measured(path, ManualClock(), None, _Nobody())  # type: ignore[arg-type]
        await measured.start()
        total = 0
        for life in lives:
            session = await measured.save(measured.begin())
            energy = 0
            for more, pause, kill in life:
                energy += more
                measured.clock.seconds += pause
                session, events = session.sampled(measured.clock.now(), report(session, energy))
                session = session.observed(report(session, energy), measured.clock.now())[0]
                await measured.save(session, events)
                if kill:
                    await measured.restart()
                    (session,) = await measured.journal.unfinished()
            await measured.end(session, energy)
            if life[-1][2]:
                await measured.restart()
            total += energy // 1000
        items = await waiting(measured)
        assert sum(item["wh"] for item in items) == total
        assert [broken_rule(item) for item in items] == [None] * len(items)
        assert all("slices" in item for item in items)
        await measured.kill()

    asyncio.run(live(tmp_path_factory.mktemp("life") / "journal.sqlite3"))


class _Nobody:
    url = "http://127.0.0.1:9"


async def test_sent_ones_are_forgotten_with_their_sessions(measured: Measured) -> None:
    await measured.charge(1_000_000)
    await measured.sender.send()
    measured.clock.seconds += KEEP.total_seconds() + 2 * 86_400
    await measured.restart()

    with sqlite3.connect(measured.path) as db:
        assert db.execute("SELECT count(*) FROM measurement").fetchone() == (0,)


def test_times_are_written_so_that_they_sort() -> None:
    at = datetime(2026, 9, 30, 23, 59, 59, 999_999, UTC)
    assert text_of(at) == "2026-09-30T23:59:59Z" < text_of(at + timedelta(seconds=1))
