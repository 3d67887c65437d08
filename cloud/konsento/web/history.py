"""A driver's sessions and receipts: a list by month, and a table for a spreadsheet."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from konsento.charging import service as charging
from konsento.charging.progress import Progress
from konsento.kit.i18n import Language, marked
from konsento.kit.money import major_from_minor
from konsento.models import Metering, SessionState
from konsento.payments import balance
from konsento.web.csv import Rows, csv_file, headings, local
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()

ON_A_PAGE = 20
MOST_MONTHS = 36
"""Months to choose from."""

_HEADS = (
    marked("Begin"),
    marked("End"),
    marked("Zone of these times"),
    marked("Site"),
    marked("Outlet"),
    marked("Code"),
    marked("Energy, kWh"),
    marked("Price per kWh"),
    marked("Amount"),
    marked("Currency"),
    marked("State"),
    marked("Charging"),
)

Month = Annotated[str, Query(pattern=r"^$|^20\d\d-(0[1-9]|1[0-2])$")]


@dataclass(frozen=True, kw_only=True)
class HistoryRow:
    """One session in the list."""

    id: UUID
    outlet: str
    site: str
    when: str
    amount: str
    energy: str


@router.get("/history")
async def history_page(
    request: Request,
    services: Wired,
    driver: SignedIn,
    month: Month = "",
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """List the driver's sessions, the newest first, of all times or of a month (`2026-11`)."""
    language = language_of(request)
    async with services.database.transaction() as session:
        oldest = await charging.first(session, driver.id)
        period = _period(month, oldest)
        # One more than is shown tells whether there is a next page.
        sessions = await charging.history(session, driver.id, period, ON_A_PAGE + 1, (number - 1) * ON_A_PAGE)
        available = await balance.available(session, driver.id)
    return page(
        request,
        "history.html",
        driver=driver,
        sessions=[_row(language, progress) for progress in sessions[:ON_A_PAGE]],
        balance=language.money(available, services.settings.currency),
        month=month,
        months=[(name, language.month(at)) for name, at in _months(oldest, services.clock.now())],
        newer=number - 1,
        older=number + 1 if len(sessions) > ON_A_PAGE else 0,
    )


@router.get("/history.csv")
async def history_table(request: Request, services: Wired, driver: SignedIn, month: Month = "") -> Response:
    """Give the same sessions as a table."""
    async with services.database.transaction() as session:
        period = _period(month, await charging.first(session, driver.id))
        sessions = await charging.history(session, driver.id, period)
    language = language_of(request)

    async def rows() -> AsyncIterator[Rows]:
        yield [_cells(language, progress) for progress in sessions]

    return csv_file(f"konsento-{month or 'all'}", headings(language, _HEADS), rows())


def _period(month: str, oldest: Progress | None) -> tuple[datetime, datetime] | None:
    if not month:
        return None
    begin = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=_zone(oldest))
    return begin, _next_month(begin)


def _months(oldest: Progress | None, now: datetime) -> list[tuple[str, datetime]]:
    """Return the months since the driver's first session as `2026-11` and a moment in each, the newest first."""
    if oldest is None:
        return []
    zone = _zone(oldest)
    at = oldest.created_at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = []
    while at <= now:
        months.append((at.strftime("%Y-%m"), at))
        at = _next_month(at)
    return months[::-1][:MOST_MONTHS]


def _zone(oldest: Progress | None) -> ZoneInfo:
    # A driver's months begin where the driver began to charge; sessions elsewhere still show their own local time.
    return ZoneInfo(oldest.time_zone) if oldest is not None else ZoneInfo("UTC")


def _next_month(at: datetime) -> datetime:
    return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)


def _cells(language: Language, progress: Progress) -> Sequence[object]:
    wh = progress.billed_wh if progress.billed_wh is not None else progress.delivered_mwh // 1000
    amount = major_from_minor(progress.amount_minor, progress.currency)
    return [
        local(progress.started_at or progress.created_at, progress.time_zone),
        local(progress.ended_at, progress.time_zone),
        progress.time_zone,
        progress.site_name,
        progress.outlet_name,
        progress.outlet_code,
        Decimal(wh).scaleb(-3),
        progress.price.unit_price,
        amount,
        progress.currency,
        _state(language, progress.state),
        str(progress.session_id),
    ]


def _state(language: Language, state: SessionState) -> str:
    match state:
        case SessionState.SETTLED:
            return language.text("settled")
        case SessionState.FAILED:
            return language.text("not started")
        case SessionState.ENDED:
            return language.text("being settled")
        case _:
            return language.text("charging now")


def _row(language: Language, progress: Progress) -> HistoryRow:
    settled = progress.state is SessionState.SETTLED
    language = language.estimating(estimated=progress.sold.metering is Metering.ESTIMATED)
    amount = language.money(progress.amount_minor, progress.currency) if settled else _state(language, progress.state)
    if progress.billed_wh is not None:
        energy = language.energy(progress.billed_wh)
    else:
        energy = "\u00a0".join(language.energy_so_far(progress.delivered_mwh))
    return HistoryRow(
        id=progress.session_id,
        outlet=progress.outlet_name,
        site=progress.site_name,
        when=language.moment(progress.started_at or progress.created_at, ZoneInfo(progress.time_zone)),
        amount=amount,
        energy=energy,
    )
