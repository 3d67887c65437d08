"""What operators type into the forms of sites and outlets, read into what the sites' domain takes."""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from unicodedata import normalize

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.backoffice.words import PROFILES
from konsento.grid.regions import all_regions, name_of
from konsento.kit.i18n import Language
from konsento.models import Metering, Outlet, PresenceCheck, SecurityProfile, Site
from konsento.settings import Settings
from konsento.sites import hours
from konsento.sites.errors import BadHours, BadNumber, BadPosition, ProofNeeded
from konsento.sites.hours import OpeningHours, Span
from konsento.sites.setup import MOST_S, MOST_W, MOST_WH, THOUSANDTHS, OutletDetails, SiteDetails

SPANS = 2
"""Spans of a day that the form has fields for."""


class SiteForm(BaseModel):
    """What is said about a site, as typed."""

    name: str = ""
    place: str = ""
    time_zone: str = ""
    latitude: str = ""
    longitude: str = ""
    region: str = ""
    """Empty: none."""
    presence: PresenceCheck = PresenceCheck.NONE
    security_profile: SecurityProfile | None = None
    station_id: str = ""
    """Of a new site; empty to have one made of the name."""

    @staticmethod
    def of(site: Site) -> SiteForm:
        """Return the form as it stands for a site."""
        return SiteForm(
            name=site.name,
            place=site.place,
            time_zone=site.time_zone,
            latitude="" if site.latitude is None else str(site.latitude),
            longitude="" if site.longitude is None else str(site.longitude),
            region=site.region or "",
            presence=site.presence,
            security_profile=SecurityProfile(site.security_profile),
        )

    def details(self, settings: Settings, profile: SecurityProfile) -> SiteDetails:
        """Read it; `profile` is how the site proves itself where the form does not say. Raises `BadSite`."""
        wanted = self.security_profile if self.security_profile is not None else profile
        if wanted is SecurityProfile.NONE and not settings.ocpp_without_password:
            raise ProofNeeded
        return SiteDetails(
            name=_plain(self.name),
            place=_plain(self.place),
            time_zone=self.time_zone.strip(),
            latitude=_degrees(self.latitude),
            longitude=_degrees(self.longitude),
            region=self.region or None,
            presence=self.presence,
            security_profile=wanted,
        )


async def region_choices(session: AsyncSession, language: Language) -> list[tuple[str, str]]:
    """Return the regions of the grid that can be chosen: code, and name with it."""
    regions = await all_regions(session)
    return [(region.code, f"{name_of(region, language.code)} ({region.code})") for region in regions]


def usual_profile(settings: Settings) -> SecurityProfile:
    """Return how a new site proves itself unless somebody chooses: over TLS where stations dial so."""
    return SecurityProfile.TLS_BASIC if settings.public_ocpp_url.startswith("wss:") else SecurityProfile.BASIC


def profile_choices(settings: Settings, language: Language, now: SecurityProfile) -> list[tuple[int, str, bool]]:
    """Return the ways of proving oneself that can be chosen here: number, name, whether it is the one that holds."""
    possible = {
        SecurityProfile.NONE: settings.ocpp_without_password,
        SecurityProfile.TLS_CERTIFICATE: settings.ocpp_client_ca is not None,
    }
    return [
        (profile.value, language.text(name), profile is now)
        for profile, name in PROFILES.items()
        if possible.get(profile, True) or profile is now
    ]


class OutletForm(BaseModel):
    """What is said about an outlet, as typed."""

    name: str = ""
    tariff: list[str] = []
    """Names, in order; empty ones count for nothing."""
    rated_w: str = ""
    volts: str = ""
    most_kwh: str = ""
    most_min: str = ""
    metering: Metering = Metering.VERIFIED
    metering_class: str = ""
    """Of a notified meter."""
    plan_x: str = ""
    plan_y: str = ""

    @staticmethod
    def of(outlet: Outlet) -> OutletForm:
        """Return the form as it stands for an outlet."""

        def shown(value: int | Decimal | None) -> str:
            return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)

        return OutletForm(
            name=outlet.name,
            tariff=list(outlet.tariff_names),
            rated_w=shown(outlet.rated_w),
            volts=shown(outlet.volts),
            most_kwh=shown(outlet.most_wh and (Decimal(outlet.most_wh) / 1000).normalize()),
            most_min=shown(outlet.most_s and (Decimal(outlet.most_s) / 60).normalize()),
            metering=outlet.metering,
            metering_class=outlet.metering_class,
            plan_x=shown(outlet.plan_x),
            plan_y=shown(outlet.plan_y),
        )

    def details(self) -> OutletDetails:
        """Read it. Raises `BadNumber`."""
        x, y = (_number(text, 1, THOUSANDTHS) for text in (self.plan_x, self.plan_y))
        rated_w, volts = _number(self.rated_w, 1, MOST_W), _number(self.volts, 1, MOST_W)
        if (x is None) != (y is None) or rated_w is None or volts is None:
            raise BadNumber(least=0, most=THOUSANDTHS if rated_w and volts else MOST_W)
        return OutletDetails(
            name=_plain(self.name),
            tariff_names=tuple(name for name in self.tariff if name),
            rated_w=rated_w,
            volts=volts,
            most_wh=_number(self.most_kwh, 1000, MOST_WH),
            most_s=_number(self.most_min, 60, MOST_S),
            metering=self.metering,
            # The field stands there for every basis; without scripts it cannot go away.
            metering_class=self.metering_class if self.metering is Metering.NOTIFIED else "",
            plan_x=x,
            plan_y=y,
        )


@dataclass(frozen=True, kw_only=True)
class DayRow:
    """A line of the form for opening hours."""

    key: str
    """As in `sites.hours`: `Mo` to `Su`, `PH`."""
    times: list[tuple[str, str]]
    """From and to, as a field for times takes them; empty where there is none."""


def hours_rows(week: OpeningHours | None) -> list[DayRow]:
    """Return the lines of the form for opening hours; those of a site that is always open are empty."""
    days = week.week if week is not None else ((),) * len(hours.DAYS)
    rows = [DayRow(key=key, times=_times(spans)) for key, spans in zip(hours.DAYS, days, strict=True)]
    return [*rows, DayRow(key=hours.HOLIDAY, times=_times((week.holidays if week is not None else None) or ()))]


def _times(spans: tuple[Span, ...]) -> list[tuple[str, str]]:
    shown = [(_clock(span.opens), _clock(span.closes)) for span in spans]
    return [*shown, *[("", "")] * (SPANS - len(shown))]


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def read_hours(fields: dict[str, list[str]]) -> OpeningHours | None:
    """Read the form for opening hours; None for always open. Raises `BadHours`.

    `mode` is `always` or `week`; `holidays` is `same` or `own`; of each day the fields `Mo-from` and `Mo-to`, each as
    often as there are spans.
    """
    if (fields.get("mode") or [""])[0] != "week":
        return None
    mo, tu, we, th, fr, sa, su = (_spans(fields, key) for key in hours.DAYS)
    own = (fields.get("holidays") or [""])[0] == "own"
    return OpeningHours((mo, tu, we, th, fr, sa, su), _spans(fields, hours.HOLIDAY) if own else None)


def _spans(fields: dict[str, list[str]], key: str) -> tuple[Span, ...]:
    begins, ends = fields.get(f"{key}-from", []), fields.get(f"{key}-to", [])
    if len(begins) != len(ends) or len(begins) > 10:
        raise BadHours
    try:
        spans = sorted(Span.of(_minutes(a), _minutes(b)) for a, b in zip(begins, ends, strict=True) if a or b)
    except ValueError:
        raise BadHours from None
    if any(later.opens < earlier.closes for earlier, later in pairwise(spans)):
        raise BadHours
    return tuple(spans)


def _minutes(text: str) -> int:
    hour, _, minute = normalize("NFKC", text).strip().partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) == 2):
        raise BadHours
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total >= hours.DAY_MIN:
        raise BadHours
    return total


def _plain(text: str) -> str:
    return " ".join(text.split())


def _degrees(text: str) -> float | None:
    plain = normalize("NFKC", text).strip()
    if not plain:
        return None
    try:
        degrees = float(plain)
    except ValueError:
        raise BadPosition from None
    if not math.isfinite(degrees):
        raise BadPosition
    # A seventh decimal is a centimetre.
    return round(degrees, 7)


def _number(text: str, factor: int, most: int) -> int | None:
    """Read a number of units of `factor`; None for an empty field. The sites' domain knows the ranges."""
    plain = normalize("NFKC", text).strip()
    if not plain:
        return None
    try:
        # Not more digits than any of the numbers has: 1e999999999 would be multiplied for a long time.
        number = Decimal(plain) * factor if len(plain) <= 12 and "e" not in plain.lower() else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number != number.to_integral_value():
        raise BadNumber(least=0, most=Decimal(most) / factor)
    return int(number)
