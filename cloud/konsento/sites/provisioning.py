"""Sites and outlets as a provisioning file says them."""

from dataclasses import dataclass, field
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from konsento.kit.offers import COMMON_NAME
from konsento.models import Metering, PresenceCheck, SecurityProfile
from konsento.sites import codes
from konsento.sites.errors import BadMeteringClass
from konsento.sites.setup import MOST_OFFERS, check_metering


class BadFileError(Exception):
    """The file cannot be applied; the message says where and why, a line for each mistake."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone, for example Asia/Tokyo") from error
    return name


def _code(text: str) -> str:
    code = codes.normal(text)
    if not codes.is_code(code):
        raise ValueError(
            f"{text!r} is no outlet code: {codes.SHORTEST} to {codes.LONGEST} of the characters {codes.ALPHABET}"
        )
    return code


Name = Annotated[str, Field(min_length=1, max_length=100)]


class Table(BaseModel):
    """A table of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class OutletEntry(Table):
    """`[[sites.outlets]]`."""

    evse_id: Annotated[int, Field(ge=1, le=1000)]
    name: Name
    rated_w: Annotated[int, Field(ge=100, le=50_000)]
    volts: Annotated[int, Field(ge=90, le=480)]
    tariff: str | None = None
    tariffs: Annotated[tuple[str, ...], Field(max_length=MOST_OFFERS)] = ()
    """In the order in which drivers see them; `tariff` for a single one."""
    metering_basis: Metering | None = None
    """Left out: verified for a new outlet, unchanged for another."""
    metering_class: str = ""
    code: Annotated[str, AfterValidator(_code)] | None = None

    @property
    def offers(self) -> tuple[str, ...]:
        """The tariffs at which it is sold."""
        return self.tariffs or ((self.tariff,) if self.tariff is not None else ())

    @model_validator(mode="after")
    def _sold(self) -> OutletEntry:
        if (self.tariff is None) == (not self.tariffs):
            raise ValueError("one of tariff and tariffs is needed")
        if len(set(self.tariffs)) < len(self.tariffs):
            raise ValueError("a tariff is there twice")
        try:
            check_metering(self.metering_basis or Metering.VERIFIED, self.metering_class)
        except BadMeteringClass as error:
            raise ValueError(error.message.format(**error.values)) from error
        return self


class SiteEntry(Table):
    """`[[sites]]`."""

    station_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9*\-_=:+|@.]{1,48}$")]
    password: Annotated[str, Field(min_length=16, max_length=40)]
    name: Name
    place: Annotated[str, Field(max_length=200)] = ""
    time_zone: Annotated[str, AfterValidator(_zone)]
    common_name: Annotated[str, Field(pattern=f"^{COMMON_NAME}$")] | None = None
    """What all its management servers call it; left out: what the site itself says."""
    region: Annotated[str, Field(max_length=12)] | None = None
    """Code of the region of the grid in which it lies; left out: none for a new site, unchanged for another."""
    presence: PresenceCheck = PresenceCheck.NONE
    security_profile: SecurityProfile | None = None
    """OCPP's number, 0 to 3; left out: 1 for a new site, unchanged for another."""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    outlets: tuple[OutletEntry, ...] = ()

    @model_validator(mode="after")
    def _whole_position(self) -> SiteEntry:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together")
        return self


@dataclass
class Changes:
    """What applying a file has changed: one line each, for the operator."""

    lines: list[str] = field(default_factory=list)
    outlet_codes: dict[str, str] = field(default_factory=dict)
    """Of every outlet in the file: where it is, and its code."""

    def note(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)
