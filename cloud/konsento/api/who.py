"""Whom a request acts for: only its token says so. Cookies count for nothing here, so no page can borrow them."""

from collections.abc import Collection, Hashable
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from konsento.accounts import tokens
from konsento.accounts.tokens import Caller, Scope
from konsento.api.errors import ScopeMissing, TokenNeeded, TokenNotValid, TooManyRequests
from konsento.kit.errors import KonsentoError
from konsento.services import Services
from konsento.staff import tokens as staff_tokens
from konsento.staff.tokens import StaffCaller, StaffScope
from konsento.web.who import services_of

WINDOW: Final = timedelta(minutes=1)
_MOST_COUNTED: Final = 10_000
"""Tokens in view; beyond it those whose minute is over are dropped."""

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    bearerFormat="kon_…",
    description="A token of a driver, made on the page `/account/tokens` or by `POST /tokens`.",
)

staff_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="staff",
    bearerFormat="kos_…",
    description="A token of the staff, made in the back office on the page `/office/staff/tokens`.",
)


class Rate[Key: Hashable]:
    """Counts the requests of everybody who asks, by token or network, in this process, a minute at a time."""

    def __init__(self, most: int, by: str = "token", too_many: type[KonsentoError] = TooManyRequests) -> None:
        self.most = most
        self._by = by
        self._too_many = too_many
        self._counts: dict[Key, tuple[datetime, int]] = {}

    def count(self, who: Key, now: datetime) -> dict[str, str]:
        """Count a request; returns the headers that say how many are left. Raises what was given as `too_many`."""
        begin, used = self._counts.get(who, (now, 0))
        if now - begin >= WINDOW:
            begin, used = now, 0
        left_s = max(1, int((begin + WINDOW - now).total_seconds()))
        if used >= self.most:
            raise self._too_many(seconds=left_s)
        if len(self._counts) >= _MOST_COUNTED:
            self._counts = {key: value for key, value in self._counts.items() if now - value[0] < WINDOW}
        self._counts[who] = (begin, used + 1)
        # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
        return {
            "RateLimit-Policy": f'"{self._by}";q={self.most};w={int(WINDOW.total_seconds())}',
            "RateLimit": f'"{self._by}";r={self.most - used - 1};t={left_s}',
        }


async def caller(
    request: Request,
    services: Annotated[Services, Depends(services_of)],
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """Return whom the request acts for. Raises `TokenNeeded`, `TokenNotValid`, `TooManyRequests`, `ScopeMissing`."""
    if credentials is None:
        raise TokenNeeded
    now = services.clock.now()
    async with services.database.transaction() as session:
        found = await tokens.caller(session, credentials.credentials, now)
    if found is None:
        raise TokenNotValid
    _admit(request, found.token_id, found.scopes, needed, now)
    return found


async def staff_caller(
    request: Request,
    services: Annotated[Services, Depends(services_of)],
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(staff_bearer)],
) -> StaffCaller:
    """Return for which member of the staff the request acts; a driver's token is none here. Raises as `caller`."""
    if credentials is None:
        raise TokenNeeded
    now = services.clock.now()
    async with services.database.transaction() as session:
        found = await staff_tokens.caller(session, credentials.credentials, now)
    if found is None:
        raise TokenNotValid
    _admit(request, found.token_id, found.scopes, needed, now)
    return found


def _admit(request: Request, token_id: UUID, scopes: Collection[str], needed: SecurityScopes, now: datetime) -> None:
    rate: Rate[UUID] = request.app.state.rate
    request.state.headers.update(rate.count(token_id, now))
    for scope in needed.scopes:
        if scope not in scopes:
            raise ScopeMissing(scope=str(scope))


ReadsOutlets = Annotated[Caller, Security(caller, scopes=[Scope.OUTLETS_READ])]
ReadsSessions = Annotated[Caller, Security(caller, scopes=[Scope.SESSIONS_READ])]
WritesSessions = Annotated[Caller, Security(caller, scopes=[Scope.SESSIONS_WRITE])]
ReadsReceipts = Annotated[Caller, Security(caller, scopes=[Scope.RECEIPTS_READ])]
ReadsBalance = Annotated[Caller, Security(caller, scopes=[Scope.BALANCE_READ])]
ReadsAccount = Annotated[Caller, Security(caller, scopes=[Scope.ACCOUNT_READ])]
WritesAccount = Annotated[Caller, Security(caller, scopes=[Scope.ACCOUNT_WRITE])]
ExportsAccount = Annotated[Caller, Security(caller, scopes=[Scope.ACCOUNT_EXPORT])]
ReadsWebhooks = Annotated[Caller, Security(caller, scopes=[Scope.WEBHOOKS_READ])]
WritesWebhooks = Annotated[Caller, Security(caller, scopes=[Scope.WEBHOOKS_WRITE])]
ReadsTokens = Annotated[Caller, Security(caller, scopes=[Scope.TOKENS_READ])]
WritesTokens = Annotated[Caller, Security(caller, scopes=[Scope.TOKENS_WRITE])]
CallsStations = Annotated[StaffCaller, Security(staff_caller, scopes=[StaffScope.STATIONS_CALL])]
