"""Setting up from a file, as an operator does it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from konsento import provisioning
from konsento.catalogue.service import price_of, tariff_in_force
from konsento.kit.db import Database
from konsento.models import Outlet, PresenceCheck, Site, Tariff
from konsento.pricing import Band, Price
from konsento.settings import Settings
from konsento.sites import stations
from konsento.sites.lookups import Lookups
from konsento.sites.provisioning import BadFileError, Changes

from ..conftest import AT, CODES, PROVISIONING, STATION, rate


async def _apply(database: Database, text: str, later_s: int = 0) -> Changes:
    async with database.transaction() as session:
        return await provisioning.apply(session, provisioning.parse(text), Settings(), AT + timedelta(seconds=later_s))


async def test_applied_again_nothing_changes(database: Database) -> None:
    assert len((await _apply(database, PROVISIONING)).lines) == 4

    again = await _apply(database, PROVISIONING, 60)

    assert again.lines == []
    assert again.outlet_codes == {f"{STATION}/1": CODES[0], f"{STATION}/2": CODES[1]}


async def test_a_new_price_follows_the_old_one_and_the_old_one_stays_explained(database: Database) -> None:
    await _apply(database, PROVISIONING)
    await _apply(database, PROVISIONING.replace('"3850"', "38.50"), 60)

    async with database.transaction() as session:
        before = await tariff_in_force(session, "demo", AT + timedelta(seconds=59))
        after = await tariff_in_force(session, "demo", AT + timedelta(seconds=60))
    assert (before.unit_price, after.unit_price) == (Decimal(3850), Decimal("38.5"))
    assert before.tax_rate == Decimal("0.1")


WHOLE = """
unit_price = "30"
per_minute = "2"
per_session = "50"
idle = { per_minute = "10", free_minutes = 15 }
minimum = 100
maximum = 3000
tax_included = false

[[tariffs.bands]]
hours = "22:00-06:00"
weekdays = ["mon", "tue", "wed", "thu", "fri"]
season = "12-01/02-28"
unit_price = "20"
idle = { per_minute = "0" }
"""


async def test_a_tariff_has_all_that_a_price_can_have(database: Database) -> None:
    text = PROVISIONING.replace('unit_price = "3850"\n', "", 1)
    text = text.replace('supplier_code = "A0269"\n', f'supplier_code = "A0269"\n{WHOLE}', 1)
    await _apply(database, text)
    again = await _apply(database, text, 60)

    async with database.transaction() as session:
        tariff = await tariff_in_force(session, "demo", AT)
    winter = Band(
        from_minute=22 * 60,
        to_minute=6 * 60,
        weekdays=frozenset(range(5)),
        from_day="12-01",
        to_day="02-28",
    )
    assert again.lines == []
    assert tariff.unit_price == Decimal(33)
    assert price_of(tariff, "Asia/Tokyo") == Price(
        currency="JPY",
        tax_rate=Decimal("0.1"),
        tax_included=False,
        rates=(
            rate("energy", "30"),
            rate("time", "2"),
            rate("session", "50"),
            rate("idle", "10", free_s=900),
            rate("energy", "20", winter),
            rate("idle", "0", winter),
        ),
        min_minor=100,
        max_minor=3000,
        time_zone="Asia/Tokyo",
    )


async def test_a_tariff_follows_the_grid_until_the_file_says_otherwise(database: Database) -> None:
    spot = 'follows = { kind = "spot", factor = "1.2", plus = "-8", floor = "15", cap = "5000" }\n'
    lines = []
    for after, follows in enumerate((spot, spot, 'follows = { kind = "windows", inside = "20.0" }\n', "")):
        text = PROVISIONING.replace('power_type = "solar"\n', f'power_type = "solar"\n{follows}', 1)
        lines.append((await _apply(database, text, after * 60)).lines)

    async with database.transaction() as session:
        found = [(await tariff_in_force(session, "demo", AT + timedelta(minutes=after))).follows for after in range(4)]
    spot_kept = {"kind": "spot", "factor": "1.2", "plus": "-8", "floor": "15", "cap": "5000"}
    assert found == [spot_kept, spot_kept, {"kind": "windows", "inside": "20"}, None]
    assert lines[1] == []
    assert lines[2] == ["tariff demo: 3850 JPY per kWh, 20 JPY per kWh in recommended windows"]


@pytest.mark.parametrize(
    "follows",
    [
        '{ kind = "windows" }',
        '{ kind = "windows", inside = "3850" }',
        '{ kind = "spot", floor = "15" }',
        '{ kind = "spot", floor = "15", cap = "60" }',
        '{ kind = "moon", inside = "20" }',
    ],
)
async def test_a_tariff_that_cannot_follow_that_is_refused(database: Database, follows: str) -> None:
    text = PROVISIONING.replace('power_type = "solar"\n', f'power_type = "solar"\nfollows = {follows}\n', 1)

    with pytest.raises(BadFileError):
        await _apply(database, text)


async def test_a_tariff_can_name_the_registration_number_of_its_supplier(database: Database) -> None:
    without = PROVISIONING.replace('supplier_code = "A0269"\n', "")
    await _apply(database, without)
    await _apply(database, PROVISIONING, 60)

    async with database.transaction() as session:
        before = await tariff_in_force(session, "demo", AT + timedelta(seconds=59))
        after = await tariff_in_force(session, "demo", AT + timedelta(seconds=60))
    assert (before.supplier_code, after.supplier_code) == ("", "A0269")


@pytest.mark.parametrize("code", ["", "a0269", "Sakura Energy", "A" * 33])
def test_a_registration_number_is_no_name(code: str) -> None:
    with pytest.raises(BadFileError, match="supplier_code"):
        provisioning.parse(PROVISIONING.replace("A0269", code))


async def test_renamed_things_keep_their_codes(database: Database) -> None:
    await _apply(database, PROVISIONING.replace(f'code = "{CODES[1]}"\n', ""))
    async with database.transaction() as session:
        made = (await session.scalars(select(Outlet.code).where(Outlet.evse_id == 2))).one()

    changed = PROVISIONING.replace(f'code = "{CODES[1]}"\n', "").replace("Outlet 2, north wall", "By the door")
    changes = await _apply(database, changed, 60)

    assert changes.lines == [f"outlet {STATION}/2: name is now 'By the door'"]
    assert changes.outlet_codes[f"{STATION}/2"] == made


async def test_a_changed_password_lets_the_station_in_and_the_old_one_no_more(database: Database) -> None:
    await _apply(database, PROVISIONING)
    assert await stations.let_in(Lookups(database), STATION, password="station-password-1")

    await _apply(database, PROVISIONING.replace("station-password-1", "station-password-2"))

    assert await stations.let_in(Lookups(database), STATION, password="station-password-2")
    assert not await stations.let_in(Lookups(database), STATION, password="station-password-1")
    assert not await stations.let_in(Lookups(database), "nowhere", password="station-password-2")


async def test_a_position_is_taken_from_the_file_and_stays_where_the_file_has_none(database: Database) -> None:
    await _apply(database, PROVISIONING.replace("latitude = 35.6461\nlongitude = 139.6532\n", ""))
    moved = await _apply(database, PROVISIONING)
    again = await _apply(database, PROVISIONING.replace("latitude = 35.6461\nlongitude = 139.6532\n", ""))

    assert moved.lines == [f"site {STATION}: latitude is now '35.6461'", f"site {STATION}: longitude is now '139.6532'"]
    assert again.lines == []
    async with database.transaction() as session:
        site = (await session.scalars(select(Site))).one()
    assert (site.latitude, site.longitude) == (35.6461, 139.6532)


async def test_passwords_are_stored_as_hashes(database: Database) -> None:
    await _apply(database, PROVISIONING)

    async with database.transaction() as session:
        assert (await session.scalars(select(Site.password_hash))).one().startswith("$argon2id$")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"demo"\n\n[[sites.outlets]]', '"gone"\n\n[[sites.outlets]]', "no tariff 'gone'"),
        ("evse_id = 2", "evse_id = 1", "twice"),
        (CODES[1], CODES[0], "twice"),
        (CODES[1], "K7F29R", "too easily mistyped"),
        (CODES[1], "O0", "no outlet code"),
        ("rated_w = 3000", "rated_w = 0", "rated_w"),
        ("volts = 200", "volt = 200", "volt"),
        ("Asia/Tokyo", "Asia/Nowhere", "time zone"),
        ("latitude = 35.6461\n", "", "belong together"),
        ("35.6461", "95", "latitude"),
        ("139.6532", "nan", "longitude"),
        ('"3850"', '"-1"', "unit_price"),
        ('"3850"', '"NaN"', "unit_price"),
        ('unit_price = "3850"\n', "", "Say what it costs"),
        ('unit_price = "3850"\n', 'idle = { per_minute = "10" }\n', "needs a price per kWh"),
        ('"3850"', '"3850"\nminimum = 200\nmaximum = 100', "above the most"),
        ('"3850"', '"3850"\nminimum = "0.5"', "finer than the currency"),
        ('"3850"', '"3850"\nbands = [{ hours = "22:00-22:00", unit_price = "20" }]', "hours from 00:00"),
        ('"3850"', '"3850"\nbands = [{ hours = "10:00-11:75", unit_price = "20" }]', "hours"),
        ('"3850"', '"3850"\nbands = [{ hours = "24:30-06:00", unit_price = "20" }]', "hours from 00:00"),
        ('"3850"', '"3850"\nbands = [{ hours = "10 to 11", unit_price = "20" }]', "hours"),
        ('"3850"', '"3850"\nbands = [{ season = "02-30/03-01", unit_price = "20" }]', "a season of two days"),
        (
            '"3850"',
            '"3850"\nbands = [{ hours = "22:00-06:00", per_minute = 2 }, { hours = "05:00-07:00", per_minute = 3 }]',
            "hold at the same time",
        ),
        ('"solar"', '"coffee"', "power_type"),
        ('power_type = "solar"', 'power_type = "solar"\ncurrency = "EUR"', "currency is JPY"),
        ('"station-password-1"', '"short"', "password"),
        ("[[sites]]", "[[sites", "not TOML"),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_applied(database: Database, old: str, new: str, says: str) -> None:
    with pytest.raises(BadFileError, match=says) as caught:
        await _apply(database, PROVISIONING.replace(old, new))

    assert "station-password" not in str(caught.value)
    async with database.transaction() as session:
        assert (await session.scalars(select(Tariff))).all() == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"nowhere\.toml: No such file"):
        provisioning.read(tmp_path / "nowhere.toml")


async def test_a_site_can_want_its_drivers_to_show_that_they_are_there(database: Database) -> None:
    await _apply(database, PROVISIONING)
    wanted = PROVISIONING.replace('place = "Setagaya, Tokyo"', 'place = "Setagaya, Tokyo"\npresence = "button"')

    changed = await _apply(database, wanted, 60)

    assert changed.lines == [f"site {STATION}: presence is now 'button'"]
    async with database.transaction() as session:
        assert await session.scalar(select(Site.presence)) is PresenceCheck.BUTTON
    with pytest.raises(BadFileError, match="presence"):
        provisioning.parse(wanted.replace('"button"', '"smell"'))


PARTNER = f"""
[[partners]]
name = "Kaze Denki"
url = "https://kaze.example"
key = "kps_{"A" * 43}"
sites = ["{STATION}"]
"""


async def test_partners_and_common_names_are_set_up_and_changed_by_the_file(database: Database) -> None:
    named = PROVISIONING.replace("latitude", 'common_name = "K3VQ5B2XJ6M7"\nlatitude', 1)
    first = await _apply(database, named + PARTNER)
    again = await _apply(database, named + PARTNER, 60)
    changed = await _apply(database, PROVISIONING + PARTNER.replace(f'["{STATION}"]', "[]"), 120)

    assert "partner Kaze Denki: added" in first.lines
    assert f"partner Kaze Denki: sells at {STATION}" in first.lines
    assert again.lines == []
    assert changed.lines == ["partner Kaze Denki: sells at no site"]
    async with database.transaction() as session:
        (site,) = await session.scalars(select(Site))
    assert site.common_name == "K3VQ5B2XJ6M7", "a file without one leaves it"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (f'["{STATION}"]', '["nowhere"]', "partner Kaze Denki: no site 'nowhere'"),
        ("https://kaze.example", "http://kaze.example", "partner Kaze Denki: The address"),
        ("A" * 43, "A", "partner Kaze Denki: A key"),
        ('name = "Kaze Denki"', 'name = ""', "partners.0.name"),
    ],
)
async def test_mistakes_about_partners_are_told(database: Database, old: str, new: str, says: str) -> None:
    with pytest.raises(BadFileError, match=says):
        await _apply(database, PROVISIONING + PARTNER.replace(old, new))
