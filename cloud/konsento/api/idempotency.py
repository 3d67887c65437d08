"""Requests that a program may send again without anything happening twice.

The first one writes down its key, with the id that whatever it makes will have, then does its work, then writes down
its answer. Sent again it gets that answer; if the process died in between, the work is done again under the same id,
and finds what it had made.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Request
from pydantic import BaseModel
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from konsento.accounts.tokens import Caller
from konsento.api import problems
from konsento.api.errors import AnswerNotKept, IdempotencyKeyReused, RequestUnderWay
from konsento.kit.errors import KonsentoError
from konsento.kit.ids import new_id
from konsento.models import IdempotencyKey
from konsento.services import Services

KEPT: Final = timedelta(hours=24)
CLAIM: Final = timedelta(seconds=90)
"""Longer than any request is worked on: then its process has died."""
ERRORS: Final = (IdempotencyKeyReused, RequestUnderWay)
SECRET_ERRORS: Final = (*ERRORS, AnswerNotKept)
_REFUSED: Final = 400
_OUR_FAULT: Final = 500

_HEADER: Final = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=255,
    pattern="^[!-~]+$",
    description="Any text that is new for every request, for example a UUID. The same request with the same key, sent "
    "again within 24 hours, gets the same answer and does nothing.",
)
Key = Annotated[str | None, _HEADER]
NeededKey = Annotated[str, _HEADER]


async def once(
    request: Request,
    services: Services,
    caller: Caller,
    key: str | None,
    work: Callable[[UUID], Awaitable[BaseModel]],
    *,
    status: int = 201,
    secret: bool = False,
) -> Response:
    """Answer a request with what `work` returns; under the same key once.

    `work` gets the id for what it makes and opens its own transactions. `secret` says that its answer is not kept.
    Refusals are kept as answers are; failures of ours (5xx) are not, so that trying again can help. Raises
    `IdempotencyKeyReused`, `RequestUnderWay`, `AnswerNotKept` and what `work` raises.
    """
    if key is None:
        return _answer(await work(new_id()), status)
    driver_id = caller.driver.id
    request_hash = await _hash(request)
    try:
        async with services.database.transaction() as session:
            row = await _claimed(session, driver_id, key, request_hash, services.clock.now())
    except IntegrityError:  # the same key in another replica, between the look and the insert
        raise RequestUnderWay from None
    if row.status is not None:
        return _replayed(row)
    try:
        answer = _answer(await work(row.resource_id), status)
    except KonsentoError as error:
        if error.status >= _OUR_FAULT:
            await _give_back(services, driver_id, key)
            raise
        answer = problems.answer(request, error)
    except Exception:
        await _give_back(services, driver_id, key)
        raise
    await _keep(services, driver_id, key, answer, secret=secret and answer.status_code < _REFUSED)
    return answer


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Forget the keys whose time is over."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEPT))


async def _claimed(
    session: AsyncSession, driver_id: UUID, key: str, request_hash: bytes, now: datetime
) -> IdempotencyKey:
    row = await session.get(IdempotencyKey, (driver_id, key), with_for_update=True)
    if row is not None and row.created_at <= now - KEPT:
        await session.delete(row)
        await session.flush()
        row = None
    if row is None:
        row = IdempotencyKey(
            driver_id=driver_id,
            key=key,
            request_hash=request_hash,
            resource_id=new_id(),
            created_at=now,
            claimed_until=now + CLAIM,
            status=None,
            media_type="",
            body=None,
        )
        session.add(row)
        await session.flush()
        return row
    if row.request_hash != request_hash:
        raise IdempotencyKeyReused
    if row.status is None:
        if row.claimed_until > now:
            raise RequestUnderWay
        row.claimed_until = now + CLAIM
    return row


async def _hash(request: Request) -> bytes:
    described = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(described.encode() + await request.body()).digest()


def _answer(made: BaseModel, status: int) -> Response:
    return Response(made.model_dump_json(), status, media_type="application/json")


def _replayed(row: IdempotencyKey) -> Response:
    if row.body is None:
        raise AnswerNotKept
    return Response(row.body, row.status or 0, {"Idempotency-Replayed": "true"}, media_type=row.media_type)


async def _keep(services: Services, driver_id: UUID, key: str, answer: Response, *, secret: bool) -> None:
    async with services.database.transaction() as session:
        row = await session.get_one(IdempotencyKey, (driver_id, key))
        row.status = answer.status_code
        row.media_type = answer.media_type or ""
        row.body = None if secret else bytes(answer.body).decode()


async def _give_back(services: Services, driver_id: UUID, key: str) -> None:
    async with services.database.transaction() as session:
        row = await session.get_one(IdempotencyKey, (driver_id, key))
        row.claimed_until = services.clock.now()
