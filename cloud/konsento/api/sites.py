"""Sites: where one can charge, by name, on the map and near a point."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from konsento.api.errors import BadCursor, BadPlace
from konsento.api.outlets import Outlet, outlet_of
from konsento.api.paging import Part, page
from konsento.api.problems import declared, language_of
from konsento.api.schemas import Page
from konsento.api.who import ReadsOutlets
from konsento.catalogue import service as catalogue
from konsento.services import Services
from konsento.sites import finding
from konsento.sites.errors import UnknownSite
from konsento.sites.finding import FoundSite, SiteState
from konsento.sites.geometry import Box, Point
from konsento.web.who import Wired

router = APIRouter(tags=["Sites"])

_DEGREES: Final = r"-?\d{1,3}(\.\d{1,12})?"
SiteId = Annotated[UUID, Path(description="The site's id, from the list.")]


class Position(BaseModel):
    """A place on the Earth, WGS 84."""

    latitude: float = Field(description="Degrees north.", examples=[35.6461])
    longitude: float = Field(description="Degrees east.", examples=[139.6532])


class ListedSite(BaseModel):
    """A facility with outlets."""

    id: UUID
    name: str = Field(examples=["Sakura Mall car park"])
    place: str = Field(description="May be empty.", examples=["Setagaya, Tokyo"])
    position: Position | None = Field(description="Null for a site that is not on the map.")
    distance_m: int | None = Field(description="From `near`, as the crow flies; null without it.", examples=[420])
    time_zone: str = Field(description="IANA name.", examples=["Asia/Tokyo"])
    region: str | None = Field(
        description="Code of the region of the grid in which it lies; null where none was chosen.", examples=["JP-A03"]
    )
    state: SiteState = Field(
        description="`free`: at least one outlet is; `busy`: all are in use; `offline`: no contact; `closed`: none is"
        " in service.",
        examples=["free"],
    )
    outlets: int = Field(description="Outlets that something is sold at.", examples=[4])
    free: int = Field(description="Of them, those that can be started at now.", examples=[2])
    connected: bool = Field(description="The server is in contact with it now.", examples=[True])
    last_seen: datetime | None = Field(description="When it last sent anything.")
    page: str = Field(
        description="Its page for a person.",
        examples=["https://charge.example/sites/01890a5d-ac96-774b-bcce-b302099a8057"],
    )


class SiteWithOutlets(BaseModel):
    """A facility and its outlets."""

    site: ListedSite
    outlets: list[Outlet] = Field(description="By their numbers at the site.")


class AskedSites(Part):
    """Which sites are asked for."""

    q: str = Field(
        default="",
        max_length=100,
        pattern=r"^[^\x00-\x1f]*$",
        description="Words that occur in name or place; width, capitals, hiragana and katakana make no difference.",
    )
    near: str | None = Field(
        default=None,
        pattern=rf"^{_DEGREES},{_DEGREES}$",
        description="`latitude,longitude` in degrees: the nearest come first, and sites that are not on the map are"
        " left out. It is not kept; three decimals, about 100 m, are enough to find a site.",
        examples=["35.646,139.653"],
    )
    box: str | None = Field(
        default=None,
        pattern=rf"^{_DEGREES}(,{_DEGREES}){{3}}$",
        description="`south,west,north,east` in degrees: only sites in it. Over the 180th meridian `east` is less than"
        " `west`.",
        examples=["35.5,139.5,35.8,139.9"],
    )

    def read_near(self) -> Point | None:
        """Read `near`. Raises `BadPlace`."""
        return Point(*_numbers(self.near)) if self.near is not None else None

    def read_box(self) -> Box | None:
        """Read `box`. Raises `BadPlace`."""
        if self.box is None:
            return None
        box = Box(*_numbers(self.box))
        if box.south > box.north:
            raise BadPlace
        return box

    def after_site(self) -> tuple[int, UUID] | None:
        """Return the distance and the id that the cursor holds. Raises `BadCursor`."""
        match self.after():
            case None:
                return None
            case [metres, site_id] if metres.isascii() and metres.isdecimal():
                try:
                    return int(metres), UUID(site_id)
                except ValueError:
                    raise BadCursor from None
        raise BadCursor


@router.get("/sites", responses=declared(BadCursor, BadPlace))
async def list_sites(
    request: Request, services: Wired, caller: ReadsOutlets, asked: Annotated[AskedSites, Query()]
) -> Page[ListedSite]:
    """List sites.

    The nearest first where `near` is given, otherwise in the order in which they were set up. Only sites at which
    something is sold.
    """
    after = asked.after_site()
    near, box = asked.read_near(), asked.read_box()
    now = services.clock.now()
    async with services.database.transaction() as session:
        sold = (await catalogue.on_sale(session, now)).sold()
        places = await finding.places(session, sold, words=asked.q, box=box, near=near)
        rest = [one for one in places if after is None or (one.distance_m or 0, one.site_id) > after]
        found = await finding.described(session, sold, rest[: asked.limit + 1], now)
    return page(
        request,
        asked,
        found,
        lambda one: listed(services, one),
        lambda one: [str(one.distance_m or 0), str(one.site.id)],
    )


@router.get("/sites/{site_id}", responses=declared(UnknownSite))
async def get_site(request: Request, site_id: SiteId, services: Wired, caller: ReadsOutlets) -> SiteWithOutlets:
    """Get a site.

    With its outlets, their state and price now.
    """
    now = services.clock.now()
    async with services.database.transaction() as session:
        on_sale = await catalogue.on_sale(session, now)
        found, rows = await finding.site_with_outlets(session, site_id, on_sale.sold(), now)
    language = language_of(request)
    return SiteWithOutlets(
        site=listed(services, found),
        outlets=[outlet_of(services, language, row, on_sale.offers_of(row)) for row in rows],
    )


def listed(services: Services, found: FoundSite) -> ListedSite:
    """Describe a site."""
    site = found.site
    return ListedSite(
        id=site.id,
        name=site.name,
        place=site.place,
        position=Position(latitude=found.at.latitude, longitude=found.at.longitude) if found.at is not None else None,
        distance_m=found.distance_m,
        time_zone=site.time_zone,
        region=site.region,
        state=found.state,
        outlets=found.outlets,
        free=found.free,
        connected=site.connected,
        last_seen=site.last_seen,
        page=f"{services.settings.public_url.rstrip('/')}/sites/{site.id}",
    )


def _numbers(text: str) -> list[float]:
    """Read latitudes and longitudes in turn. Raises `BadPlace`."""
    numbers = [float(number) for number in text.split(",")]
    if any(abs(number) > most for number, most in zip(numbers, (90, 180, 90, 180), strict=False)):
        raise BadPlace
    return numbers
