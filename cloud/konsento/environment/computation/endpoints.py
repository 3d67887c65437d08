"""The operations of the computation system for those who read."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from konsento.environment.access import Role, needs
from konsento.environment.base import TokenRow
from konsento.environment.computation.errors import ExactForOperators, NoRun
from konsento.environment.computation.export import factors_csv, results_csv
from konsento.environment.computation.keeping import slot_number, slot_start
from konsento.environment.computation.library import factors_by_number
from konsento.environment.computation.results import (
    HALF_HOUR,
    Asked,
    By,
    Line,
    added,
    by_half_hour,
    difference,
    lines,
    run_of,
    runs,
    total,
)
from konsento.environment.computation.schemas import (
    ChangeOut,
    DifferenceOut,
    FactorOut,
    FiguresOut,
    HalfHourRow,
    LineOut,
    ResultsOut,
    RunOut,
    RunWithTotal,
)
from konsento.environment.errors import InvalidRequest, UnknownRegion
from konsento.environment.web import Offices, declared
from konsento.environment.wire import PowerType, RegionCode, Supplier, Use

router = APIRouter()

type Reads = Annotated[TokenRow, Depends(needs(Role.READER, Role.OPERATOR))]
type Operates = Annotated[TokenRow, Depends(needs(Role.OPERATOR))]
CSV: Final = "text/csv; charset=utf-8"
_CSV_DECLARED: Final = {"content": {"text/csv": {"schema": {"type": "string"}}}}
LONGEST_BY_HALF_HOUR_DAYS: Final = 31
MOST_RUNS: Final = 100


class AskedResults(BaseModel):
    """Which results."""

    model_config = ConfigDict(extra="forbid")

    run: int | None = Field(default=None, description="Number of the run; the latest without.")
    region: RegionCode | None = Field(default=None, description="This region and all that lies in it.")
    power_type: PowerType | None = None
    supplier: Supplier | None = None
    use: Use | None = None
    since: date | None = Field(default=None, alias="from", description="First day of the first period.")
    until: date | None = Field(default=None, alias="to", description="First day of the last period.")
    by: list[By] = Field(default=[], max_length=5, description="Add up, split by these; one by one without.")
    exact: bool = Field(default=False, description="Exact figures instead of published ones; for operators.")


async def _found(office: Offices, token: TokenRow, asked: AskedResults) -> tuple[RunOut, list[Line], list[By]]:
    if asked.exact and token.role != Role.OPERATOR:
        raise ExactForOperators
    if asked.run is not None and token.role != Role.OPERATOR:
        # Of two publications the difference can be taken.
        raise ExactForOperators
    async with office.database.transaction() as session:
        run = await run_of(session, asked.run)
        within = None
        if asked.region is not None:
            tree = await office.trees.now(session)
            if asked.region not in tree:
                raise UnknownRegion(region=asked.region)
            within = tree.within(asked.region)
        wanted = Asked(
            regions=within,
            power_type=asked.power_type,
            supplier=asked.supplier,
            use=asked.use,
            since=asked.since,
            until=asked.until,
        )
        found = await lines(session, run, wanted, exact=asked.exact)
        shown = RunOut.of(run)
    by = list(dict.fromkeys(asked.by))
    return shown, added(found, by) if by else found, by or list(By)


@router.get(
    "/v1/results", summary="Results", responses=declared(NoRun, ExactForOperators, UnknownRegion), tags=["Results"]
)
async def get_results(office: Offices, token: Reads, asked: Annotated[AskedResults, Query()]) -> ResultsOut:
    """Return what was computed, as far as it may be published.

    Cells with too few outlets, or of which one has too much, are put together in the rest of a larger region (`rest`).
    """
    run, found, _ = await _found(office, token, asked)
    return ResultsOut(
        run=run, exact=asked.exact, rows=[LineOut.of_line(one) for one in found], total=FiguresOut.of(total(found))
    )


@router.get(
    "/v1/results.csv",
    summary="Results as CSV",
    response_class=Response,
    responses=declared(NoRun, ExactForOperators, UnknownRegion) | {200: _CSV_DECLARED},
    tags=["Results"],
)
async def get_results_csv(office: Offices, token: Reads, asked: Annotated[AskedResults, Query()]) -> Response:
    """Return the same as a table; masses are in mg."""
    _, found, by = await _found(office, token, asked)
    return _csv(results_csv(found, by), "results.csv")


@router.get("/v1/runs", summary="Runs", responses=declared(), tags=["Results"])
async def get_runs(office: Offices, _token: Reads) -> list[RunWithTotal]:
    """Return the latest computations, and the sum of what each published."""
    async with office.database.transaction() as session:
        return [RunWithTotal.of_made(made) for made in await runs(session, MOST_RUNS)]


@router.get("/v1/runs/{after}/difference", summary="What a run changed", responses=declared(NoRun), tags=["Results"])
async def get_difference(office: Offices, _token: Operates, after: int, before: int | None = None) -> DifferenceOut:
    """Return where the exact results of a run differ from another one's, the one before it without `before`."""
    async with office.database.transaction() as session:
        newer = await run_of(session, after)
        older = await run_of(session, after - 1 if before is None else before)
        changes = await difference(session, older, newer)
        return DifferenceOut(
            before=RunOut.of(older), after=RunOut.of(newer), changes=[ChangeOut.of(one) for one in changes]
        )


@router.get("/v1/factors", summary="Factors", responses=declared(), tags=["Factors"])
async def get_factors(office: Offices, _token: Reads) -> list[FactorOut]:
    """Return all factors, also those of earlier editions, with source and licence."""
    async with office.database.transaction() as session:
        return [FactorOut.of(one) for one in await factors_by_number(session)]


@router.get(
    "/v1/factors.csv",
    summary="Factors as CSV",
    response_class=Response,
    responses=declared() | {200: _CSV_DECLARED},
    tags=["Factors"],
)
async def get_factors_csv(office: Offices, _token: Reads) -> Response:
    """Return the same as a table."""
    async with office.database.transaction() as session:
        return _csv(factors_csv(await factors_by_number(session)), "factors.csv")


@router.get("/v1/energy", summary="Energy by half hours", responses=declared(), tags=["Operation"])
async def get_energy(
    office: Offices,
    _token: Operates,
    start: Annotated[AwareDatetime, Query(alias="from")],
    end: Annotated[AwareDatetime, Query(alias="to")],
) -> list[HalfHourRow]:
    """Return exact energy by half hour, region, power type and supplier; `from` to before `to`, 31 days at most."""
    if end <= start or (end - start).days > LONGEST_BY_HALF_HOUR_DAYS:
        raise InvalidRequest(where="from, to")
    async with office.database.transaction() as session:
        found = await by_half_hour(session, slot_number(start), slot_number(end))
    rows = (dict(zip(HALF_HOUR, row, strict=True)) for row in found)
    return [HalfHourRow(start=slot_start(row.pop("slot")), **row) for row in rows]


def _csv(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=CSV, headers=headers)
