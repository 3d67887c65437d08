"""Regions and data sources from the provisioning file."""

import pytest
from sqlalchemy import select

from konsento import provisioning
from konsento.models import GridRegion, GridSource, Site
from konsento.settings import Settings
from konsento.sites.provisioning import BadFileError

from ..conftest import AT, STATION, Core

FILE = f"""
[[regions]]
code = "JP-A03"
advises = true

[regions.rule]
reference = {{ mode = "percent", value = -5 }}
threshold = {{ unit = "mw", value = "1500.5" }}

[[regions]]
code = "XX-1"
name_en = "Island"
time_zone = "Atlantic/Azores"

[[sources]]
name = "Tokyo"
format = "jp_area"
region = "JP-A03"
url = "https://data.example/{{yyyymmdd}}.csv"
secret = "auth-token: s3cr3t"
every_s = 1800

[[sources]]
name = "dropped"
format = "csv"
folder = "island"

[[sites]]
name = "Sakura Mall car park"
station_id = "{STATION}"
password = "station-password-1"
place = "Setagaya, Tokyo"
time_zone = "Asia/Tokyo"
region = "JP-A03"
"""


async def applied(core: Core, text: str) -> list[str]:
    async with core.services.database.transaction() as session:
        return (await provisioning.apply(session, provisioning.parse(text), Settings(), AT)).lines


async def test_a_file_brings_regions_sources_and_where_sites_lie(core: Core) -> None:
    lines = await applied(core, FILE)

    assert lines == [
        "region JP-A03: added",
        "region XX-1: added",
        "source Tokyo: added",
        "source dropped: added",
        "site sakura-mall: region is now 'JP-A03'",
    ]
    async with core.services.database.transaction() as session:
        tokyo, island = await session.scalars(select(GridRegion).order_by(GridRegion.code))
        sources = {one.name: one for one in await session.scalars(select(GridSource))}
        assert await session.scalar(select(Site.region)) == "JP-A03"
    assert (tokyo.time_zone, tokyo.advises, island.advises) == ("Asia/Tokyo", True, False)
    assert tokyo.rule["reference"] == {"mode": "percent", "value": "-5"}
    assert tokyo.rule["threshold"] == {"unit": "mw", "value": "1500.5"}
    assert (sources["Tokyo"].secret, sources["Tokyo"].every_s) == ("auth-token: s3cr3t", 1800)
    assert sources["dropped"].folder == "island"


async def test_applied_again_it_changes_nothing_and_a_change_is_named_without_the_key(core: Core) -> None:
    await applied(core, FILE)
    assert await applied(core, FILE) == []

    changed = FILE.replace("= -5", "= 3").replace("s3cr3t", "n3w").replace("1800", "900")
    lines = await applied(core, changed)

    assert lines[0].startswith("region JP-A03: rule is now ")
    assert lines[1:] == ["source Tokyo: every_s is now '900'", "source Tokyo: new key"]
    assert "n3w" not in str(lines)


async def test_what_a_file_leaves_out_stays(core: Core) -> None:
    await applied(core, FILE)

    assert await applied(core, '[[regions]]\ncode = "JP-A03"\n') == []
    async with core.services.database.transaction() as session:
        region = await session.get(GridRegion, "JP-A03")
    assert region is not None
    assert region.advises
    assert region.rule["threshold"]["value"] == "1500.5"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name_en = "Island"\n', "", "region XX-1: it is not known here; name_en and time_zone are needed"),
        ("value = -5", "value = -500", "region JP-A03: The surplus is a number from"),
        ('format = "csv"', 'format = "xls"', "source dropped: Choose one of the formats"),
        ("https://data.example", "http://data.example", "source Tokyo: An address begins with https://"),
        (
            'zone = "Asia/Tokyo"\nregion = "JP-A03"',
            'zone = "Asia/Tokyo"\nregion = "JP-A9"',
            "site sakura-mall: no region 'JP-A9'",
        ),
        ('name = "dropped"', 'name = "Tokyo"', "source 'Tokyo' is there twice"),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_changed(core: Core, old: str, new: str, reason: str) -> None:
    with pytest.raises(BadFileError) as refused:
        await applied(core, FILE.replace(old, new))

    assert reason in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
    async with core.services.database.transaction() as session:
        assert list(await session.scalars(select(GridRegion))) == []
