"""Which member of the staff is asking, and whether the role allows it."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from konsento.models import StaffMember
from konsento.services import Services
from konsento.staff import service as staff
from konsento.staff.errors import NotYourRole, StaffSignInNeeded
from konsento.staff.permissions import Permission, may
from konsento.web.errors import PageNotFound
from konsento.web.security import cookie_name
from konsento.web.who import services_of

FOLDER = "/office"
"""Where the back office is, and its cookie goes."""


def staff_cookie(services: Services) -> str:
    """Return the name of the cookie that says who is signed in here."""
    return cookie_name("konsento_staff", services.settings.public_url, FOLDER)


async def maybe_member(request: Request) -> StaffMember | None:
    """Return who is signed in to the back office in this browser, or None."""
    services = services_of(request)
    token = request.cookies.get(staff_cookie(services))
    if not token:
        return None
    by_hand = not request.url.path.endswith("/live")
    async with services.database.transaction() as session:
        return await staff.member_for_token(session, token, services.clock.now(), by_hand=by_hand)


MaybeMember = Annotated[StaffMember | None, Depends(maybe_member)]


def require(permission: Permission) -> Callable[..., Coroutine[Any, Any, StaffMember]]:
    """Return a dependency that gives who is signed in. It raises `StaffSignInNeeded` and `NotYourRole`."""

    async def allowed(member: MaybeMember) -> StaffMember:
        if member is None:
            raise StaffSignInNeeded
        if not may(member.role, permission):
            raise NotYourRole
        return member

    return allowed


def number_in_address(number: str) -> UUID:
    """Return the id in an address. Raises `PageNotFound` for what is none."""
    try:
        return UUID(number)
    except ValueError:
        raise PageNotFound from None


Member = Annotated[StaffMember, Depends(require(Permission.LOOK))]
"""Whoever works here."""
DriverSupport = Annotated[StaffMember, Depends(require(Permission.DRIVERS))]
SessionSupport = Annotated[StaffMember, Depends(require(Permission.SESSIONS))]
SiteKeeper = Annotated[StaffMember, Depends(require(Permission.SITES))]
GridKeeper = Annotated[StaffMember, Depends(require(Permission.GRID))]
PartnerKeeper = Annotated[StaffMember, Depends(require(Permission.PARTNERS))]
RemoteOperator = Annotated[StaffMember, Depends(require(Permission.REMOTE))]
AlarmKeeper = Annotated[StaffMember, Depends(require(Permission.ALARMS))]
CreditGiver = Annotated[StaffMember, Depends(require(Permission.CREDIT))]
RewardKeeper = Annotated[StaffMember, Depends(require(Permission.REWARDS))]
BillKeeper = Annotated[StaffMember, Depends(require(Permission.BILLS))]
StatementKeeper = Annotated[StaffMember, Depends(require(Permission.STATEMENTS))]
StaffManager = Annotated[StaffMember, Depends(require(Permission.STAFF))]
LogReader = Annotated[StaffMember, Depends(require(Permission.LOG))]
Number = Annotated[UUID, Depends(number_in_address)]
"""The `{number}` of an address."""
