"""Who sells at the site: each supplier with a server of its own, and the file that its operator would write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rig.outlet import OutletSpec

STATION_ID = "sakura-mall"
STATION_PASSWORD = "demo-station-password"  # noqa: S105  # of a server that listens on this machine alone
CODES = ("K7F298", "M4XR86", "P9WC3K", "EYVFHG")


@dataclass(frozen=True, kw_only=True)
class Supplier:
    """Who sells at the site, with a server of its own."""

    name: str
    code: str
    """Its registration number."""
    tariff: str
    unit_price: str
    power_type: str
    station_id: str
    password: str
    """Of the site at its server."""
    codes: Sequence[str]
    """Of the outlets at its server, by their numbers."""


SAKURA = Supplier(
    name="Sakura Energy",
    code="A0269",
    tariff="demo",
    unit_price="3850",
    power_type="other",
    station_id=STATION_ID,
    password=STATION_PASSWORD,
    codes=CODES,
)

KAZE = Supplier(
    name="Kaze Denki",
    code="A0275",
    tariff="wind",
    unit_price="3400",
    power_type="wind",
    station_id="mall-setagaya",
    password="demo-station-at-kaze",  # noqa: S106  # likewise
    codes=("WKYXCN", "C55XPN", "PHVNJX", "CRW8T6"),
)
"""Knows the site by another id, and its outlets by other codes."""

SERVER_SETTINGS: Final[Mapping[str, str]] = {
    "KONSENTO_WELCOME_CREDIT_MINOR": "5000",
    "KONSENTO_BALANCE": "true",
    "KONSENTO_FAKE_PAYMENTS": "true",
    # All drivers of the rig are on one machine.
    "KONSENTO_NEWCOMERS_PER_HOUR": "10000",
}


def provisioning(
    outlets: Sequence[OutletSpec],
    codes: Sequence[str],
    presence: str = "none",
    supplier: Supplier = SAKURA,
    region: str = "",
) -> str:
    """Return the file that an operator would write for `konsento apply`.

    `presence`: how drivers show that they are there. `region`: of the grid, one that the server knows.
    """
    in_region = f'region = "{region}"\n' if region else ""
    text = f"""\
[[tariffs]]
name = "{supplier.tariff}"
unit_price = "{supplier.unit_price}"
power_type = "{supplier.power_type}"
supplier = "{supplier.name}"
supplier_code = "{supplier.code}"

[[sites]]
name = "Sakura Mall car park"
station_id = "{supplier.station_id}"
password = "{supplier.password}"
time_zone = "Asia/Tokyo"
place = "Setagaya, Tokyo"
presence = "{presence}"
latitude = 35.6461
longitude = 139.6532
{in_region}"""
    for number, (outlet, code) in enumerate(zip(outlets, codes, strict=False), start=1):
        text += f"""
[[sites.outlets]]
evse_id = {number}
code = "{code}"
name = "{outlet.title}"
rated_w = 3000
volts = 200
tariff = "{supplier.tariff}"
"""
    return text
