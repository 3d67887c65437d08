"""A quote as a driver reads it before agreeing: what, for how much, and what is held."""

from dataclasses import dataclass
from decimal import Decimal

from konsento import pricing
from konsento.charging.quote import Quote
from konsento.kit.i18n import Language
from konsento.kit.money import exponent, major_from_minor
from konsento.models import LimitKind, Outlet, Tariff
from konsento.pricing import Price

_USUAL_WH = 6000
"""Takes a small car about 40 km."""
_USUAL_S = 7200


@dataclass(frozen=True, kw_only=True)
class QuoteView:
    """What the price page writes."""

    sentence: str
    lines: list[tuple[str, str]]
    hold: str
    button: str


@dataclass(frozen=True, kw_only=True)
class KindView:
    """One kind of limit to choose."""

    kind: str
    title: str
    unit: str
    usual: str
    """The number that the field starts with."""


def quote_view(language: Language, quote: Quote) -> QuoteView:
    """Describe a quote."""
    text = language.text
    energy, duration, amount = _estimates(language, quote)
    hold = language.money(quote.hold_minor, quote.currency)
    price = text("{price} / kWh", price=language.unit_price(quote.unit_price, quote.currency))
    match quote.requested.kind:
        case LimitKind.ENERGY:
            sentence = text("{energy} for about {amount}.", energy=energy, amount=amount)
            lines = [(text("Ends at"), energy), (text("Time, about"), duration)]
        case LimitKind.TIME:
            sentence = text("{duration} for about {amount}.", duration=duration, amount=amount)
            lines = [(text("Ends after"), duration), (text("Energy, about"), energy)]
        case LimitKind.MONEY:
            sentence = text("{amount} of power, about {energy}.", amount=hold, energy=energy)
            lines = [(text("Ends at"), energy), (text("Time, about"), duration)]
    return QuoteView(
        sentence=sentence,
        lines=[(text("Price"), price), *lines, (text("Amount, about"), amount)],
        hold=hold,
        button=text("Start · about {amount}", amount=amount),
    )


def estimate_text(language: Language, quote: Quote) -> str:
    """Return the other two of energy, time and money, for the one that was asked for."""
    energy, duration, amount = _estimates(language, quote)
    match quote.requested.kind:
        case LimitKind.ENERGY:
            return language.text("about {duration} · about {amount}", duration=duration, amount=amount)
        case LimitKind.TIME:
            return language.text("about {energy} · about {amount}", energy=energy, amount=amount)
        case LimitKind.MONEY:
            return language.text("about {energy} · about {duration}", energy=energy, duration=duration)


def kinds(language: Language, outlet: Outlet, tariff: Tariff, available_minor: int) -> list[KindView]:
    """Return the kinds of limit with numbers to start from that the balance can pay."""
    price = Price(unit_price=tariff.unit_price, currency=tariff.currency, tax_rate=tariff.tax_rate)
    affordable = pricing.wh_for_money(price, available_minor)
    # The hold is a little more than the price of the energy, so not the whole balance is offered.
    wh = _round(Decimal(min(_USUAL_WH, affordable * 4 // 5 if affordable else _USUAL_WH)))
    minutes = _round(Decimal(min(_USUAL_S, pricing.time_for_energy(outlet.rated_w, int(wh)))) / 60)
    major = _round(major_from_minor(pricing.bill(price, int(wh)).total_minor, tariff.currency))
    symbol = language.currency_sign(tariff.currency)
    return [
        KindView(kind="energy", title=language.text("Energy"), unit="kWh", usual=_plain(wh / 1000)),
        KindView(
            kind="time", title=language.text("Time"), unit=language.text("min"), usual=_plain(max(minutes, Decimal(1)))
        ),
        KindView(
            kind="money",
            title=language.text("Money"),
            unit=symbol,
            usual=_plain(max(major, Decimal(1).scaleb(-exponent(tariff.currency)))),
        ),
    ]


def _estimates(language: Language, quote: Quote) -> tuple[str, str, str]:
    return (
        language.energy(quote.estimated_wh),
        language.duration(quote.estimated_s),
        language.money(quote.estimated_minor, quote.currency),
    )


def _round(value: Decimal) -> Decimal:
    """Return the largest number of one digit and zeros that is not above `value`."""
    if value < 1:
        return Decimal(0)
    step = Decimal(1).scaleb(value.adjusted())
    return value // step * step


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
