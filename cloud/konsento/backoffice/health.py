"""How the server is: processes, queues, journal, database."""

from decimal import Decimal

from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Member
from konsento.backoffice.words import WORK, found_in
from konsento.kit.i18n import NBSP, Language
from konsento.models import WorkState
from konsento.operations import alarms, replicas, repository
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()


@router.get("/health")
async def health_page(request: Request, services: Wired, member: Member) -> Response:
    """Show it."""
    now = services.clock.now()
    language = language_of(request)
    async with services.database.transaction() as session:
        processes = await repository.replicas(session)
        queues = await repository.queues(session)
        frames, oldest, newest = await repository.journal_facts(session)
        size = await repository.database_bytes(session)
        disk = alarms.disk_of(session)
    alive = [process for process in processes if replicas.alive(process, now)]
    return office_page(
        request,
        "health.html",
        member=member,
        processes=[(process, replicas.alive(process, now)) for process in processes],
        queues=[
            (
                found_in(language, WORK, kind),
                number,
                state is WorkState.DEAD,
                due_at,
                max(0, int((now - due_at).total_seconds())),
            )
            for kind, state, number, due_at in queues
        ],
        frames=language.number(frames),
        oldest=oldest,
        newest=newest,
        waiting=sum(process.journal_waiting for process in alive),
        dropped=sum(process.journal_dropped for process in alive),
        days=services.settings.ocpp_journal_days,
        most=services.settings.ocpp_journal_max_rows,
        size=bytes_text(language, size),
        free=bytes_text(language, disk.free) if disk else "",
        nearly_full=disk is not None and disk.free < disk.total * alarms.LEAST_FREE,
        dialect=services.database.engine.dialect.name,
        version=replicas.own_version(),
        stations=sum(process.stations for process in alive),
        now=now,
    )


def bytes_text(language: Language, number: int) -> str:
    """Return a size with three digits or so."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if number >= size:
            return f"{language.number(Decimal(number) / size, 1)}{NBSP}{unit}"
    return f"{language.number(number // 1024)}{NBSP}KiB"
