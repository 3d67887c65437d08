"""The driver's webhooks, and the log of what they were sent."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from konsento.api import idempotency
from konsento.api.errors import AnswerNotKept, BadCursor
from konsento.api.paging import Part, page
from konsento.api.problems import declared
from konsento.api.schemas import Asked, Page
from konsento.api.sessions import Session
from konsento.api.who import ReadsWebhooks, WritesWebhooks
from konsento.kit.addresses import LENGTH
from konsento.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from konsento.web.who import Wired
from konsento.webhooks import service as webhooks
from konsento.webhooks.errors import (
    BadWebhookAddress,
    TooManyWebhooks,
    UnknownDelivery,
    UnknownWebhook,
    WebhookDisabled,
)
from konsento.webhooks.service import SESSION_EVENTS, EventType

router = APIRouter(tags=["Webhooks"])

Number = Annotated[UUID, Path(description="The webhook's id.")]
Delivered = Annotated[UUID, Path(description="The delivery's id.")]
SessionEvent = Literal[
    "session.started",
    "session.interrupted",
    "session.resumed",
    "session.ended",
    "session.settled",
    "session.failed",
]
MEANINGS = {
    EventType.STARTED: "The outlet supplies.",
    EventType.INTERRUPTED: "The outlet has paused supply and may go on with the same session.",
    EventType.RESUMED: "The outlet supplies again.",
    EventType.ENDED: "Supply is over; the bill is being made.",
    EventType.SETTLED: "The bill is made: `billed` says what was taken.",
    EventType.FAILED: "The session never supplied anything, and nothing is held any more: `failure` says why.",
}


class Webhook(BaseModel):
    """An address that is told what happens to the driver's sessions."""

    id: UUID
    url: str = Field(examples=["https://fleet.example/konsento"])
    events: list[SessionEvent] = Field(description="What it is told.", examples=[["session.settled"]])
    created_at: datetime
    failing_since: datetime | None = Field(description="When the first delivery failed since the last that was taken.")
    disabled_at: datetime | None = Field(description="When it was given up: it is sent nothing. Null while it is on.")


class NewWebhook(Webhook):
    """A webhook with a new secret."""

    secret: str = Field(description="Signs every delivery. It is shown once.", examples=["whsec_…"])


class Webhooks(BaseModel):
    """The driver's webhooks, the oldest first."""

    items: list[Webhook]


class AskedWebhook(Asked):
    """Where to tell what."""

    url: str = Field(
        max_length=LENGTH,
        description="With https:// and a public host.",
        examples=["https://fleet.example/konsento"],
    )
    events: list[SessionEvent] = Field(
        default=[], max_length=20, description="Empty for all.", examples=[["session.settled"]]
    )


class Delivery(BaseModel):
    """One event on its way to one webhook."""

    id: UUID
    event_id: UUID = Field(description="The header `webhook-id`; the same at every attempt.")
    type: str = Field(examples=["session.settled"])
    session_id: UUID | None = Field(description="Null for a test.")
    state: DeliveryState = Field(examples=["delivered"])
    attempts: int = Field(examples=[1])
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    last_status: int | None = Field(description="HTTP status of the last answer.", examples=[200])
    last_error: str = Field(
        description="Why the last attempt failed: `Refused` (a status other than 2xx), `Timeout`, `NotReached`, "
        "`CertificateOrTls`, `AddressNotAllowed`, `Disabled`; empty where it did not.",
        examples=[""],
    )


class Event(BaseModel):
    """What a webhook is sent."""

    id: UUID
    type: str = Field(examples=["session.settled"])
    created_at: datetime
    data: Session = Field(
        description="The session as it is when the event is sent first, usually within a second; the same at every "
        "attempt. For `webhook.test` an empty object."
    )


@router.get("/webhooks", responses=declared())
async def list_webhooks(services: Wired, caller: ReadsWebhooks) -> Webhooks:
    """List webhooks.

    Those of the driver, the oldest first.
    """
    async with services.database.transaction() as session:
        rows = await webhooks.of_driver(session, caller.driver.id)
    return Webhooks(items=[Webhook.model_validate(_facts(row)) for row in rows])


@router.post(
    "/webhooks",
    status_code=201,
    response_model=NewWebhook,
    responses=declared(*idempotency.SECRET_ERRORS, BadWebhookAddress, TooManyWebhooks),
)
async def create_webhook(
    request: Request, services: Wired, caller: WritesWebhooks, asked: AskedWebhook, key: idempotency.Key = None
) -> Response:
    """Add a webhook.

    The answer shows its secret once.
    """

    async def add(webhook_id: UUID) -> NewWebhook:
        events = [EventType(word) for word in asked.events]
        async with services.database.transaction() as session:
            if await session.get(WebhookEndpoint, webhook_id) is not None:
                raise AnswerNotKept
            row = await webhooks.add(session, services, caller.driver.id, asked.url, events, endpoint_id=webhook_id)
        return _with_secret(row)

    return await idempotency.once(request, services, caller, key, add, secret=True)


@router.get("/webhooks/{webhook_id}", responses=declared(UnknownWebhook))
async def get_webhook(webhook_id: Number, services: Wired, caller: ReadsWebhooks) -> Webhook:
    """Get a webhook.

    Its secret is not shown again.
    """
    async with services.database.transaction() as session:
        return Webhook.model_validate(_facts(await webhooks.own(session, caller.driver.id, webhook_id)))


@router.delete("/webhooks/{webhook_id}", status_code=204, responses=declared(UnknownWebhook))
async def remove_webhook(webhook_id: Number, services: Wired, caller: WritesWebhooks) -> None:
    """Remove a webhook.

    With its log; what was not delivered yet never is.
    """
    async with services.database.transaction() as session:
        await webhooks.remove(session, caller.driver.id, webhook_id)


@router.post(
    "/webhooks/{webhook_id}/secret",
    response_model=NewWebhook,
    responses=declared(*idempotency.SECRET_ERRORS, UnknownWebhook),
)
async def renew_webhook_secret(
    request: Request, webhook_id: Number, services: Wired, caller: WritesWebhooks, key: idempotency.Key = None
) -> Response:
    """Give a webhook a new secret.

    For 24 hours deliveries carry a signature of the old one as well.
    """

    async def renew(_: UUID) -> NewWebhook:
        async with services.database.transaction() as session:
            now = services.clock.now()
            return _with_secret(await webhooks.renew_secret(session, caller.driver.id, webhook_id, now))

    return await idempotency.once(request, services, caller, key, renew, status=200, secret=True)


@router.post(
    "/webhooks/{webhook_id}/enable",
    response_model=Webhook,
    responses=declared(*idempotency.ERRORS, UnknownWebhook),
)
async def enable_webhook(
    request: Request, webhook_id: Number, services: Wired, caller: WritesWebhooks, key: idempotency.Key = None
) -> Response:
    """Switch a webhook on again.

    It is told what happens from now on.
    """

    async def enable(_: UUID) -> Webhook:
        async with services.database.transaction() as session:
            return Webhook.model_validate(_facts(await webhooks.enable(session, caller.driver.id, webhook_id)))

    return await idempotency.once(request, services, caller, key, enable, status=200)


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    response_model=Delivery,
    responses=declared(*idempotency.ERRORS, UnknownWebhook, WebhookDisabled),
)
async def send_test_event(
    request: Request, webhook_id: Number, services: Wired, caller: WritesWebhooks, key: idempotency.Key = None
) -> Response:
    """Send a test event.

    Of the type `webhook.test`, with an empty object as data. The log shows how it went.
    """

    async def test(_: UUID) -> Delivery:
        async with services.database.transaction() as session:
            return delivery_of(await webhooks.test(session, services, caller.driver.id, webhook_id))

    return await idempotency.once(request, services, caller, key, test, status=202)


@router.get("/webhooks/{webhook_id}/deliveries", responses=declared(BadCursor, UnknownWebhook))
async def list_deliveries(
    request: Request,
    webhook_id: Number,
    services: Wired,
    caller: ReadsWebhooks,
    asked: Annotated[Part, Query()],
) -> Page[Delivery]:
    """List deliveries.

    Those of the last 30 days, the newest first.
    """
    async with services.database.transaction() as session:
        rows = await webhooks.deliveries(session, caller.driver.id, webhook_id, asked.after_id(), asked.limit + 1)
    return page(request, asked, rows, delivery_of, lambda row: [row.id.hex])


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/send",
    status_code=202,
    response_model=Delivery,
    responses=declared(*idempotency.ERRORS, UnknownWebhook, UnknownDelivery, WebhookDisabled),
)
async def send_delivery_again(
    request: Request,
    webhook_id: Number,
    delivery_id: Delivered,
    services: Wired,
    caller: WritesWebhooks,
    *,
    key: idempotency.Key = None,
) -> Response:
    """Send a delivery again.

    The same event with the same id, whatever became of it before.
    """

    async def send(_: UUID) -> Delivery:
        async with services.database.transaction() as session:
            return delivery_of(await webhooks.send_again(session, services, caller.driver.id, webhook_id, delivery_id))

    return await idempotency.once(request, services, caller, key, send, status=202)


def delivery_of(row: WebhookDelivery) -> Delivery:
    """Describe a delivery; its event is loaded."""
    return Delivery(
        id=row.id,
        event_id=row.event_id,
        type=row.event.type,
        session_id=row.event.session_id,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        last_attempt_at=row.last_attempt_at,
        next_attempt_at=row.next_attempt_at,
        last_status=row.last_status,
        last_error=row.last_error,
    )


def describe_events(api: FastAPI) -> None:
    """Put what webhooks are sent into the document."""
    for kind in SESSION_EVENTS:
        api.webhooks.add_api_route(
            kind.value,
            _receiver(kind),
            methods=["POST"],
            status_code=204,
            operation_id=kind.value,
            responses={410: {"description": "Remove this webhook: it wants nothing more."}},
            response_description="Taken; any 2xx status within ten seconds says so.",
            description=MEANINGS[kind],
        )


def _receiver(kind: EventType) -> Callable[[Event], None]:
    def receive(event: Event) -> None:
        """Is what a program implements; here it only shapes the document."""

    receive.__name__ = kind.name.lower()
    return receive


def _facts(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "events": [kind.value for kind in webhooks.events_of(row)],
        "created_at": row.created_at,
        "failing_since": row.failing_since,
        "disabled_at": row.disabled_at,
    }


def _with_secret(row: WebhookEndpoint) -> NewWebhook:
    return NewWebhook.model_validate(_facts(row) | {"secret": row.secret})
