"""The operations of the computation system for senders of sums and for its operator."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import update

from konsento.environment.access import Role, needs
from konsento.environment.base import TokenRow
from konsento.environment.computation.errors import InvalidSums
from konsento.environment.computation.factors.ministry import Edition
from konsento.environment.computation.keeping import keep_sums
from konsento.environment.computation.library import add_factors, add_mix, read_factors
from konsento.environment.computation.mix import read_mix
from konsento.environment.computation.models import Token
from konsento.environment.computation.reading import BadFileError
from konsento.environment.computation.schemas import Asking, Imported, ToldOut
from konsento.environment.computation.work import Reason, ask
from konsento.environment.errors import IdTaken, TooLarge, UnknownRegion
from konsento.environment.web import Offices, declared
from konsento.environment.wire import RegionCode, Sums, SumsTaken

router = APIRouter()

type Operates = Annotated[TokenRow, Depends(needs(Role.OPERATOR))]
_FILE: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/v1/sums", summary="Deliver sums", responses=declared(TooLarge, IdTaken, InvalidSums), tags=["Delivery"])
async def deliver_sums(
    office: Offices, token: Annotated[TokenRow, Depends(needs(Role.PLATFORM))], sums: Sums
) -> SumsTaken:
    """Take increments as a whole and once: the same id with the same content changes nothing."""
    async with office.database.transaction() as session:
        repeated = await keep_sums(session, office, token, sums)
        now = office.clock.now()
        await session.execute(update(Token).where(Token.id == token.id).values(delivered_at=now, wanted_at=None))
    return SumsTaken(repeated=repeated)


@router.post("/v1/wanted", summary="Ask senders", responses=declared(), tags=["Operation"])
async def ask_senders(office: Offices, _token: Operates) -> Asking:
    """Ask all sites and platforms for what is outstanding."""
    async with office.database.transaction() as session:
        statement = (
            update(Token)
            .where(Token.role.in_((Role.SITE, Role.PLATFORM)), Token.ended_at.is_(None))
            .values(wanted_at=office.clock.now())
            .returning(Token.id)
        )
        return Asking(asked=len((await session.scalars(statement)).all()))


@router.post("/v1/runs", status_code=202, summary="Compute anew", responses=declared(), tags=["Operation"])
async def compute_anew(office: Offices, _token: Operates) -> None:
    """Compute everything; the run appears among the runs when it is done."""
    async with office.database.transaction() as session:
        await ask(session, office, Reason.ASKED)


@router.post(
    "/v1/factors",
    summary="Import factors",
    responses=declared(TooLarge, BadFileError),
    openapi_extra=_FILE,
    tags=["Operation"],
)
async def import_factors(
    request: Request,
    office: Offices,
    _token: Operates,
    fiscal_year: Annotated[int | None, Query(ge=2000, le=2100, description="Where the file does not say it.")] = None,
    edition: Annotated[str, Query(max_length=64)] = "",
    url: Annotated[str, Query(max_length=500, description="Where the file comes from.")] = "",
) -> Imported:
    """Take a file as the ministry publishes it (workbook or CSV), or CSV in the layout of `/v1/factors.csv`."""
    factors, told = read_factors(await request.body(), Edition(fiscal_year=fiscal_year, edition=edition, url=url))
    async with office.database.transaction() as session:
        added = await add_factors(session, factors, office.clock.now())
        if added:
            await ask(session, office, Reason.FACTORS)
    return Imported(added=added, changed=0, told=[ToldOut.of(one) for one in told])


@router.post(
    "/v1/mix",
    summary="Import a fuel mix",
    responses=declared(TooLarge, BadFileError, UnknownRegion),
    openapi_extra=_FILE,
    tags=["Operation"],
)
async def import_mix(request: Request, office: Offices, _token: Operates, region: RegionCode) -> Imported:
    """Take a file of half hours: Japan's area supply and demand, ENTSO-E's A75, or CSV with MW by source."""
    mix = read_mix(await request.body())
    async with office.database.transaction() as session:
        if region not in await office.trees.now(session):
            raise UnknownRegion(region=region)
        added, changed, told = await add_mix(session, region, mix, office.clock.now())
        if added or changed:
            await ask(session, office, Reason.MIX)
    return Imported(added=added, changed=changed, told=[ToldOut.of(one) for one in told])
