"""Where payment providers tell what happens. For everybody: who it is from, its signature says."""

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from konsento.payments import hints
from konsento.payments.errors import BadSignature, UnknownMethod
from konsento.web.who import Wired

router = APIRouter()


@router.post("/hooks/{provider}")
async def take_hint(request: Request, services: Wired, provider: str) -> Response:
    """Take a provider's hint in. 404 where the provider is not set up, 400 for a signature that is not its own."""
    try:
        await hints.take(services, provider, await request.body(), request.headers.get("stripe-signature", ""))
    except UnknownMethod:
        return PlainTextResponse("nobody listens here\n", 404)
    except BadSignature:
        return PlainTextResponse("the signature is wrong, or too old\n", 400)
    return PlainTextResponse("thank you\n")
