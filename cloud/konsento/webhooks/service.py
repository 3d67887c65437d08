"""Endpoints of drivers, and what they are told."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit import addresses
from konsento.kit.addresses import NotAllowedError
from konsento.kit.ids import new_id
from konsento.models import ChargingSession, DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from konsento.services import Services
from konsento.webhooks import repository, signing
from konsento.webhooks.errors import (
    BadWebhookAddress,
    TooManyWebhooks,
    UnknownDelivery,
    UnknownWebhook,
    WebhookDisabled,
)

log = logging.getLogger(__name__)

MOST_ENDPOINTS: Final = 5
"""Of one driver: each may keep a connection waiting."""
OLD_SECRET: Final = timedelta(hours=24)
"""How long the secret before signs as well."""
LOG_REACHES: Final = timedelta(days=30)
WORK: Final = "webhook"


class EventType(StrEnum):
    """What programs can be told."""

    STARTED = "session.started"
    INTERRUPTED = "session.interrupted"
    RESUMED = "session.resumed"
    ENDED = "session.ended"
    SETTLED = "session.settled"
    FAILED = "session.failed"
    TEST = "webhook.test"
    """Only asked for, and told to the one endpoint that it was asked for, whatever that wants."""


SESSION_EVENTS: Final = tuple(kind for kind in EventType if kind is not EventType.TEST)


async def emit(session: AsyncSession, services: Services, charging: ChargingSession, kind: EventType) -> None:
    """Tell the driver's endpoints of what has happened to a session, when the transaction is committed."""
    await emit_all(session, services, [charging], kind)


async def emit_all(
    session: AsyncSession, services: Services, sessions: Sequence[ChargingSession], kind: EventType
) -> None:
    """Do as `emit` for sessions to which the same has happened."""
    wanted: dict[UUID, list[WebhookEndpoint]] = {}
    for endpoint in await repository.endpoints_of_all(session, {charging.driver_id for charging in sessions}):
        if endpoint.disabled_at is None and kind in events_of(endpoint):
            wanted.setdefault(endpoint.driver_id, []).append(endpoint)
    for charging in sessions:
        if endpoints := wanted.get(charging.driver_id):
            await _tell(session, services, endpoints, _event(services, charging.driver_id, kind, charging.id))


async def add(
    session: AsyncSession,
    services: Services,
    driver_id: UUID,
    url: str,
    events: Iterable[EventType] = (),
    *,
    endpoint_id: UUID | None = None,
) -> WebhookEndpoint:
    """Add an endpoint, with a new id or with `endpoint_id`; without `events` it is told everything.

    Raises `BadWebhookAddress`, `TooManyWebhooks`.
    """
    try:
        addresses.check(url, loopback=services.settings.webhooks_to_loopback)
    except NotAllowedError:
        raise BadWebhookAddress from None
    if await repository.count(session, driver_id) >= MOST_ENDPOINTS:
        raise TooManyWebhooks(maximum=MOST_ENDPOINTS)
    endpoint = WebhookEndpoint(
        id=endpoint_id or new_id(),
        driver_id=driver_id,
        url=url,
        events=" ".join(sorted(set(events))),
        secret=signing.new_secret(),
        old_secret=None,
        old_secret_until=None,
        created_at=services.clock.now(),
        failing_since=None,
        disabled_at=None,
    )
    session.add(endpoint)
    await session.flush()
    log.info("driver %s added webhook %s", driver_id, endpoint.id)
    return endpoint


async def of_driver(session: AsyncSession, driver_id: UUID) -> list[WebhookEndpoint]:
    """Return a driver's endpoints, the oldest first."""
    return await repository.endpoints_of(session, driver_id)


async def own(session: AsyncSession, driver_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """Return a driver's endpoint. Raises `UnknownWebhook`."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.driver_id != driver_id:
        raise UnknownWebhook
    return endpoint


async def remove(session: AsyncSession, driver_id: UUID, endpoint_id: UUID) -> None:
    """Remove a driver's endpoint with its log. Raises `UnknownWebhook`."""
    await own(session, driver_id, endpoint_id)
    await repository.remove(session, endpoint_id)
    log.info("driver %s removed webhook %s", driver_id, endpoint_id)


async def renew_secret(session: AsyncSession, driver_id: UUID, endpoint_id: UUID, now: datetime) -> WebhookEndpoint:
    """Give an endpoint a new secret; for 24 hours the one before signs as well. Raises `UnknownWebhook`."""
    endpoint = await own(session, driver_id, endpoint_id)
    endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, now + OLD_SECRET
    endpoint.secret = signing.new_secret()
    return endpoint


async def enable(session: AsyncSession, driver_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    """Send to an endpoint again that was given up: what happens from now on. Raises `UnknownWebhook`."""
    endpoint = await own(session, driver_id, endpoint_id)
    endpoint.disabled_at = endpoint.failing_since = None
    return endpoint


async def test(session: AsyncSession, services: Services, driver_id: UUID, endpoint_id: UUID) -> WebhookDelivery:
    """Send an endpoint a test. Raises `UnknownWebhook`, `WebhookDisabled`."""
    endpoint = await _enabled(session, driver_id, endpoint_id)
    (delivery,) = await _tell(session, services, [endpoint], _event(services, driver_id, EventType.TEST, None))
    return delivery


async def deliveries(
    session: AsyncSession, driver_id: UUID, endpoint_id: UUID, before: UUID | None, most: int
) -> list[WebhookDelivery]:
    """Return what was sent to a driver's endpoint, the newest first. Raises `UnknownWebhook`."""
    await own(session, driver_id, endpoint_id)
    return await repository.log_of(session, endpoint_id, before, most)


async def send_again(
    session: AsyncSession, services: Services, driver_id: UUID, endpoint_id: UUID, delivery_id: UUID
) -> WebhookDelivery:
    """Send a delivery once more, with all its attempts.

    Raises `UnknownWebhook`, `UnknownDelivery`, `WebhookDisabled`.
    """
    await _enabled(session, driver_id, endpoint_id)
    delivery = await repository.delivery(session, delivery_id)
    if delivery is None or delivery.endpoint_id != endpoint_id:
        raise UnknownDelivery
    delivery.state = DeliveryState.WAITING
    delivery.attempts = 0
    delivery.next_attempt_at = services.clock.now()
    await services.work.add(session, WORK, str(delivery.id))
    return delivery


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Forget what happened longer ago than the log reaches."""
    await repository.forget_events(session, now - LOG_REACHES)


def events_of(endpoint: WebhookEndpoint) -> tuple[EventType, ...]:
    """Return what an endpoint is told of the driver's sessions."""
    return tuple(kind for kind in SESSION_EVENTS if not endpoint.events or kind in endpoint.events.split())


def secrets_of(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """Return the secrets that sign a delivery now."""
    old = endpoint.old_secret if endpoint.old_secret_until is not None and now < endpoint.old_secret_until else None
    return [endpoint.secret, *([old] if old is not None else [])]


async def _enabled(session: AsyncSession, driver_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = await own(session, driver_id, endpoint_id)
    if endpoint.disabled_at is not None:
        raise WebhookDisabled
    return endpoint


def _event(services: Services, driver_id: UUID, kind: EventType, session_id: UUID | None) -> WebhookEvent:
    return WebhookEvent(
        id=new_id(),
        driver_id=driver_id,
        session_id=session_id,
        type=kind.value,
        created_at=services.clock.now(),
        body=None,
    )


async def _tell(
    session: AsyncSession, services: Services, endpoints: list[WebhookEndpoint], event: WebhookEvent
) -> list[WebhookDelivery]:
    session.add(event)
    await session.flush()
    made = []
    for endpoint in endpoints:
        delivery = WebhookDelivery(
            id=new_id(),
            endpoint_id=endpoint.id,
            event_id=event.id,
            event=event,
            state=DeliveryState.WAITING,
            attempts=0,
            created_at=event.created_at,
            last_attempt_at=None,
            next_attempt_at=event.created_at,
            last_status=None,
            last_error="",
        )
        session.add(delivery)
        await services.work.add(session, WORK, str(delivery.id))
        made.append(delivery)
    await session.flush()
    return made
