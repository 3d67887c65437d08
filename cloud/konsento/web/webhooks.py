"""The driver's webhooks: see them, add one, look what it was sent."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import DeliveryState, Driver, WebhookDelivery, WebhookEndpoint
from konsento.services import Services
from konsento.web import problems
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.tokens import UTC_ZONE, Number, part_number
from konsento.web.who import SignedIn, Wired
from konsento.webhooks import service as webhooks

router = APIRouter()

SHOWN: Final = 50
"""Deliveries on the page; the API lists all of the last 30 days."""
_STATES: Final = {
    DeliveryState.WAITING: marked("waiting"),
    DeliveryState.DELIVERED: marked("delivered"),
    DeliveryState.FAILED: marked("given up"),
}
_ERRORS: Final = {
    "Refused": marked("answered {status}"),
    "Timeout": marked("no answer in time"),
    "NotReached": marked("not reached"),
    "CertificateOrTls": marked("certificate not valid"),
    "AddressNotAllowed": marked("address is not public"),
    "Disabled": marked("switched off"),
}


class NewWebhook(BaseModel):
    """Where to send; on the page a webhook is told everything. Nothing is refused here."""

    url: str = ""


@router.get("/account/webhooks")
async def webhooks_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """List the driver's webhooks and offer to add one."""
    return await _list(request, services, driver, NewWebhook())


@router.post("/account/webhooks")
async def add_webhook(
    request: Request, services: Wired, driver: SignedIn, form: Annotated[NewWebhook, Form()]
) -> Response:
    """Add a webhook and show its secret, this once."""
    try:
        async with services.database.transaction() as session:
            row = await webhooks.add(session, services, driver.id, form.url.strip())
    except KonsentoError as error:
        return await _list(request, services, driver, form, error)
    return await _one(request, services, driver, row, secret=row.secret)


@router.get("/account/webhooks/{number}")
async def webhook_page(request: Request, number: Number, services: Wired, driver: SignedIn) -> Response:
    """Show a webhook and what it was sent."""
    async with services.database.transaction() as session:
        row = await webhooks.own(session, driver.id, number)
    return await _one(request, services, driver, row)


@router.post("/account/webhooks/{number}/secret")
async def renew_secret(request: Request, number: Number, services: Wired, driver: SignedIn) -> Response:
    """Give it a new secret and show that, this once."""
    async with services.database.transaction() as session:
        row = await webhooks.renew_secret(session, driver.id, number, services.clock.now())
    return await _one(request, services, driver, row, secret=row.secret)


@router.post("/account/webhooks/{number}/test")
async def send_test(number: Number, services: Wired, driver: SignedIn) -> Response:
    """Send it a test."""
    async with services.database.transaction() as session:
        await webhooks.test(session, services, driver.id, number)
    return RedirectResponse(f"/account/webhooks/{number}", 303)


@router.post("/account/webhooks/{number}/enable")
async def enable(number: Number, services: Wired, driver: SignedIn) -> Response:
    """Switch it on again."""
    async with services.database.transaction() as session:
        await webhooks.enable(session, driver.id, number)
    return RedirectResponse(f"/account/webhooks/{number}", 303)


@router.post("/account/webhooks/{number}/deliveries/{delivery}/send")
async def send_again(number: Number, delivery: str, services: Wired, driver: SignedIn) -> Response:
    """Send a delivery once more."""
    async with services.database.transaction() as session:
        await webhooks.send_again(session, services, driver.id, number, part_number(delivery))
    return RedirectResponse(f"/account/webhooks/{number}", 303)


@router.get("/account/webhooks/{number}/remove")
async def remove_page(request: Request, number: Number, services: Wired, driver: SignedIn) -> Response:
    """Ask whether it is really to be removed."""
    async with services.database.transaction() as session:
        row = await webhooks.own(session, driver.id, number)
    text = language_of(request).text
    return page(
        request,
        "sure.html",
        driver=driver,
        question=text("Remove this webhook?"),
        meaning=text("{url} is told nothing more, and its log is deleted. Your charging is not affected.", url=row.url),
        yes=text("Remove the webhook"),
        no=text("Keep it"),
        back=f"/account/webhooks/{number}",
        action=f"/account/webhooks/{number}/remove",
    )


@router.post("/account/webhooks/{number}/remove")
async def remove(number: Number, services: Wired, driver: SignedIn) -> Response:
    """Remove it."""
    async with services.database.transaction() as session:
        await webhooks.remove(session, driver.id, number)
    return RedirectResponse("/account/webhooks", 303)


async def _list(
    request: Request, services: Services, driver: Driver, form: NewWebhook, error: KonsentoError | None = None
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        rows = await webhooks.of_driver(session, driver.id)
    return page(
        request,
        "webhooks.html",
        driver=driver,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        webhooks=[(row.id, row.url, _standing(language, row), row.disabled_at is not None) for row in rows],
        url=form.url[:500],
    )


async def _one(
    request: Request, services: Services, driver: Driver, row: WebhookEndpoint, *, secret: str = ""
) -> Response:
    language = language_of(request)
    async with services.database.transaction() as session:
        log = await webhooks.deliveries(session, driver.id, row.id, None, SHOWN)
    events = webhooks.events_of(row)
    return page(
        request,
        "webhook.html",
        driver=driver,
        webhook=row,
        standing=_standing(language, row),
        events="" if len(events) == len(webhooks.SESSION_EVENTS) else " ".join(events),
        secret=secret,
        log=[_delivery(language, one) for one in log],
    )


def _standing(language: Language, row: WebhookEndpoint) -> str:
    if row.disabled_at is not None:
        return language.text("Switched off on {day}", day=language.day(row.disabled_at, UTC_ZONE))
    if row.failing_since is not None:
        return language.text("Takes nothing since {when}", when=f"{language.moment(row.failing_since, UTC_ZONE)} UTC")
    return language.text("Switched on")


def _delivery(language: Language, row: WebhookDelivery) -> dict[str, object]:
    why = _ERRORS.get(row.last_error)
    # The first attempt is made at once: nothing to say about it.
    again = row.next_attempt_at if row.attempts else None
    return {
        "id": row.id,
        "type": row.event.type,
        "when": f"{language.moment(row.created_at, UTC_ZONE)} UTC",
        "state": language.text(_STATES[row.state]),
        "bad": row.state is DeliveryState.FAILED,
        "attempts": row.attempts,
        "why": language.text(why, status=str(row.last_status)) if why else "",
        "again": language.text("next attempt {when}", when=f"{language.moment(again, UTC_ZONE)} UTC") if again else "",
    }
