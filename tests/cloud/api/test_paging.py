"""Lists in parts: every item once, whatever is added meanwhile."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from konsento.kit.ids import new_id
from konsento.models import ChargingSession, SessionState

from ..conftest import AT
from ..databases import Template
from ..examples import up_to
from .conftest import start
from .test_idempotency import fresh

if TYPE_CHECKING:
    from .conftest import Api


async def add(api: Api, like: dict[str, Any], minutes: int) -> str:
    """Add a failed session, asked for at that minute."""
    number = new_id()
    columns = {c.key: c for c in ChargingSession.__table__.columns}
    async with api.bench.services.database.transaction() as session:
        row = (await session.execute(select(*columns.values()).where(columns["id"] == UUID(like["id"])))).one()
        values = dict(zip(columns, row, strict=True)) | {
            "id": number,
            "created_at": AT + timedelta(minutes=minutes),
            "state": SessionState.FAILED,
            "remote_start_id": 1 + number.int % (2**31 - 1),
            "transaction_id": None,
        }
        await session.execute(insert(ChargingSession).values(values))
    return str(number)


@settings(max_examples=up_to(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5), st.lists(st.integers(4, 6), max_size=4))
def test_every_session_is_listed_once_whatever_is_started_meanwhile(
    template: Template, minutes: list[int], limit: int, later: list[int]
) -> None:
    async def run() -> None:
        async with fresh(template) as api, api.ann() as program:
            first = await start(program)
            known = {first["id"]} | {await add(api, first, minute) for minute in minutes}
            seen: list[dict[str, Any]] = []
            address: str | None = f"/sessions?limit={limit}"
            while address is not None:
                answer = await program.get(address)
                page = answer.json()
                assert len(page["items"]) <= limit
                assert ("link" in answer.headers) == (page["next"] is not None)
                seen += page["items"]
                address = page["next"]
                if later:
                    await add(api, first, later.pop())
            times = [one["created_at"] for one in seen]
            assert times == sorted(times, reverse=True)
            ids = [one["id"] for one in seen]
            assert len(ids) == len(set(ids))
            assert known <= set(ids)

    asyncio.run(run())


async def test_sessions_are_found_by_state_and_time(api: Api) -> None:
    async with api.ann() as program:
        running = await start(program)
        failed = [await add(api, running, minutes) for minutes in (-60, 60)]

        async def found(**asked: Any) -> list[str]:
            return [one["id"] for one in (await program.get("/sessions", params=asked)).json()["items"]]

        at = AT.isoformat()
        assert await found(state="charging") == [running["id"]]
        assert await found(state=["failed", "charging"]) == [failed[1], running["id"], failed[0]]
        assert await found(since=at) == [failed[1], running["id"]]
        assert await found(until=at) == [failed[0]]
        assert await found(state="failed", since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59-14:00") == [
            failed[1],
            failed[0],
        ]


async def test_the_next_part_keeps_to_what_was_asked(api: Api) -> None:
    async with api.ann() as program:
        running = await start(program)
        failed = [await add(api, running, minutes) for minutes in (-1, 1)]
        first = (await program.get("/sessions?state=failed&limit=1")).json()
        second = (await program.get(first["next"])).json()

    assert [one["id"] for one in first["items"] + second["items"]] == failed[::-1]
    assert second["next"] is None


async def test_outlets_and_receipts_come_in_parts_too(api: Api) -> None:
    async with api.ann() as program:
        for key in "ab":
            await start(program, key)
            await api.bench.site.charges("10")
        for path, name in (("/outlets", "code"), ("/receipts", "number")):
            first = (await program.get(path, params={"limit": 1})).json()
            second = (await program.get(first["next"])).json()
            whole = (await program.get(path)).json()
            assert first["items"] + second["items"] == whole["items"]
            assert len({one[name] for one in whole["items"]}) == 2
