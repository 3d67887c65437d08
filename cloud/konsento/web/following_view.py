"""Prices that follow the grid in words: what counts now, when it changes, and that a session keeps its own."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from konsento.catalogue.service import Offer
from konsento.kit.i18n import Language, marked
from konsento.pricing import Basis, Component, Price, Rate, Why
from konsento.pricing.following import FollowsSpot, FollowsWindows

_CHANGES: Final = marked("This price changes with the spot market.")
_CHANGES_EVERY: Final = {
    timedelta(minutes=15): marked("This price changes every quarter of an hour with the spot market."),
    timedelta(minutes=30): marked("This price changes every half hour with the spot market."),
    timedelta(hours=1): marked("This price changes every hour with the spot market."),
}


def follows_text(language: Language, offer: Offer) -> str:
    """Return what a driver reads beside the price of this moment; empty where it follows nothing."""
    price, following = offer.price, offer.following
    if following is None or price.basis is None:
        return ""
    if isinstance(following, FollowsWindows):
        changes = (
            language.text("This is a recommended time, in which it costs less.")
            if price.basis.why is Why.WINDOW
            else language.text("In recommended times it is {price}.", price=_per_kwh(language, price, following.inside))
        )
    else:
        changes = f"{_changes(language, price.basis)} {_between(language, price, following)}"
    return " ".join((_now(language, price, price.basis), changes, language.text("Yours is fixed when you start.")))


def _now(language: Language, price: Price, basis: Basis) -> str:
    energy = next(rate.price for rate in price.rates if rate.component is Component.ENERGY)
    now = _per_kwh(language, price, energy)
    if basis.end is not None:
        return language.text("Now {price}, until {time}.", price=now, time=_clock(language, price, basis.end))
    if basis.why is Why.UNKNOWN:
        return language.text("Now {price}: the spot price of this time is not known here.", price=now)
    return language.text("Now {price}.", price=now)


def _changes(language: Language, basis: Basis) -> str:
    long = basis.end - basis.begin if basis.begin is not None and basis.end is not None else None
    return language.text(_CHANGES_EVERY.get(long, _CHANGES) if long is not None else _CHANGES)


def _between(language: Language, price: Price, following: FollowsSpot) -> str:
    """Return between which prices one stays that is made from the spot price."""
    floor, cap = (_per_kwh(language, price, limit) for limit in (following.floor, following.cap))
    return language.text("It stays between {floor} and {cap}.", floor=floor, cap=cap)


def _per_kwh(language: Language, price: Price, asked: Decimal) -> str:
    gross = price.gross(Rate(component=Component.ENERGY, price=asked))
    return language.text("{price} / kWh", price=language.unit_price(gross, price.currency))


def _clock(language: Language, price: Price, at: datetime) -> str:
    return language.clock(at, ZoneInfo(price.time_zone))
