"""A driver's sessions and receipts."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.charging import service as charging
from konsento.charging.progress import Progress
from konsento.kit.i18n import Language
from konsento.models import SessionState
from konsento.payments import balance
from konsento.web.language import language_of
from konsento.web.render import page
from konsento.web.who import SignedIn, Wired

router = APIRouter()


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
async def history_page(request: Request, services: Wired, driver: SignedIn) -> Response:
    """List the driver's sessions, the newest first."""
    language = language_of(request)
    async with services.database.transaction() as session:
        sessions = await charging.history(session, driver.id)
        available = await balance.available(session, driver.id)
    return page(
        request,
        "history.html",
        driver=driver,
        sessions=[_row(language, progress) for progress in sessions],
        balance=language.money(available, services.settings.currency),
    )


def _row(language: Language, progress: Progress) -> HistoryRow:
    match progress.state:
        case SessionState.SETTLED:
            amount = language.money(progress.amount_minor, progress.currency)
        case SessionState.FAILED:
            amount = language.text("not started")
        case SessionState.ENDED:
            amount = language.text("being settled")
        case _:
            amount = language.text("charging now")
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
