"""The driver's balance: what there is, until when, and what came in and went out."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.charging import service as charging
from konsento.kit.i18n import Language, marked
from konsento.kit.money import major_from_minor
from konsento.models import BalanceLot
from konsento.payments import balance, ways
from konsento.payments.balance import Movement
from konsento.web.csv import Rows, csv_file, headings, local
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()

ON_THE_PAGE: Final = 50
"""Movements that the page shows; the table has all."""
MOVEMENTS: Final = {
    "top-up": marked("Topped up"),
    "welcome": marked("Welcome credit"),
    "goodwill": marked("Goodwill credit"),
    "capture": marked("Charging"),
    "refund": marked("Paid back to you"),
    "expired": marked("Time ran out"),
}
_HEADS: Final = (
    marked("Time"),
    marked("Zone of these times"),
    marked("What for"),
    marked("Amount"),
    marked("Currency"),
    marked("Charging"),
)


@dataclass(frozen=True, kw_only=True)
class LotRow:
    """What ends together."""

    left: str
    kind: str
    until: str


@dataclass(frozen=True, kw_only=True)
class MovementRow:
    """What came in or went out."""

    what: str
    when: str
    amount: str
    session_id: UUID | None


@router.get("/account/balance")
async def balance_page(request: Request, services: Wired, driver: SignedIn, done: str = "") -> Response:
    """Show the balance. Raises `PageNotFound` where there are none."""
    language, settings = language_of(request), services.settings
    async with services.database.transaction() as session:
        if not await balance.usable(session, settings, driver.id):
            raise PageNotFound
        zone = await zone_of(session, driver.id)
        stated = await balance.statement(session, driver.id, ON_THE_PAGE)
        ending = await balance.ending_soon(session, driver.id, services.clock.now())
    return page(
        request,
        "balance.html",
        driver=driver,
        available=language.money(stated.available_minor, settings.currency),
        held=language.money(stated.held_minor, settings.currency) if stated.held_minor else None,
        ending=ending_text(language, ending, zone),
        lots=[_lot(language, lot, zone) for lot in stated.lots],
        movements=[_movement(language, movement, zone) for movement in stated.movements],
        pays_in=settings.balance and bool(ways.external(services)),
        done=language.text("Paid. It is in your balance now.") if done == "paid" else None,
    )


@router.get("/account/balance.csv")
async def balance_table(request: Request, services: Wired, driver: SignedIn) -> Response:
    """Give all that came in and went out as a table."""
    language = language_of(request)
    async with services.database.transaction() as session:
        zone = await zone_of(session, driver.id)
        stated = await balance.statement(session, driver.id)

    async def rows() -> AsyncIterator[Rows]:
        yield [_cells(language, movement, zone) for movement in stated.movements]

    return csv_file("konsento-balance", headings(language, _HEADS), rows())


async def ending_of(session: AsyncSession, services: Wired, driver_id: UUID, language: Language) -> str | None:
    """Return what tells a driver that a part of the balance ends soon; None for nothing to tell."""
    ending = await balance.ending_soon(session, driver_id, services.clock.now())
    return ending_text(language, ending, await zone_of(session, driver_id)) if ending is not None else None


def ending_text(language: Language, lot: BalanceLot | None, zone: ZoneInfo) -> str | None:
    """Return the sentence about the lot that ends next."""
    if lot is None or lot.expires_at is None:
        return None
    return language.text(
        "{amount} of your balance can be used until {day} only.",
        amount=language.money(lot.left_minor - lot.held_minor, lot.currency),
        day=language.day(lot.expires_at, zone),
    )


def _lot(language: Language, lot: BalanceLot, zone: ZoneInfo) -> LotRow:
    day = language.day(lot.expires_at, zone) if lot.expires_at is not None else None
    return LotRow(
        left=language.money(lot.left_minor, lot.currency),
        kind=language.text("Given by the operator") if lot.promotional else language.text("Paid in"),
        until=language.text("until {day}", day=day) if day is not None else language.text("without an end"),
    )


def _movement(language: Language, movement: Movement, zone: ZoneInfo) -> MovementRow:
    sign = "+" if movement.amount_minor > 0 else "−"
    return MovementRow(
        what=language.text(MOVEMENTS.get(movement.reason, movement.reason)),
        when=language.moment(movement.at, zone),
        amount=sign + language.money(abs(movement.amount_minor), movement.currency),
        session_id=movement.session_id,
    )


def _cells(language: Language, movement: Movement, zone: ZoneInfo) -> Sequence[object]:
    return [
        local(movement.at, zone.key),
        zone.key,
        language.text(MOVEMENTS.get(movement.reason, movement.reason)),
        major_from_minor(movement.amount_minor, movement.currency),
        movement.currency,
        str(movement.session_id or ""),
    ]


async def zone_of(session: AsyncSession, driver_id: UUID) -> ZoneInfo:
    """Return the time zone in which a driver began to charge."""
    first = await charging.first(session, driver_id)
    return ZoneInfo(first.time_zone) if first is not None else ZoneInfo("UTC")
