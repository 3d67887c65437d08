"""Asking a station something for a member of the staff: in the audit log before it is asked, then with the answer."""

from typing import Any

import msgspec

from konsento.backoffice.site import site_named
from konsento.models import StaffMember
from konsento.ocpp import CallError
from konsento.ocpp import messages as ocpp
from konsento.operations import audit
from konsento.services import Services

ANSWERED = "station.answered"
"""The action of the second entry; its detail `to` is what was asked."""


async def ask[R: ocpp.Response](
    services: Services, member: StaffMember, station_id: str, request: ocpp.Request[R], *, what: str, **details: Any
) -> R | CallError:
    """Note who asks what, ask, note what came of it, and return that.

    The question is committed first: whatever happens to this process, nobody asks a station anything that is not in
    the log. Raises `PageNotFound` where there is no such station.
    """
    async with services.database.transaction() as session:
        await site_named(session, station_id)
        shown = {name: value for name, value in details.items() if value not in ("", 0)}
        await audit.note(
            session, services.clock.now(), member.id, action=f"station.{what}", subject=station_id, details=shown
        )
    answer: R | CallError
    try:
        answer = await services.router.call(station_id, request)
    except CallError as error:
        answer = error
    async with services.database.transaction() as session:
        await audit.note(
            session,
            services.clock.now(),
            member.id,
            action=ANSWERED,
            subject=station_id,
            details={"to": what, "answer": _told(answer)},
        )
    return answer


def _told(answer: ocpp.Response | CallError) -> Any:
    if isinstance(answer, CallError):
        return str(answer)
    if isinstance(answer, ocpp.DataTransferResponse):
        return answer.status.value  # its data may be anything, and stays for ever
    return msgspec.to_builtins(answer)
