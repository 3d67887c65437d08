"""What pages of paying have in common: saved cards, where the driver comes back to, the page of an external field."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.responses import Response

from konsento.kit.asgi import content_security_policy, permissions_policy
from konsento.models import Driver
from konsento.payments import cards
from konsento.payments.errors import PaymentAway
from konsento.payments.seen import Card
from konsento.payments.ways import CARD, Method
from konsento.services import Services

log = logging.getLogger(__name__)

SCRIPT: Final = "https://js.stripe.com/v3/"
"""Stripe's own script. It has to come from there (their terms, and the card industry's)."""
_STRIPE: Final = "https://js.stripe.com"
CARDS_S: Final = 3.0
"""How long a page waits for the driver's saved cards."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """What the provider's own field in the page is opened with."""

    key: str
    secret: str
    back: str
    """Where the provider leads to afterwards."""
    saves: bool = False
    """A card is saved; nothing is paid."""
    script: str = SCRIPT


def pay_address(services: Services, payment_id: UUID | str = "{id}") -> str:
    """Return where a provider sends drivers back to; without an id, `{id}` stands for it."""
    return f"{services.settings.public_url.rstrip('/')}/pay/{payment_id}"


async def saved_cards(
    services: Services, driver: Driver | None, methods: Sequence[Method]
) -> tuple[Mapping[str, Sequence[Card]], bool]:
    """Return the driver's saved cards by provider, and whether a provider did not tell them in time."""
    if driver is None:
        return {}, False
    found: dict[str, Sequence[Card]] = {}
    for provider in {way.provider for way in methods if way.external and way.method == CARD}:
        try:
            async with asyncio.timeout(CARDS_S):
                found[provider] = await cards.cards_of(services, provider, driver.id)
        except PaymentAway, TimeoutError:
            log.warning("%s does not tell a driver's cards", provider)
            return found, True
    return found, False


def with_field(answer: Response) -> Response:
    """Let a page show the payment service's own field, and none but such a page."""
    answer.headers["Content-Security-Policy"] = content_security_policy(
        scripts=f"{_STRIPE} https://*.js.stripe.com",
        frames=f"{_STRIPE} https://*.js.stripe.com https://hooks.stripe.com",
        connections="https://api.stripe.com",
        pictures="https://*.stripe.com",
    )
    answer.headers["Permissions-Policy"] = permissions_policy(f'payment "{_STRIPE}"')
    # Wallets and banks open windows that answer to the page.
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    return answer
