"""A price as a driver reads it before anything starts: for how much, and what is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from konsento import pricing
from konsento.charging.limits import MOST_WH
from konsento.charging.progress import Progress
from konsento.charging.quote import Quote, Terms
from konsento.charging.sold import Sold
from konsento.kit.i18n import Language, marked
from konsento.kit.money import exponent, major_from_minor
from konsento.models import LimitKind, Metering
from konsento.payments import later
from konsento.payments.seen import Card
from konsento.payments.ways import CARD, Method, Way
from konsento.pricing import Component, Usage
from konsento.web.price_view import idle_note, price_lines, price_text
from konsento.web.words import card_name, payment_method

_USUAL_WH = 6000
"""Takes a small car about 40 km."""
_USUAL_S = 7200
_RULE = marked("The outlet measures, we bill that: whole Wh × unit price, rounded down.")
_RULE_OF_ALL = marked(
    "The outlet measures energy and time, we bill that: whole Wh and seconds × unit price, and the sum is rounded down."
)
_RULE_OF_TIME = marked(
    "The outlet counts the time, we bill that: whole seconds × unit price, and the sum is rounded down."
)


@dataclass(frozen=True, kw_only=True)
class QuoteView:
    """What the price page writes."""

    sentence: str
    prices: list[tuple[str, str]]
    """What it costs, as was shown before."""
    idle_note: str
    rule: str
    """How the bill is made."""
    lines: list[tuple[str, str]]
    tax_rate: str
    hold: str
    held: str
    """What is held, as a sentence."""
    button: str


@dataclass(frozen=True, kw_only=True)
class KindView:
    """One kind of limit to choose."""

    kind: str
    title: str
    unit: str
    usual: str
    """The number that the field starts with; empty for a kind without one."""


@dataclass(frozen=True, kw_only=True)
class MethodView:
    """One way to pay."""

    provider: str
    """What the form sends: `Way`."""
    title: str
    detail: str
    is_new_card: bool = False
    prepaid: bool = False


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What the form for an amount shows about the amount that stands in it."""

    ok: bool = True
    text: str
    """The other two of energy, time and money, or what is wrong."""
    button: str


def quote_view(language: Language, quote: Quote, begins: str = "") -> QuoteView:
    """Describe a quote; `begins` is the time of the day at which it starts by itself, empty for a start now."""
    language = _spoken(language, quote.sold)
    text = language.text
    energy, duration, amount = _estimates(language, quote)
    hold = language.money(quote.hold_minor, quote.currency)
    button = (
        text("Start by itself from {time} · about {amount}", time=begins, amount=amount)
        if begins
        else text("Start · about {amount}", amount=amount)
    )
    estimates = [(text("Amount, about"), amount)]
    match quote.requested.kind:
        case LimitKind.FULL:
            sentence = text("Until the car is full, {amount} at most.", amount=hold)
            lines = [(text("Ends when"), text("the car takes no more"))]
            lines += [(text("Or at the latest at"), energy)] if quote.energy_limit_wh is not None else []
            lines += [(text("or after"), language.duration(quote.time_limit_s or 0))]
            estimates = []
            button = (
                text("Start by itself from {time} · {amount} at most", time=begins, amount=hold)
                if begins
                else text("Start · {amount} at most", amount=hold)
            )
        case LimitKind.ENERGY:
            sentence = text("{energy} for about {amount}.", energy=energy, amount=amount)
            lines = _ends(language, quote)
        case LimitKind.TIME:
            sentence = text("{duration} for about {amount}.", duration=duration, amount=amount)
            lines = [(text("Ends after"), duration), (text("Energy, about"), energy)]
        case LimitKind.MONEY:
            sentence = text("{amount} of power, about {energy}.", amount=hold, energy=energy)
            lines = _ends(language, quote)
    flat = quote.price.flat
    prices = [(text("Price"), price_text(language, quote.price))] if flat else price_lines(language, quote.price)
    return QuoteView(
        sentence=sentence,
        prices=[(name, price) for name, price in prices],
        idle_note=idle_note(language, quote.price),
        rule=text(_rule(quote)),
        lines=[*lines, *estimates],
        tax_rate=language.percent(quote.price.tax_rate),
        hold=hold,
        held=text("Nothing is held before it starts; then {hold}, and only what you use is taken.", hold=hold)
        if quote.hold_minor and begins
        else text("We hold {hold} until the end and take only what you use.", hold=hold)
        if quote.hold_minor
        else text("Nothing is held: this power is free."),
        button=button,
    )


def _rule(quote: Quote) -> str:
    """Return the message for how the bill is made."""
    if quote.price.flat:
        return _RULE
    by_energy = any(rate.component is Component.ENERGY for rate in quote.price.rates)
    return _RULE_OF_ALL if by_energy else _RULE_OF_TIME


def _ends(language: Language, quote: Quote) -> list[tuple[str, str]]:
    """Return what ends an amount of energy or money: the energy; where that is only estimated, the time."""
    energy, duration, _ = _estimates(language, quote)
    if quote.energy_limit_wh is None and quote.time_limit_s is not None:
        ends = language.duration(quote.time_limit_s)
        return [(language.text("Ends after"), ends), (language.text("Energy, about"), energy)]
    return [
        (language.text("Ends at"), energy),
        *_latest(language, quote),
        (language.text("Time, about"), duration),
    ]


def _latest(language: Language, quote: Quote) -> list[tuple[str, str]]:
    """Return by when it is over, where time is paid for too."""
    if quote.time_limit_s is None or quote.price.flat:
        return []
    return [(language.text("or after"), language.duration(quote.time_limit_s))]


def method_views(
    language: Language, offers: list[tuple[Method | None, Quote]], cards: Mapping[str, Sequence[Card]]
) -> list[MethodView]:
    """Return the ways to pay that can hold the price, each with what it holds; `cards` are saved, by provider."""
    return [
        MethodView(
            provider=str(Way(provider=way.provider, method=way.method, card=card.reference if card else "")),
            title=card_name(card.brand, card.last4)
            if card
            else language.text(payment_method(way.method or way.provider)),
            detail=_detail(language, way, quote),
            is_new_card=card is None and way.method == CARD,
            prepaid=way.prepaid,
        )
        for way, quote in offers
        if way is not None
        for card in (*(cards.get(way.provider, ()) if way.method == CARD else ()), None)
    ]


def way_views(
    language: Language, ways: Sequence[Method], cards: Mapping[str, Sequence[Card]] | None = None
) -> list[MethodView]:
    """Return ways to pay an amount at once."""
    return [
        MethodView(
            provider=str(Way(provider=way.provider, method=way.method, card=card.reference if card else "")),
            title=card_name(card.brand, card.last4)
            if card
            else language.text(payment_method(way.method or way.provider)),
            detail="",
        )
        for way in ways
        for card in (*((cards or {}).get(way.provider, ()) if way.method == CARD else ()), None)
    ]


def _detail(language: Language, way: Method, quote: Quote) -> str:
    amount = language.money(quote.hold_minor, quote.currency)
    if way.prepaid:
        return language.text("you pay {amount} now", amount=amount)
    if way.provider in later.NAMES:
        return language.text("holds nothing")
    return language.text("holds {amount}", amount=amount)


def price_button(language: Language, quote: Quote) -> str:
    """Return what the button of the form says."""
    amount = language.money(quote.estimated_minor, quote.currency)
    if quote.requested.kind is LimitKind.FULL:
        return language.text("See the price: {amount} at most", amount=amount)
    return language.text("See the price: about {amount}", amount=amount)


def estimate_text(language: Language, quote: Quote) -> str:
    """Return the other two of energy, time and money, for the one that was asked for."""
    language = _spoken(language, quote.sold)
    energy, duration, amount = _estimates(language, quote)
    match quote.requested.kind:
        case LimitKind.FULL:
            return language.text(
                "Ends when the car takes no more: {energy}, {duration}, {amount} at most",
                energy=energy,
                duration=duration,
                amount=amount,
            )
        case LimitKind.ENERGY:
            return language.text("about {duration} · about {amount}", duration=duration, amount=amount)
        case LimitKind.TIME:
            return language.text("about {energy} · about {amount}", energy=energy, amount=amount)
        case LimitKind.MONEY:
            return language.text("about {energy} · about {duration}", energy=energy, duration=duration)


def change_text(language: Language, quote: Quote) -> str:
    """Return what a session with another limit comes to as a whole."""
    language = _spoken(language, quote.sold)
    energy, duration, amount = _estimates(language, quote)
    hold = language.money(quote.hold_minor, quote.currency)
    return language.text(
        "In all, from the start: {energy}, {duration}, {amount}. {hold} is held.",
        energy=energy,
        duration=duration,
        amount=amount,
        hold=hold,
    )


def change_button(language: Language, quote: Quote) -> str:
    """Return what the button of the form for another limit says."""
    return language.text("Change · {amount} in all", amount=language.money(quote.estimated_minor, quote.currency))


def change_kinds(language: Language, progress: Progress) -> list[KindView]:
    """Return the kinds of limit with numbers a little above what a session has reached."""
    language = _spoken(language, progress.sold)
    wh = Decimal(-(-(progress.delivered_mwh + 1_000_000) // 1_000_000))
    minutes = Decimal(-(-(progress.seconds + 1800) // 1800) * 30)
    major = major_from_minor(progress.amount_minor, progress.currency)
    chosen = {LimitKind.ENERGY: wh, LimitKind.TIME: minutes, LimitKind.MONEY: (major // 100 + 1) * 100}
    match progress.limit_kind:
        case LimitKind.ENERGY:
            chosen[LimitKind.ENERGY] = Decimal(progress.limit_amount) / 1000
        case LimitKind.TIME:
            chosen[LimitKind.TIME] = Decimal(progress.limit_amount) / 60
        case LimitKind.MONEY:
            chosen[LimitKind.MONEY] = major_from_minor(progress.limit_amount, progress.currency)
        case LimitKind.FULL:
            pass
    return _kinds(language, progress.currency, {kind: _plain(amount) for kind, amount in chosen.items()})


def most_text(language: Language, terms: Terms) -> str:
    """Return the operator's maximum at this outlet as a sentence; empty where there is none."""
    language = _spoken(language, terms.sold)
    energy = language.energy(terms.outlet_wh) if terms.outlet_wh is not None else ""
    duration = language.duration(terms.outlet_s) if terms.outlet_s is not None else ""
    if energy and duration:
        return language.text(
            "Here one charging ends at {energy} or after {duration} at the latest.", energy=energy, duration=duration
        )
    if energy:
        return language.text("Here one charging ends at {energy} at the latest.", energy=energy)
    if duration:
        return language.text("Here one charging ends after {duration} at the latest.", duration=duration)
    return ""


def kinds(language: Language, terms: Terms, funds_minor: int | None) -> list[KindView]:
    """Return the kinds of limit with numbers to start from that can be paid; None for unknown funds."""
    language = _spoken(language, terms.sold)
    usual = min(_USUAL_WH, terms.most_wh)
    if funds_minor is not None:
        paid = pricing.affordable(terms.worst, funds_minor, terms.rated_w, (MOST_WH, terms.most_s))
        # The hold is a little more than the price of the energy, so not all of the money is offered.
        usual = min(usual, paid[0] * 4 // 5) if paid is not None else usual
    wh = _round(Decimal(usual))
    seconds = min(_USUAL_S, terms.most_s, pricing.time_for_energy(terms.rated_w, int(wh)))
    minutes = _round(Decimal(seconds) / 60)
    currency = terms.price.currency
    usage = Usage.steady(begin=terms.at, mwh=int(wh) * 1000, supply_s=seconds)
    major = _round(major_from_minor(pricing.bill(terms.price, usage).total_minor, currency))
    usual_amounts = {
        LimitKind.ENERGY: _plain(wh / 1000),
        LimitKind.TIME: _plain(max(minutes, Decimal(1))),
        LimitKind.MONEY: _plain(max(major, Decimal(1).scaleb(-exponent(currency)))),
    }
    return _kinds(language, currency, usual_amounts)


def _spoken(language: Language, sold: Sold) -> Language:
    """Return a language as it writes the energy of an outlet."""
    return language.estimating(estimated=sold.metering is Metering.ESTIMATED)


def _kinds(language: Language, currency: str, usual: dict[LimitKind, str]) -> list[KindView]:
    titles = {
        LimitKind.FULL: (language.text("Until full"), ""),
        LimitKind.ENERGY: (language.text("Energy"), language.energy_unit("kWh")),
        LimitKind.TIME: (language.text("Time"), language.text("min")),
        LimitKind.MONEY: (language.text("Money"), language.currency_sign(currency)),
    }
    return [
        KindView(kind=kind, title=title, unit=unit, usual=usual.get(kind, "")) for kind, (title, unit) in titles.items()
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
