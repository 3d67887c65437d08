"""Keys that this server makes for itself when it needs them first, and keeps."""

from collections.abc import Callable

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import ServerKey


async def server_key(session: AsyncSession, name: str, make: Callable[[], str]) -> str:
    """Return the key of that name; `make` makes it where there is none yet."""
    row = await session.get(ServerKey, name)
    if row is None:
        try:
            async with session.begin_nested():
                row = ServerKey(name=name, value=make())
                session.add(row)
        except IntegrityError:  # another replica made it between the look and the insert
            row = await session.get_one(ServerKey, name)
    return row.value
