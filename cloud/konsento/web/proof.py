"""Whether it is still the driver who sits before the browser, for what a thief would do."""

from fastapi import Request

from konsento.accounts import profile
from konsento.accounts import service as accounts
from konsento.accounts.profile import Proof
from konsento.services import Services
from konsento.web.who import address_of, token_of


async def is_fresh(request: Request, services: Services) -> bool:
    """Tell whether this browser signed in just now, so that pages ask for nothing more."""
    async with services.database.transaction() as session:
        signed_in_at = await accounts.signed_in_at(session, token_of(request))
    return profile.is_fresh(signed_in_at, services.clock.now())


async def proof_of(request: Request, services: Services, password: str) -> Proof:
    """Return what shows that it is the driver."""
    return Proof(password=password, fresh=await is_fresh(request, services), address=address_of(request))
