"""Everything that is kept of a driver, for the driver."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.accounts import profile, tokens
from konsento.charging import service as charging
from konsento.models import Driver
from konsento.payments import balance
from konsento.services import Services
from konsento.webhooks import service as webhooks


async def everything_about(session: AsyncSession, driver: Driver, services: Services) -> dict[str, object]:
    """Return all that is kept: energies in mWh and Wh, money in minor units, times in UTC."""
    sessions = await charging.history(session, driver.id)
    return {
        "about": {
            "id": str(driver.id),
            "kind": driver.kind.value,
            "email": driver.email,
            "email_verified_at": _plain(driver.email_verified_at),
            "name": driver.name,
            "phone": driver.phone,
            "address": driver.address,
            "language": driver.locale,
            "mail_wanted": driver.mail_wanted,
            "created_at": _plain(driver.created_at),
        },
        "balance": {
            "amount_minor": await balance.available(session, driver.id),
            "currency": services.settings.currency,
        },
        "browsers": [
            {"name": one.browser, "since": _plain(one.created_at), "last_used": _plain(one.last_used_at)}
            for one in await profile.sign_ins(session, driver.id, services.clock.now())
        ],
        "tokens": [
            {"name": one.name, "scopes": one.scopes.split(), "since": _plain(one.created_at)}
            for one in await tokens.of_driver(session, driver.id)
        ],
        "webhooks": [
            {"url": one.url, "since": _plain(one.created_at)} for one in await webhooks.of_driver(session, driver.id)
        ],
        "charging": [
            {name: _plain(value) for name, value in asdict(progress).items() if name != "curve"}
            for progress in sessions
        ],
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value
