"""The operations with which measurements come in, the same at both applications."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.access import Role, needs
from konsento.environment.base import Office, TokenRow
from konsento.environment.errors import TooLarge
from konsento.environment.intake import Taken, take_in
from konsento.environment.web import Offices, declared
from konsento.environment.wire import Answer, Measurements, Wanted

type Keep = Callable[[AsyncSession, Office, TokenRow, Taken], Awaitable[None]]
"""What an application does beside with a batch, in the transaction in which it is taken."""


def router(roles: tuple[Role, ...], keep: Keep) -> APIRouter:
    """Return the operations for senders of these roles."""
    made = APIRouter(tags=["Delivery"])
    sender = Annotated[TokenRow, Depends(needs(*roles))]

    @made.post("/v1/measurements", summary="Deliver measurements", responses=declared(TooLarge))
    async def deliver_measurements(office: Offices, token: sender, batch: Measurements) -> Answer:
        """Each item is looked at by itself: a bad one is named in the answer and costs the others nothing.

        Sent again, what was taken before is counted as repeated and changes nothing.
        """
        async with office.database.transaction() as session:
            tree = await office.trees.now(session)
            taken = await take_in(session, office, tree, token, batch.measurements)
            await keep(session, office, token, taken)
        return taken.answer

    @made.get("/v1/wanted", summary="Ask whether what is outstanding is wanted", responses=declared())
    async def get_wanted(token: sender) -> Wanted:
        """Tell whether to deliver now: true from the moment at which the receiver asks until the next delivery."""
        return Wanted(wanted=token.wanted_at is not None)

    return made
