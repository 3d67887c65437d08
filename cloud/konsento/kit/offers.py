"""What a supplier's server tells everybody about what it sells at outlets (contracts, 5): the form of the answer.

Written by management servers, read by those of other suppliers and by portals. It tells nothing about drivers. What
comes from elsewhere is checked against this form and refused as a whole where it differs.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

COMMON_NAME: Final = r"[A-Z0-9]{8,32}"
"""Of a site: made at random there, the same at every server that the site is linked to."""
HIGHEST_EVSE: Final = 1000
OUTLET_NAME: Final = rf"{COMMON_NAME}\.[1-9][0-9]{{0,3}}"
"""Of an outlet: its site's, and its number there."""
LONGEST_ADDRESS: Final = 500
MOST_OUTLETS: Final = 1000
MOST_OFFERS: Final = 30
"""Of one outlet."""
PRICES_BELOW: Final = 1_000_000


class BadAnswer(ValueError):
    """What came is no answer of this form; the message says where."""


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("a line of readable text")
    return text


Line = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
Number = Annotated[Decimal, Field(ge=0, lt=PRICES_BELOW, max_digits=24, decimal_places=16)]
Clock = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", examples=["22:00"])]
DayOfYear = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", examples=["07-01"])]


class PartKind(StrEnum):
    """What a part of a price is for."""

    ENERGY = "energy"
    """Per kWh."""
    TIME = "time"
    """Per minute of supply."""
    SESSION = "session"
    """Once."""
    IDLE = "idle"
    """Per minute for which the outlet is kept without taking power."""


class OutletState(StrEnum):
    """Whether somebody can start at an outlet."""

    FREE = "free"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    """Out of order, switched off or closed."""
    UNKNOWN = "unknown"
    """The server has no contact with the site."""


class _Told(BaseModel):
    # A later version may tell more: what is not known here is passed over.
    model_config = ConfigDict(extra="ignore", frozen=True)


class PricePart(_Told):
    """A part of a price, and when it counts; without times always."""

    kind: PartKind
    price: Number = Field(
        description="Tax included, in major units of the currency: per kWh, minute or session.", examples=["38.5"]
    )
    from_time: Clock | None = Field(default=None, description="Counts from this time of the day, at the site.")
    to_time: Clock | None = Field(default=None, description="Until this time; may be past midnight.")
    weekdays: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(max_length=7)] | None = Field(
        default=None, description="Only on these days, 0 for Monday; null for all."
    )
    from_day: DayOfYear | None = Field(default=None, description="Only from this day of the year.")
    to_day: DayOfYear | None = Field(default=None, description="To this day of the year; may be past its end.")
    free_s: Annotated[int, Field(ge=0, le=86_400)] = Field(default=0, description="Seconds that cost nothing.")


class SupplierOffer(_Told):
    """Something that is sold at an outlet."""

    name: Line = Field(description="Names it at this server; carried when a driver goes there.", examples=["solar"])
    supplier: Line = Field(description="Who sells the power.", examples=["Sakura Energy"])
    supplier_code: Annotated[str, Field(max_length=32, pattern=r"^[A-Z0-9_-]*$")] = Field(
        default="", description="The supplier's registration number; empty where there is none.", examples=["A0269"]
    )
    power_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] = Field(examples=["solar"])
    power_names: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], Line], Field(max_length=10)] = Field(
        default_factory=dict, description="What people call the power type, by language, where it has names of its own."
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(description="ISO 4217.", examples=["JPY"])
    per_kwh: Number | None = Field(
        description="What a kWh costs now, tax included, in major units; null where energy is not what is sold.",
        examples=["38.5"],
    )
    parts: Annotated[list[PricePart], Field(min_length=1, max_length=50)] = Field(
        description="All that the price is of."
    )
    minimum: Number | None = Field(default=None, description="The least that a session costs, in major units.")
    maximum: Number | None = Field(default=None, description="The most.")
    tax_rate: Annotated[Decimal, Field(ge=0, lt=1, max_digits=11, decimal_places=10)] = Field(
        description="Share of tax on the net price; in all prices.", examples=["0.10"]
    )
    carbon_g_per_kwh: Annotated[int, Field(ge=0, le=5000)] | None = Field(
        default=None, description="Greenhouse gases, g CO2e per kWh; null where they are not known."
    )
    valid_until: AwareDatetime | None = Field(default=None, description="When the price changes, if that is known.")


class OutletOffers(_Told):
    """An outlet and what this server sells there."""

    outlet: Annotated[str, Field(pattern=f"^{OUTLET_NAME}$")] | None = Field(
        description="Its common name; null where the site has none.", examples=["K3VQ5B2XJ6M7.1"]
    )
    number: Annotated[int, Field(ge=1, le=HIGHEST_EVSE)] = Field(description="At its site.")
    page: Annotated[str, Field(max_length=LONGEST_ADDRESS, pattern=r"^https?://[!-~]+$")] = Field(
        description="Its page for drivers, at this server.", examples=["https://charge.example/o/K7F29Q"]
    )
    state: OutletState
    state_as_of: AwareDatetime | None = Field(description="When the site last told it; null for never.")
    offers: Annotated[list[SupplierOffer], Field(max_length=MOST_OFFERS)]


class SupplierOffers(_Told):
    """What a supplier's server sells at the outlets that were asked for."""

    operator: Line = Field(description="Who runs the server.", examples=["Sakura Energy"])
    as_of: AwareDatetime = Field(description="When this was made.")
    outlets: Annotated[list[OutletOffers], Field(max_length=MOST_OUTLETS)]

    @classmethod
    def read(cls, body: bytes, base_url: str) -> Self:
        """Read an answer of the server at `base_url`. Raises `BadAnswer`, also for pages that are not that server's."""
        try:
            told = cls.model_validate_json(body)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])[:100]
            raise BadAnswer(where or "no JSON") from None
        for outlet in told.outlets:
            if not outlet.page.startswith(f"{base_url}/o/"):
                raise BadAnswer("page")
        return told

    def of(self, number: int) -> OutletOffers | None:
        """Return what is told of one outlet, None where it is not among them."""
        return next((outlet for outlet in self.outlets if outlet.number == number), None)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept and sent."""
        return self.model_dump(mode="json")


def outlet_name(common_name: str, number: int) -> str:
    """Return the common name of an outlet."""
    return f"{common_name}.{number}"
