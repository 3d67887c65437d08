"""The driver's tokens."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from konsento.accounts import errors
from konsento.accounts import tokens as accounts
from konsento.accounts.tokens import Scope
from konsento.api import idempotency
from konsento.api.errors import AnswerNotKept
from konsento.api.problems import declared
from konsento.api.schemas import Asked, Whole
from konsento.api.who import ReadsTokens, WritesTokens
from konsento.models import ApiToken
from konsento.web.who import Wired

router = APIRouter(tags=["Tokens"])

Number = Annotated[UUID, Path(description="The token's id.")]


class Token(BaseModel):
    """A token; itself it is shown only when it is made."""

    id: UUID
    name: str = Field(examples=["Fleet planner"])
    scopes: list[Scope] = Field(description="What it may do.", examples=[["outlets:read", "sessions:read"]])
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(description="Exact to the hour.")
    current: bool = Field(description="It is the one of this request.", examples=[False])


class NewToken(Token):
    """A token that was just made."""

    token: str = Field(
        description="The token itself. It is shown once and kept nowhere.",
        examples=["kon_…"],
    )


class Tokens(BaseModel):
    """The driver's tokens, the newest first."""

    items: list[Token]


class AskedToken(Asked):
    """What the token is for."""

    name: str = Field(max_length=200, examples=["Fleet planner"])
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=len(Scope),
        description="No more than the token of this request has.",
        examples=[["outlets:read", "sessions:read"]],
    )
    days: Whole = Field(default=accounts.DEFAULT_DAYS, ge=1, le=accounts.MOST_DAYS, description="How long it lasts.")


@router.get("/tokens", responses=declared())
async def list_tokens(services: Wired, caller: ReadsTokens) -> Tokens:
    """List tokens.

    Those of the driver, the newest first.
    """
    async with services.database.transaction() as session:
        rows = await accounts.of_driver(session, caller.driver.id)
    return Tokens(items=[Token.model_validate(_facts(row, caller.token_id)) for row in rows])


@router.post(
    "/tokens",
    status_code=201,
    response_model=NewToken,
    responses=declared(
        *idempotency.SECRET_ERRORS,
        errors.TokenNameMissing,
        errors.NameTooLong,
        errors.TooMuchScope,
        errors.TooManyTokens,
    ),
)
async def create_token(
    request: Request, services: Wired, caller: WritesTokens, asked: AskedToken, key: idempotency.Key = None
) -> Response:
    """Make a token.

    With no more scopes than the token that asks for it. The answer shows it once.
    """

    async def make(token_id: UUID) -> NewToken:
        async with services.database.transaction() as session:
            if await session.get(ApiToken, token_id) is not None:
                raise AnswerNotKept
            row, token = await accounts.make(
                session,
                caller.driver.id,
                name=asked.name,
                scopes=asked.scopes,
                days=asked.days,
                now=services.clock.now(),
                within=caller.scopes,
                token_id=token_id,
            )
        return NewToken.model_validate(_facts(row, caller.token_id) | {"token": token})

    return await idempotency.once(request, services, caller, key, make, secret=True)


@router.delete("/tokens/{token_id}", status_code=204, responses=declared(errors.UnknownToken))
async def end_token(token_id: Number, services: Wired, caller: WritesTokens) -> None:
    """End a token.

    From now on it lets nobody in. A token can end itself.
    """
    async with services.database.transaction() as session:
        await accounts.end(session, caller.driver.id, token_id)


def _facts(row: ApiToken, current: UUID) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": sorted(accounts.scopes_of(row)),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "current": row.id == current,
    }
