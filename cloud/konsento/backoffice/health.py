"""How the server is: processes, queues, journal, database."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from konsento.backoffice.render import office_page
from konsento.backoffice.who import Member
from konsento.models import WorkState
from konsento.operations import replicas, repository
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
    alive = [process for process in processes if replicas.alive(process, now)]
    return office_page(
        request,
        "health.html",
        member=member,
        processes=[(process, replicas.alive(process, now)) for process in processes],
        queues=[
            (kind, number, state is WorkState.DEAD, due_at, max(0, int((now - due_at).total_seconds())))
            for kind, state, number, due_at in queues
        ],
        frames=language.number(frames),
        oldest=oldest,
        newest=newest,
        waiting=sum(process.journal_waiting for process in alive),
        dropped=sum(process.journal_dropped for process in alive),
        days=services.settings.ocpp_journal_days,
        size=f"{language.number(size // 1024)} KiB",
        dialect=services.database.engine.dialect.name,
        version=replicas.own_version(),
        stations=sum(process.stations for process in alive),
        now=now,
    )
