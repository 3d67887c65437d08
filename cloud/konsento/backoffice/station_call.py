"""Asking a station something for a member of the staff: in the audit log before it is asked, then with the answer."""

from typing import Any

import msgspec

from konsento.backoffice.site import site_named
from konsento.models import StaffMember
from konsento.ocpp import CallError
from konsento.ocpp import messages as ocpp
from konsento.remote import calls
from konsento.services import Services


async def ask[R: ocpp.Response](
    services: Services, member: StaffMember, station_id: str, request: ocpp.Request[R], *, what: str, **details: Any
) -> R | CallError:
    """Ask, with entries in the audit log before and after (`remote.calls`).

    Raises `PageNotFound` where there is no such station.
    """
    async with services.database.transaction() as session:
        await site_named(session, station_id)
    return await calls.logged(
        services,
        member.id,
        station_id,
        what=what,
        details={name: value for name, value in details.items() if value not in ("", 0)},
        ask=lambda: services.router.call(station_id, request),
        told=lambda answer: {"answer": _told(answer)},
    )


def _told(answer: ocpp.Response) -> Any:
    if isinstance(answer, ocpp.DataTransferResponse):
        return answer.status.value  # its data may be anything, and stays for ever
    return msgspec.to_builtins(answer)
