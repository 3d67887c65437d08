"""An outlet as a driver sees it: one sentence, where it is, what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from konsento.catalogue.service import Offer
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import Outlet
from konsento.rewards.benefits import Benefit
from konsento.sites import codes
from konsento.sites import service as sites
from konsento.sites.errors import (
    OutletBusy,
    OutletDisabled,
    OutletFaulty,
    OutletOffline,
    OutletOutOfOrder,
    OutletOutOfOrderFor,
    SiteClosed,
    SiteClosedForLong,
)
from konsento.web.offer_view import OfferView, offer_view


class Standing(StrEnum):
    """What an outlet is for somebody who stands before it."""

    FREE = "free"
    MINE = "mine"
    BUSY = "busy"
    OFFLINE = "offline"
    FAULTED = "faulted"
    DISABLED = "disabled"
    CLOSED = "closed"
    OUT_OF_USE = "out of use"


_SENTENCES = {
    Standing.FREE: marked("This outlet is free."),
    Standing.MINE: marked("You are charging at this outlet."),
    Standing.BUSY: marked("This outlet is in use."),
    Standing.OFFLINE: marked("This outlet cannot be reached."),
    Standing.FAULTED: marked("This outlet is out of order."),
    Standing.DISABLED: marked("This outlet is switched off by its owner."),
    Standing.CLOSED: marked("This site is closed now."),
    Standing.OUT_OF_USE: marked("This outlet is out of use."),
}
_STATES = {
    Standing.FREE: marked("Free now"),
    Standing.MINE: marked("You are charging"),
    Standing.BUSY: marked("In use"),
    Standing.OFFLINE: marked("No contact"),
    Standing.FAULTED: marked("Out of order"),
    Standing.DISABLED: marked("Switched off"),
    Standing.CLOSED: marked("Closed"),
    Standing.OUT_OF_USE: marked("Out of use"),
}
_USE_ANOTHER = marked("Nothing can be started and nothing is charged. Use another outlet.")
_LATER = marked("Nothing can be started and nothing is charged. Try another outlet, or look again in a minute.")
_TONES = {
    Standing.BUSY: "wait",
    Standing.OFFLINE: "bad",
    Standing.FAULTED: "bad",
    Standing.DISABLED: "wait",
    Standing.CLOSED: "wait",
    Standing.OUT_OF_USE: "bad",
}
_OBSTACLES: dict[type[KonsentoError], tuple[Standing, str]] = {
    OutletBusy: (
        Standing.BUSY,
        marked(
            "Nothing can be started and nothing is charged. This page looks again by itself; another outlet may be"
            " free."
        ),
    ),
    OutletOffline: (Standing.OFFLINE, _LATER),
    OutletFaulty: (Standing.FAULTED, _USE_ANOTHER),
    OutletDisabled: (Standing.DISABLED, _USE_ANOTHER),
    OutletOutOfOrder: (Standing.OUT_OF_USE, _USE_ANOTHER),
    OutletOutOfOrderFor: (
        Standing.OUT_OF_USE,
        marked("Nothing can be started and nothing is charged. The operator says: {note}"),
    ),
    SiteClosed: (Standing.CLOSED, marked("Nothing can be started and nothing is charged. It opens {opens}.")),
    SiteClosedForLong: (
        Standing.CLOSED,
        marked("Nothing can be started and nothing is charged. It is not known yet when it opens again."),
    ),
}
"""What each obstacle is to the driver, and what it means for the money and the way on."""


def standing(outlet: Outlet, now: datetime, *, mine: bool) -> Standing:
    """Tell what an outlet is for this driver; `mine` when the driver is charging at it."""
    return _standing(None if mine else sites.obstacle(outlet, now), mine=mine)[0]


def _standing(obstacle: KonsentoError | None, *, mine: bool) -> tuple[Standing, str]:
    if mine:
        return Standing.MINE, ""
    return (Standing.FREE, "") if obstacle is None else _OBSTACLES.get(type(obstacle), (Standing.OFFLINE, _LATER))


@dataclass(frozen=True, kw_only=True)
class OutletView:
    """What the pages write about an outlet."""

    code: str
    label: str
    """The code as it is printed."""
    name: str
    site: str
    site_page: str
    """Path of the site's page."""
    place: str
    standing: Standing
    free: bool
    sentence: str
    state: str
    tone: str
    advice: str
    seen: str
    open_until: str
    """When the site closes today or later; empty where it does not, or is closed."""
    offers: list[OfferView]
    """What can be bought, at least one."""
    offer: OfferView
    """What is chosen, or else shown first."""
    price: str
    """In short: of the only offer, else from the lowest one on."""
    rating: str
    presence: str
    """How a driver shows that they are there (`models.PresenceCheck`)."""


def outlet_view(
    language: Language,
    outlet: Outlet,
    offers: Sequence[Offer],
    now: datetime,
    *,
    chosen: Offer | None = None,
    benefits: Mapping[str, Sequence[Benefit]] = MappingProxyType({}),
    mine: bool,
) -> OutletView:
    """Describe an outlet, whose site is loaded, with what is sold there now: at least one offer.

    `benefits` are what is given for buying, by the name of the offer.
    """
    obstacle = None if mine else sites.obstacle(outlet, now)
    state, advice = _standing(obstacle, mine=mine)
    first = chosen or offers[0]
    return OutletView(
        code=outlet.code,
        label=codes.label(outlet.code),
        name=outlet.name,
        site=outlet.site.name,
        site_page=f"/sites/{outlet.site_id}",
        place=outlet.site.place,
        standing=state,
        free=state is Standing.FREE,
        sentence=language.text(_SENTENCES[state]),
        state=language.text(_STATES[state]),
        tone=_TONES.get(state, ""),
        advice=language.text(advice, **obstacle.values) if obstacle is not None else "",
        seen=_seen(language, outlet, now),
        open_until=_open_until(language, outlet, now),
        offers=[offer_view(language, offer, benefits.get(offer.name, ())) for offer in offers],
        offer=offer_view(language, first, benefits.get(first.name, ())),
        price=_price(language, offers),
        rating=f"{outlet.volts}\u00a0V · {language.power(outlet.rated_w)}",
        presence=outlet.site.presence,
    )


def _price(language: Language, offers: Sequence[Offer]) -> str:
    lowest = min(offers, key=lambda offer: offer.price.unit_price)
    price = offer_view(language, lowest).price
    return price if len(offers) == 1 else language.text("from {price}", price=price)


def _seen(language: Language, outlet: Outlet, now: datetime) -> str:
    if outlet.site.connected:
        return language.text("in contact now")
    heard = max((at for at in (outlet.last_seen, outlet.site.last_seen) if at is not None), default=None)
    if heard is None:
        return language.text("not seen yet")
    return language.text("seen {age} ago", age=language.duration(int((now - heard).total_seconds())))


def _open_until(language: Language, outlet: Outlet, now: datetime) -> str:
    closes = sites.opening(outlet.site, now).closes
    return language.moment(closes, ZoneInfo(outlet.site.time_zone)) if closes is not None else ""


def closes_before(language: Language, outlet: Outlet, now: datetime, seconds: int) -> str:
    """Return what a driver should know whose session is expected to end after the site has closed; else nothing."""
    closes = sites.opening(outlet.site, now).closes
    if closes is None or now + timedelta(seconds=seconds) <= closes:
        return ""
    return language.text(
        "The site closes {closes}, and this is expected to take longer. The charging goes on to its limit; ask"
        " at the site whether you can fetch your car then.",
        closes=closes.astimezone(ZoneInfo(outlet.site.time_zone)),
    )
