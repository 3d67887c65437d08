"""All messages that the journal keeps: searched, shown a page at a time, given out as a file."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from konsento.backoffice import asked, message_search, repository
from konsento.backoffice.message_search import Place, Sought
from konsento.backoffice.render import office_page
from konsento.backoffice.station_now import Message
from konsento.backoffice.who import Member
from konsento.kit.i18n import marked
from konsento.models import Direction, OcppFrame
from konsento.ocpp.actions import known_actions
from konsento.ocpp.messages import Version
from konsento.services import Services
from konsento.web.csv import Rows, csv_file, headings
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

PAGE: Final = 50
TYPES: Final = ("CALL", "CALLRESULT", "CALLERROR", "CALLRESULTERROR", "SEND", "unreadable")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Filters(BaseModel):
    """What is typed into the search. Nonsense narrows nothing."""

    station: str = ""
    direction: str = ""
    action: str = ""
    type: str = ""
    transaction: str = ""
    text: str = ""
    failed: bool = False
    since: str = ""
    until: str = ""
    before: str = ""
    """From where an older page goes on."""

    def sought(self, time_zone: str) -> Sought:
        """Return what it means; times are those of the zone."""
        return Sought(
            station_id=self.station.strip()[:48],
            direction=Direction(self.direction) if self.direction in set(Direction) else None,
            type=self.type if self.type in TYPES else "",
            action=self.action.strip()[:64],
            transaction_id=self.transaction.strip()[:36],
            failed=self.failed,
            text=self.text[:200],
            since=asked.moment(self.since, time_zone),
            until=asked.moment(self.until, time_zone),
        )

    @property
    def place(self) -> Place | None:
        """From where to go on; None for the newest."""
        at, _, number = self.before.partition("-")
        if not (at.isdecimal() and number.isdecimal() and len(at) <= 17 and len(number) <= 18):
            return None
        return _EPOCH + timedelta(microseconds=int(at)), int(number)

    @property
    def narrowing(self) -> dict[str, object]:
        """What narrows the search, as it stands in an address."""
        return self.model_dump(exclude={"before"}, exclude_defaults=True)


def _written(place: Place) -> str:
    return f"{(place[0] - _EPOCH) // timedelta(microseconds=1)}-{place[1]}"


@router.get("/messages")
async def messages_page(
    request: Request, services: Wired, member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Search the messages, the newest first."""
    async with services.database.transaction() as session:
        sites = await repository.all_sites(session)
    names = {site.station_id: site.name for site in sites}
    zone = await _zone(services, filters)
    found = await message_search.look(services.database, filters.sought(zone), before=filters.place, most=PAGE)
    language, now = language_of(request), services.clock.now()
    return office_page(
        request,
        "messages.html",
        member=member,
        messages=[Message.of(language, frame, now) for frame in found.frames],
        names=names,
        actions=sorted(known_actions(Version.V21)),
        types=TYPES,
        filters=filters,
        query=filters.narrowing,
        further=_written(found.further) if found.further is not None else "",
        back_to=found.back_to,
        zone=zone,
        days=services.settings.ocpp_journal_days,
    )


COLUMNS: Final = (
    marked("Time (UTC)"), marked("Station"), marked("Direction"), marked("Type"), marked("Action"),
    marked("Message id"), marked("Transaction"), marked("Answered after (ms)"), marked("Payload"),
)  # fmt: skip


@router.get("/messages.csv")
async def messages_csv(
    request: Request, services: Wired, _member: Member, filters: Annotated[Filters, Query()]
) -> Response:
    """Return all that the search finds as a table."""
    sought = filters.sought(await _zone(services, filters))

    async def parts() -> AsyncIterator[Rows]:
        async for frames in message_search.every(services.database, sought):
            yield [
                (_time(f), f.station_id, f.direction.value, f.type, f.action, f.message_id, f.transaction_id, f.took_ms,
                 f.text)
                for f in frames
            ]  # fmt: skip

    return csv_file("messages", headings(language_of(request), COLUMNS), parts())


@router.get("/messages.jsonl")
async def messages_jsonl(services: Wired, _member: Member, filters: Annotated[Filters, Query()]) -> Response:
    """Return all that the search finds, one JSON object a line, for programs."""
    sought = filters.sought(await _zone(services, filters))

    async def lines() -> AsyncIterator[str]:
        async for frames in message_search.every(services.database, sought):
            yield "".join(f"{json.dumps(_object(frame), ensure_ascii=False)}\n" for frame in frames)

    headers = {"Content-Disposition": 'attachment; filename="messages.jsonl"'}
    return StreamingResponse(lines(), media_type="application/jsonl", headers=headers)


def _object(frame: OcppFrame) -> dict[str, object]:
    try:
        payload = json.loads(frame.text)
    except ValueError:
        payload = frame.text
    return {
        "at": _time(frame),
        "station": frame.station_id,
        "direction": frame.direction.value,
        "type": frame.type,
        "action": frame.action,
        "messageId": frame.message_id,
        "transactionId": frame.transaction_id,
        "tookMs": frame.took_ms,
        "payload": payload,
    }


def _time(frame: OcppFrame) -> str:
    return frame.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _zone(services: Services, filters: Filters) -> str:
    """Return by whose clock times are typed and shown: the site's, else that of most sites."""
    async with services.database.transaction() as session:
        zones = {site.station_id: site.time_zone for site in await repository.all_sites(session)}
    return zones.get(filters.station.strip()) or asked.usual_zone(zones.values())
