"""Prices that follow the grid in words: what counts now, when it changes, and that a session keeps its own."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.catalogue.service import Offer
from konsento.kit.i18n import Language, marked
from konsento.pricing import Basis, Component, Price, Rate, Why
from konsento.pricing.following import FollowsSpot

_CHANGES: Final = marked("{said} This price changes with the spot market.")
_CHANGES_EVERY: Final = {
    timedelta(minutes=15): marked("{said} This price changes every quarter of an hour with the spot market."),
    timedelta(minutes=30): marked("{said} This price changes every half hour with the spot market."),
    timedelta(hours=1): marked("{said} This price changes every hour with the spot market."),
}


def follows_text(language: Language, offer: Offer) -> str:
    """Return what a driver reads beside the price of this moment; empty where it follows nothing."""
    price, following = offer.price, offer.following
    if following is None or price.basis is None:
        return ""
    said = _now(language, price, price.basis)
    if isinstance(following, FollowsSpot):
        said = language.text(_CHANGES_EVERY.get(_long(price.basis), _CHANGES), said=said)
        floor, cap = (_per_kwh(language, price, limit) for limit in (following.floor, following.cap))
        said = language.text("{said} It stays between {floor} and {cap}.", said=said, floor=floor, cap=cap)
    elif price.basis.why is Why.WINDOW:
        said = language.text("{said} This is a recommended time, in which it costs less.", said=said)
    else:
        inside = _per_kwh(language, price, following.inside)
        said = language.text("{said} In recommended times it is {price}.", said=said, price=inside)
    return language.text("{said} Yours is fixed when you start.", said=said)


def follows_briefly(language: Language, offer: Offer) -> str:
    """Return the same in a few words, where several offers stand side by side."""
    price, following = offer.price, offer.following
    if following is None or price.basis is None:
        return ""
    until = _clock(language, price, price.basis.end) if price.basis.end is not None else ""
    match price.basis.why:
        case Why.SPOT:
            return language.text("by the spot market, until {time}", time=until)
        case Why.WINDOW:
            return language.text("recommended time, until {time}", time=until)
    if isinstance(following, FollowsSpot):
        return language.text("by the spot market")
    return language.text("in recommended times {price}", price=_per_kwh(language, price, following.inside))


def _now(language: Language, price: Price, basis: Basis) -> str:
    energy = next(rate.price for rate in price.rates if rate.component is Component.ENERGY)
    now = _per_kwh(language, price, energy)
    if basis.end is not None:
        return language.text("Now {price}, until {time}.", price=now, time=_clock(language, price, basis.end))
    if basis.why is Why.UNKNOWN:
        return language.text("Now {price}: the spot price of this time is not known here.", price=now)
    return language.text("Now {price}.", price=now)


def _long(basis: Basis) -> timedelta:
    """Return how long the slot of a price is; nothing where none is known."""
    return basis.end - basis.begin if basis.begin is not None and basis.end is not None else timedelta(0)


def _per_kwh(language: Language, price: Price, asked: Decimal) -> str:
    gross = price.gross(Rate(component=Component.ENERGY, price=asked))
    return language.text("{price} / kWh", price=language.unit_price(gross, price.currency))


def _clock(language: Language, price: Price, at: datetime) -> str:
    return language.clock(at, ZoneInfo(price.time_zone))
