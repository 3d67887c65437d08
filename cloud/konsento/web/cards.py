"""Saved cards: kept by the payment service, listed, added and removed here."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from konsento.kit.ids import new_id
from konsento.models import Driver, DriverKind
from konsento.payments import cards, ways
from konsento.payments.errors import PaymentAway, UnknownCard
from konsento.payments.ways import CARD
from konsento.services import Services
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.pay_view import Link, PayView
from konsento.web.paying import Field, saved_cards, with_field
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired
from konsento.web.words import card_name

router = APIRouter()

_PAGE: Final = "/account/cards"


@dataclass(frozen=True, kw_only=True)
class CardRow:
    """A saved card."""

    provider: str
    reference: str
    name: str
    expires: str


@router.get("/account/cards")
async def cards_page(request: Request, services: Wired, driver: SignedIn, done: str = "") -> Response:
    """List the driver's cards. Raises `PageNotFound` where none can be saved."""
    _provider(services, driver)
    found, away = await saved_cards(services, driver, ways.external(services))
    text = language_of(request).text
    news = {"saved": text("The card is saved."), "removed": text("The card is removed."), "": None}
    return page(
        request,
        "cards.html",
        driver=driver,
        cards=[
            CardRow(
                provider=provider,
                reference=card.reference,
                name=card_name(card.brand, card.last4),
                expires=text("until {month}", month=card.expires),
            )
            for provider, listed in found.items()
            for card in listed
        ],
        away=away,
        done=news.get(done),
    )


@router.get("/account/cards/new")
async def new_card_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Show the payment service's field for a card."""
    language, name = language_of(request), _provider(services, driver)
    back = Link(href=_PAGE, says=language.text("Your cards"))
    view = PayView(
        id=new_id(),
        title=language.text("Save a card"),
        sentence=language.text("Nothing is charged. Your bank may ask you to confirm it."),
        button=language.text("Save the card"),
        back=back.href,
        back_says=back.says,
    )
    try:
        action = await cards.begin_card(services, name, driver.id, f"card:{view.id}")
    except PaymentAway:
        return RedirectResponse(_PAGE, 303)  # which says that nobody answers
    field = Field(
        key=services.desk.provider(name).publishable_key,
        secret=action.client_secret,
        back=f"{services.settings.public_url.rstrip('/')}{_PAGE}?done=saved",
        saves=True,
    )
    return with_field(page(request, "pay.html", driver=driver, view=view, element=field))


@router.post("/account/cards/remove")
async def remove(services: Wired, driver: SignedIn, card: Annotated[str, Form()] = "") -> Response:
    """Remove a card; one that is gone already is gone."""
    name = _provider(services, driver)
    try:
        await cards.forget_card(services, name, driver.id, card[:255])
    except UnknownCard:
        pass
    except PaymentAway:
        return RedirectResponse(_PAGE, 303)
    return RedirectResponse(f"{_PAGE}?done=removed", 303)


def _provider(services: Services, driver: Driver) -> str:
    """Return the provider with which cards can be saved. Raises `PageNotFound`."""
    if driver.kind is DriverKind.ACCOUNT:
        for way in ways.external(services):
            if way.method == CARD and services.desk.provider(way.provider).publishable_key:
                return way.provider
    raise PageNotFound


def can_save(services: Services, driver: Driver) -> bool:
    """Tell whether a driver can save cards here."""
    try:
        _provider(services, driver)
    except PageNotFound:
        return False
    return True
