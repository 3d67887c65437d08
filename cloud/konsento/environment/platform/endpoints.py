"""The operations of the platform beside delivery."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from konsento.environment.access import Role, needs
from konsento.environment.base import TokenRow
from konsento.environment.errors import InvalidRequest, NoSuchToken, UnknownRegion
from konsento.environment.platform import overview as overviews
from konsento.environment.platform import service
from konsento.environment.platform.forwarding import collect_all
from konsento.environment.platform.overview import Left, Overview
from konsento.environment.platform.settings import Form
from konsento.environment.platform.sums import By, integrate
from konsento.environment.web import Offices, declared
from konsento.environment.wire import PowerType, RegionCode, Use

router = APIRouter()

type Reads = Annotated[TokenRow, Depends(needs(Role.READER, Role.OPERATOR))]
type Operates = Annotated[TokenRow, Depends(needs(Role.OPERATOR))]
LONGEST_BY_HALF_HOUR_DAYS: Final = 31


class SumRow(BaseModel):
    """One sum; what it is not split by is null."""

    region: str | None = None
    power_type: PowerType | None = None
    supplier: str | None = None
    use: Use | None = None
    half_hour: datetime | None = None
    day: datetime | None = Field(default=None, description="Its first moment.")
    month: datetime | None = Field(default=None, description="Its first moment.")
    wh: int
    measurements: int = Field(description="Those that began in it.")


class SumsAnswer(BaseModel):
    """Sums of a region and a time."""

    region: str
    start: datetime
    end: datetime
    time_zone: str = Field(description="In which days and months begin.")
    wh: int = Field(description="Of all rows.")
    rows: list[SumRow]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskedSums(_Asked):
    """Which sums."""

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    region: RegionCode = "JP"
    by: list[By] = Field(default=[], max_length=7, description="What they are split by; again for more.")


class AskedForwarding(_Asked):
    """How to forward; without a form as the settings say."""

    form: Form | None = None


class Forwarding(BaseModel):
    """What was put into deliveries; they are being sent."""

    deliveries: int
    measurements: int


class AskedSites(_Asked):
    """Which site is asked for what is outstanding."""

    token: str | None = Field(default=None, max_length=100, description="Name of a site's token; null for all sites.")


class SitesAsked(BaseModel):
    """How many sites are asked; each learns of it when it looks next."""

    asked: int


@router.get("/v1/sums", summary="Integrate", responses=declared(UnknownRegion), tags=["Sums"])
async def get_sums(
    request: Request,
    office: Offices,
    _token: Reads,
    asked: Annotated[AskedSums, Query()],
) -> SumsAnswer:
    """Return the energy of the half hours from `from` to before `to` in a region and all that lies in it.

    Exact, so for the platform's own staff: what is published comes from the computation system, which keeps small cells
    back.
    """
    zone: ZoneInfo = request.app.state.zone
    start, end, wanted = asked.start, asked.end, list(dict.fromkeys(asked.by))
    if end <= start or (By.HALF_HOUR in wanted and (end - start).days > LONGEST_BY_HALF_HOUR_DAYS):
        raise InvalidRequest(where="from, to")
    async with office.database.transaction() as session:
        tree = await office.trees.now(session)
        rows = await integrate(
            session,
            tree,
            region=asked.region,
            start=start.astimezone(UTC),
            end=end.astimezone(UTC),
            by=wanted,
            zone=zone,
        )
    return SumsAnswer(
        region=asked.region,
        start=start,
        end=end,
        time_zone=zone.key,
        wh=sum(row["wh"] for row in rows),
        rows=[SumRow.model_validate(row) for row in rows],
    )


@router.post("/v1/forwardings", summary="Forward what is outstanding", responses=declared(), tags=["Operation"])
async def forward(request: Request, office: Offices, _token: Operates, asked: AskedForwarding) -> Forwarding:
    """Put every measurement that is outstanding into a delivery to the computation system, and send them."""
    form: Form = asked.form or request.app.state.form
    found = await collect_all(office, form)
    return Forwarding(deliveries=found.deliveries, measurements=found.measurements)


@router.post("/v1/wanted", summary="Ask sites", responses=declared(NoSuchToken), tags=["Operation"])
async def ask_sites(office: Offices, _token: Operates, asked: AskedSites) -> SitesAsked:
    """Ask a site, or all of them, for what is outstanding."""
    async with office.database.transaction() as session:
        return SitesAsked(asked=await service.ask_sites(session, office, asked.token))


@router.get("/v1/overview", summary="The platform at a glance", responses=declared(), tags=["Operation"])
async def get_overview(office: Offices, _token: Operates) -> Overview:
    """By region what came and what waits; by sender what was refused; deliveries that are not answered."""
    async with office.database.transaction() as session:
        return await overviews.overview(session, await office.trees.now(session))


@router.get("/v1/egress", summary="The ledger of what left", responses=declared(), tags=["Operation"])
async def get_egress(
    office: Offices,
    _token: Operates,
    before: Annotated[AwareDatetime | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Left]:
    """One entry for each attempt to send, the newest first: when, to whom, what form, how many rows, their SHA-256."""
    async with office.database.transaction() as session:
        return await overviews.left(session, before, limit)


def install(state: Any, form: Form, zone: ZoneInfo) -> None:
    """Tell the operations what the settings say."""
    state.form = form
    state.zone = zone
