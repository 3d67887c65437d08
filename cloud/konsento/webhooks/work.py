"""The due work of deliveries: send, try again, give up."""

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError, NotPublicError, PublicResolver
from konsento.kit.i18n import LANGUAGES
from konsento.kit.work import Again, Job
from konsento.models import DeliveryState, Driver, WebhookDelivery, WebhookEvent
from konsento.notifications import mail
from konsento.notifications.mail import Mail
from konsento.services import Services
from konsento.webhooks import repository, service, signing

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
"""For one attempt, from the look-up of the name to the answer."""
PLACES: Final = 16
"""Attempts side by side, in places of their own: slow receivers never keep the work that starts and bills sessions."""
FAILING_PLACES: Final = 8
"""Most of them that receivers can have which took nothing last time: dead ones do not keep the others waiting."""
LOOK_AGAIN_S: Final = 5.0
"""When a delivery to such a receiver that found no place looks again."""
RETRIES: Final = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""After the first attempt, the second, …: about three days in all (the schedule of Standard Webhooks)."""
DISABLED_AFTER: Final = timedelta(days=3)
"""An endpoint that has taken nothing for so long is given up with the delivery that was tried so often."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt went."""

    at: datetime
    status: int | None
    """Of the answer; None where there was none."""
    error: str
    """Why it failed; empty where it did not."""


type Describe = Callable[[AsyncSession, Driver, UUID], Awaitable[dict[str, Any]]]
"""Returns a driver's session as programs read it; the API's business, which stands above."""


def install(services: Services, describe: Describe) -> None:
    """Register the handler."""
    failing = asyncio.Semaphore(FAILING_PLACES)

    @services.work.on(service.WORK, places=PLACES)
    async def webhook(job: Job) -> Again | None:
        return await deliver(services, describe, UUID(job.key), failing)


async def deliver(
    services: Services, describe: Describe, delivery_id: UUID, failing: asyncio.Semaphore
) -> Again | None:
    """Make one attempt; returns when to make the next one, None where there is none to make.

    `failing` holds the places for receivers that took nothing last time.
    """
    async with services.database.transaction() as session:
        delivery = await repository.delivery(session, delivery_id)
        if delivery is None or delivery.state is not DeliveryState.WAITING:
            return None
        if delivery.endpoint.disabled_at is not None:
            delivery.state, delivery.next_attempt_at, delivery.last_error = DeliveryState.FAILED, None, "Disabled"
            return None
        is_failing = delivery.endpoint.failing_since is not None
        if is_failing and failing.locked():
            return Again(LOOK_AGAIN_S)
        body = await _body(session, describe, delivery.event)
    async with failing if is_failing else nullcontext():
        return await _attempt(services, delivery, body)


async def _attempt(services: Services, delivery: WebhookDelivery, body: str) -> Again | None:
    now = services.clock.now()
    keys = service.secrets_of(delivery.endpoint, now)
    headers = signing.headers(str(delivery.event_id), now, body.encode(), keys)
    status, error = await _post(services, delivery.endpoint.url, body, headers)
    async with services.database.transaction() as session:
        told = await repository.delivery(session, delivery.id)
        if told is None:  # the endpoint was removed meanwhile
            return None
        return await _note(session, services, told, Outcome(at=now, status=status, error=error))


async def _body(session: AsyncSession, describe: Describe, event: WebhookEvent) -> str:
    """Return what is sent; written down before the first attempt, so that all attempts send the same."""
    if event.body is None:
        data: dict[str, Any] = {}
        if event.session_id is not None:
            data = await describe(session, await session.get_one(Driver, event.driver_id), event.session_id)
        told = {
            "id": str(event.id),
            "type": event.type,
            "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
            "data": data,
        }
        event.body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return event.body


async def _post(services: Services, url: str, body: str, headers: dict[str, str]) -> tuple[int | None, str]:
    """Return the status of the answer, and why the attempt failed; empty where it did not."""
    loopback = services.settings.webhooks_to_loopback
    try:
        addresses.check(url, loopback=loopback)  # the setting may have changed since
    except NotAllowedError:
        return None, "AddressNotAllowed"
    # A connection of its own for every attempt: nobody's cookies or connections are anybody else's.
    connector = aiohttp.TCPConnector(
        resolver=PublicResolver(loopback=loopback), use_dns_cache=False, force_close=True, limit=1
    )
    sent = {"Content-Type": "application/json", "User-Agent": "Konsento-Webhooks/1", **headers}
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            ) as client,
            client.post(url, data=body.encode(), headers=sent, allow_redirects=False) as answer,
        ):
            # What it says is of no interest; the connection is closed with it unread.
            status = answer.status
    except TimeoutError:
        return None, "Timeout"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return None, _why(error)
    return status, "" if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES else "Refused"


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case NotPublicError():
                return "AddressNotAllowed"
            case ssl.SSLError() | aiohttp.ClientSSLError():
                return "CertificateOrTls"
        cause = cause.__cause__ or cause.__context__
    return "NotReached"


async def _note(session: AsyncSession, services: Services, delivery: WebhookDelivery, outcome: Outcome) -> Again | None:
    delivery.attempts += 1
    delivery.last_attempt_at, delivery.last_status, delivery.last_error = outcome.at, outcome.status, outcome.error
    endpoint = delivery.endpoint
    if not outcome.error:
        delivery.state, delivery.next_attempt_at = DeliveryState.DELIVERED, None
        endpoint.failing_since = None
        return None
    if outcome.status == HTTPStatus.GONE:
        log.info("webhook %s is gone and was removed", endpoint.id)
        await repository.remove(session, endpoint.id)
        return None
    endpoint.failing_since = endpoint.failing_since or outcome.at
    if delivery.attempts <= len(RETRIES):
        wait = RETRIES[delivery.attempts - 1]
        delivery.next_attempt_at = services.clock.now() + wait
        return Again(wait.total_seconds())
    delivery.state, delivery.next_attempt_at = DeliveryState.FAILED, None
    if endpoint.disabled_at is None and outcome.at - endpoint.failing_since >= DISABLED_AFTER:
        await _disable(session, services, delivery)
    return None


async def _disable(session: AsyncSession, services: Services, delivery: WebhookDelivery) -> None:
    endpoint = delivery.endpoint
    endpoint.disabled_at = services.clock.now()
    log.info("webhook %s took nothing for days and is switched off", endpoint.id)
    driver = await session.get_one(Driver, endpoint.driver_id)
    language = LANGUAGES.get(driver.locale) or LANGUAGES.default
    text = language.text
    letter = Mail(
        recipient=driver.email,
        subject=text("Your webhook is switched off"),
        paragraphs=(
            text(
                "{url} has taken nothing that we sent for three days, so we send it nothing more. Your charging is"
                " not affected. When the address works again, switch the webhook on.",
                url=endpoint.url,
            ),
        ),
        link=(
            text("See the webhook"),
            f"{services.settings.public_url.rstrip('/')}/account/webhooks/{endpoint.id}",
        ),
    )
    await mail.queue(session, services, letter, language)
