"""The other suppliers at an outlet: what they sell there, the way to them, and drivers who come from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response

from konsento.kit.handover import Wish
from konsento.kit.i18n import Language
from konsento.kit.offer_view import OfferView, offer_views
from konsento.partners import going
from konsento.partners.errors import UnknownPartner
from konsento.partners.going import Other
from konsento.sites import service as sites
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


class Coming(BaseModel):
    """With what somebody comes to the page of an outlet. Nothing is refused here: what is too long is no wish."""

    offer: str = ""
    kind: str = ""
    amount: str = ""
    unit: str = ""
    via: str = ""
    """A partner's link over which the driver has come (`kit.handover.PARAMETER`)."""

    @property
    def wish(self) -> Wish:
        """What the driver has chosen so far."""
        try:
            return Wish(offer=self.offer, kind=self.kind, amount=self.amount, unit=self.unit)
        except ValidationError:
            return Wish()


@dataclass(frozen=True, kw_only=True)
class OtherView:
    """Another supplier, as the page of an outlet shows it."""

    name: str
    at: str
    """Path of the way there; a query follows."""
    age: str
    """How old its prices are; empty where it has none to show."""
    offers: list[OfferView]


def other_views(language: Language, code: str, others: list[Other], now: datetime) -> list[OtherView]:
    """Describe the other suppliers at an outlet."""
    return [
        OtherView(
            name=other.name,
            at=f"/o/{code}/suppliers/{other.partner_id}",
            age=language.duration(int((now - other.told_at).total_seconds()))
            if other.outlet is not None and other.told_at is not None
            else "",
            offers=offer_views(language, other.outlet) if other.outlet is not None else [],
        )
        for other in others
    ]


def query(wish: Wish, offer: str = "") -> str:
    """Return a wish as the query of an address, with its question mark; empty for no wish."""
    given = {name: value for name, value in wish.model_dump().items() if value} | ({"offer": offer} if offer else {})
    return f"?{urlencode(given)}" if given else ""


@router.get("/o/{code}/suppliers/{partner}")
async def go_over(
    request: Request, code: str, partner: str, services: Wired, coming: Annotated[Coming, Query()]
) -> Response:
    """Lead to another supplier's page of the same outlet. Signed now, so that a page may have been open for long."""
    try:
        partner_id = UUID(partner)
    except ValueError:
        raise UnknownPartner from None
    async with services.database.transaction() as session:
        outlet = await sites.outlet_by_code(session, code)
        address = await going.way_to(session, services, outlet, partner_id, coming.wish)
    return RedirectResponse(f"{address}&lang={language_of(request).code}", 303)
