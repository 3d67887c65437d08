"""A list costs as many statements as it has parts, however long they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert, select

from konsento.kit.ids import new_id
from konsento.models import Outlet
from konsento.sites.codes import new_code

from .conftest import start
from .test_paging import add

if TYPE_CHECKING:
    from konsento.kit.db import Database

    from .conftest import Api


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Keep the statements that reach the database."""
    sent: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    yield sent
    event.remove(engine, "before_cursor_execute", keep)


async def add_outlets(api: Api, number: int) -> None:
    async with api.bench.services.database.transaction() as session:
        row = (await session.execute(select(*Outlet.__table__.columns).limit(1))).one()
        for evse_id in range(100, 100 + number):
            new = {"id": new_id(), "evse_id": evse_id, "code": new_code()}
            await session.execute(insert(Outlet).values({**row._mapping, **new}))


@pytest.mark.parametrize("path", ["/outlets", "/sessions", "/receipts", "/webhooks/{hook}/deliveries"])
async def test_a_long_list_takes_no_more_statements_than_a_short_one(api: Api, path: str) -> None:
    async with api.ann() as program:
        hook = (await program.post("/webhooks", json={"url": "https://fleet.example/hook"})).json()["id"]
        for key in ("1", "2", "3"):
            session = await start(program, key)
            await api.bench.site.charges("10")
            await program.post(f"/webhooks/{hook}/test")
        for minutes in range(10):
            await add(api, session, minutes)
        await add_outlets(api, 30)
        counts, items = [], []
        for limit in (1, 100):
            with statements(api.bench.services.database) as sent:
                answer = await program.get(path.format(hook=hook), params={"limit": limit})
            counts.append(len(sent))
            items.append(len(answer.json()["items"]))

    assert items[0] == 1
    assert items[1] >= 3
    assert counts[0] == counts[1] <= 9
