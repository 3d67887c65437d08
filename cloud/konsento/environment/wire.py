"""What crosses between control system, platform and computation system (docs/contracts.md, section 4).

An allow-list: every model is frozen and takes no further field, and none has room for a free text. Whatever could lead
to a driver has no place in it.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import UUID4, AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StrictInt

MOST_ITEMS: Final = 1000
"""Measurements, or rows of sums, in one request."""
MOST_BODY: Final = 24 * 1024 * 1024
"""Bytes of the largest such request: all its measurements with slices over `LONGEST`."""
SLOT: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(days=7)
"""The longest measurement."""
MOST_WH: Final = 100_000
"""The most energy of one measurement; more is a mistake in the unit."""
UNKNOWN_SUPPLIER: Final = "unknown"


class PowerType(StrEnum):
    """What the electricity was made from."""

    SOLAR = "solar"
    WIND = "wind"
    HYDRO = "hydro"
    GEOTHERMAL = "geothermal"
    BIOMASS = "biomass"
    GAS = "gas"
    COAL = "coal"
    OIL = "oil"
    OTHER = "other"


class Use(StrEnum):
    """Who used the energy: a driver who bought it, or the owner of the outlet."""

    RESOLD = "resold"
    OWN = "own"


class Reason(StrEnum):
    """Why one item of a batch was refused."""

    BAD_ITEM = "BadItem"
    ID_TAKEN = "IdTaken"
    UNKNOWN_REGION = "UnknownRegion"
    UNKNOWN_POWER_TYPE = "UnknownPowerType"
    UNKNOWN_SUPPLIER = "UnknownSupplier"
    END_BEFORE_START = "EndBeforeStart"
    IN_THE_FUTURE = "InTheFuture"
    TOO_OLD = "TooOld"
    NEGATIVE = "Negative"
    TOO_MUCH = "TooMuch"
    SLICES_DO_NOT_ADD_UP = "SlicesDoNotAddUp"
    SLICES_OUTSIDE = "SlicesOutside"
    OVERLAPPING = "Overlapping"
    OUTLET_OF_ANOTHER = "OutletOfAnother"
    REGION_NOT_YOURS = "RegionNotYours"


def _whole_second(value: datetime) -> datetime:
    if value.microsecond:
        raise ValueError("a time is given in whole seconds")
    return value.astimezone(UTC)


def _half_hour(value: datetime) -> datetime:
    if value.minute % 30 or value.second:
        raise ValueError("a half hour begins at minute 0 or 30 (UTC)")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_whole_second)]
"""A time in UTC, in whole seconds."""
HalfHour = Annotated[Moment, AfterValidator(_half_hour)]
"""When a half hour on the clock begins."""
Energy = Annotated[StrictInt, Field(ge=0, le=MOST_WH, description="Energy in Wh.")]
TotalEnergy = Annotated[StrictInt, Field(ge=0, le=10**15, description="Energy in Wh.")]
Count = Annotated[StrictInt, Field(ge=1, le=10**9)]
Outlet = Annotated[
    str, Field(pattern=r"^[A-Z2-7]{26}$", description="128 random bits; the outlet has others every month.")
]
RegionCode = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,8})?$", examples=["JP-13"])]
Supplier = Annotated[
    str,
    Field(
        pattern=rf"^([A-Z0-9][A-Z0-9_-]{{0,31}}|{UNKNOWN_SUPPLIER})$",
        description="A retailer's registration number.",
        examples=["A0269"],
    ),
]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slice(_Wire):
    """The energy of one half hour on the clock."""

    start: HalfHour
    wh: Energy


class Measurement(_Wire):
    """The energy of one charging at one outlet."""

    id: UUID4
    outlet: Outlet
    region: RegionCode
    start: Moment
    end: Moment
    wh: Energy
    slices: Annotated[tuple[Slice, ...], Field(min_length=1, max_length=1 + int(LONGEST / SLOT))] | None = None
    power_type: PowerType
    supplier: Supplier
    use: Use


class Sum(_Wire):
    """An increment: the energy of several measurements in one half hour."""

    region: RegionCode
    power_type: PowerType
    supplier: Supplier
    use: Use
    slot: HalfHour
    wh: TotalEnergy
    measurements: Count
    outlets: Count
    largest_wh: TotalEnergy


class Measurements(_Wire):
    """A batch. Each item is looked at by itself (`checks.read`), so that a bad one costs no other."""

    measurements: Annotated[tuple[Any, ...], Field(max_length=MOST_ITEMS)]


class Sums(_Wire):
    """A delivery of sums, taken as a whole."""

    id: UUID4
    rows: Annotated[tuple[Sum, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class Refused(_Wire):
    """An item that was not taken."""

    index: int
    id: UUID | None
    """None where the item has none that can be read."""
    reason: Reason
    detail: str


class Answer(_Wire):
    """What became of a batch: its items counted, and the refused ones named."""

    accepted: int = 0
    repeated: int = 0
    refused: tuple[Refused, ...] = ()


class Wanted(_Wire):
    """Whether the receiver asks for what is outstanding."""

    wanted: bool


class SumsTaken(_Wire):
    """What became of a delivery of sums."""

    repeated: bool


def slot_of(moment: datetime) -> datetime:
    """Return the half hour on the clock (UTC) in which a moment lies."""
    return moment - timedelta(minutes=moment.minute % 30, seconds=moment.second, microseconds=moment.microsecond)


def spread(item: Measurement) -> list[tuple[datetime, int]]:
    """Return the energy by half hours: the slices, or, without any, evenly over the time.

    The sum is exact: of an uneven share, each half hour gets what the running total, rounded down, has reached.
    """
    if item.slices is not None:
        return [(one.start, one.wh) for one in item.slices]
    whole = int((item.end - item.start).total_seconds())
    found: list[tuple[datetime, int]] = []
    slot, given = slot_of(item.start), 0
    while slot < item.end:
        upto = item.wh * int((min(slot + SLOT, item.end) - item.start).total_seconds()) // whole
        found.append((slot, upto - given))
        slot, given = slot + SLOT, upto
    return found
