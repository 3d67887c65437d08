"""The ways in which a driver can pay, and how pages and programs name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.models import Driver, DriverKind, PaymentPurpose
from konsento.payments import balance, fake, later
from konsento.payments.bills import addressing
from konsento.payments.desk import Till
from konsento.payments.errors import UnknownMethod

CARD: Final = "card"
"""Providers' word for cards, which can be saved."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a driver has chosen to pay with."""

    provider: str
    method: str = ""
    """The external provider's word, for example `card`; empty for an internal one."""
    card: str = ""
    """A saved card of the driver's; empty for another one."""

    @classmethod
    def read(cls, text: str) -> Way:
        """Read what `str` wrote: `balance`, `stripe:card`, `stripe:card:pm_123`."""
        provider, method, card, *_ = [*text[:320].split(":", 2), "", ""]
        return cls(provider=provider, method=method, card=card)

    def __str__(self) -> str:
        return ":".join(part for part in (self.provider, self.method, self.card) if part)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way in which a driver can pay."""

    provider: str
    method: str = ""
    available_minor: int
    """The most that can be held, or paid."""
    external: bool = False
    """The driver confirms it at the provider's, unless a saved card is enough."""
    prepaid: bool = False
    """Taken before the charging; what is not used is paid back."""

    @property
    def way(self) -> Way:
        """How it is named."""
        return Way(provider=self.provider, method=self.method)


async def methods(
    session: AsyncSession,
    services: Till,
    driver_id: UUID | None,
    purpose: PaymentPurpose = PaymentPurpose.SESSION,
) -> list[Method]:
    """Return how somebody can pay, the usual way first; None is somebody who would charge as a guest.

    A balance with something in it is always a way, and an empty one where there is no other; it is topped up from
    outside alone. Only an account may pay at the end, and only for a charging.
    """
    ways = external(services, purpose)
    if purpose is PaymentPurpose.TOP_UP:
        return ways
    if services.settings.fake_payments:
        ways.insert(0, Method(provider=fake.NAME, available_minor=fake.DECLINES_ABOVE_MINOR))
    if driver_id is None:
        return ways
    left = await balance.available(session, driver_id)
    none_other = not ways and await balance.usable(session, services.settings, driver_id)
    if left > 0 or none_other:
        ways.insert(0, Method(provider=balance.NAME, available_minor=left))
    if purpose is PaymentPurpose.SESSION:
        ways += await _afterwards(session, services, driver_id)
    return ways


def external(services: Till, purpose: PaymentPurpose = PaymentPurpose.SESSION) -> list[Method]:
    """Return the ways of the external providers."""
    currency = services.settings.currency
    return [
        Method(
            provider=provider.name,
            method=method,
            available_minor=services.settings.card_hold_max_minor,
            external=True,
            prepaid=purpose is not PaymentPurpose.SESSION or provider.is_prepaid(method),
        )
        for provider in services.desk.external.values()
        for method in provider.methods(currency)
    ]


async def method(session: AsyncSession, services: Till, driver_id: UUID, way: Way) -> Method:
    """Return one way to pay of a driver. Raises `UnknownMethod`."""
    for one in await methods(session, services, driver_id):
        if (one.provider, one.method) == (way.provider, way.method):
            return one
    if way.provider == balance.NAME and await balance.usable(session, services.settings, driver_id):
        # An empty balance is still one: what it cannot hold it says itself.
        return Method(provider=balance.NAME, available_minor=await balance.available(session, driver_id))
    raise UnknownMethod


async def _afterwards(session: AsyncSession, services: Till, driver_id: UUID) -> list[Method]:
    settings = services.settings
    driver = await session.get(Driver, driver_id)
    # A guest could owe as somebody else every day.
    if driver is None or driver.kind is not DriverKind.ACCOUNT:
        return []
    names = [later.NAME] if settings.pay_later_minor else []
    if await addressing.can_be_billed(session, settings, driver):
        names.append(later.BILL)
    lefts = [(name, await later.left(session, settings, driver_id, name)) for name in names]
    return [Method(provider=name, available_minor=left) for name, left in lefts if left > 0]


def providers(ways: Sequence[Method]) -> list[str]:
    """Return the external providers of some ways, each once."""
    return list(dict.fromkeys(way.provider for way in ways if way.external))
