"""Suppliers and contracts, power types, and what is sold of them where: the same to Python and to the database."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from konsento import migrations
from konsento.catalogue import power
from konsento.catalogue import service as catalogue
from konsento.catalogue.apply import WantedTariff, apply_tariff
from konsento.catalogue.errors import BadContract, BadPowerType, BadSupplier, ContractOver, ContractOverlaps
from konsento.catalogue.suppliers import (
    WantedContract,
    WantedSupplier,
    add_contract,
    add_supplier,
    contract_in_force,
    end_contract,
)
from konsento.environment.wire import PowerType as WireType
from konsento.kit.db import Database
from konsento.kit.ids import new_id
from konsento.models import WITH_OFFERS, Metering, Outlet, PowerType, Site
from konsento.pricing import Component, Rate

from ..databases import Template
from ..examples import up_to

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)
HALF = Decimal("0.5")


def priced(name: str, code: str, component: Component = Component.ENERGY, power_type: str = "solar") -> WantedTariff:
    return WantedTariff(
        name=name,
        rates=(Rate(component=component, price=Decimal(30)),),
        currency="JPY",
        tax_rate=Decimal("0.1"),
        power_type=power_type,
        supplier=name,
        supplier_code=code,
    )


async def site(session: AsyncSession, names: list[str], bases: tuple[Metering, ...]) -> UUID:
    row = Site(id=new_id(), station_id=new_id().hex, password_hash="-", name="S", time_zone="Asia/Tokyo")
    session.add(row)
    await session.flush()
    for number, basis in enumerate(bases, start=1):
        session.add(
            Outlet(
                id=new_id(),
                site_id=row.id,
                evse_id=number,
                code=new_id().hex[-16:],
                name="O",
                rated_w=3000,
                volts=200,
                metering=basis,
                tariff_names=names,
            )
        )
    await session.flush()
    return row.id


@dataclass(frozen=True)
class Said:
    """A contract as it was said: of which supplier, for which site (None: all), from which day until which."""

    supplier: str
    site: int | None
    begin: int
    end: int | None

    def holds(self, day: int) -> bool:
        return self.begin <= day and (self.end is None or day < self.end)


SAID = st.builds(
    Said,
    supplier=st.sampled_from(["A", "B"]),
    site=st.sampled_from([None, 0, 1]),
    begin=st.integers(0, 6),
    end=st.one_of(st.none(), st.integers(1, 8)),
)


@settings(max_examples=up_to(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(SAID, max_size=8), day=st.integers(0, 8))
async def test_a_supplier_sells_where_and_when_a_contract_says_so(
    migrated: Template, wanted: list[Said], day: int
) -> None:
    database = Database(migrated.url)
    at = START + day * DAY
    async with AsyncSession(database.engine) as session:  # rolled back at its end
        names = ["a", "b", "own", "b-time"]
        for tariff in (priced("a", "A"), priced("b", "B"), priced("own", ""), priced("b-time", "B", Component.TIME)):
            await apply_tariff(session, tariff, START - DAY)
        for code in ("A", "B"):
            await add_supplier(session, WantedSupplier(code=code, name=code))
        sites = [await site(session, names, (Metering.VERIFIED, Metering.ESTIMATED)) for _ in range(2)]
        kept: list[Said] = []
        for said in wanted:
            contract = WantedContract(
                site_id=sites[said.site] if said.site is not None else None,
                valid_from=START + said.begin * DAY,
                valid_to=START + said.end * DAY if said.end is not None else None,
                supplier_share=HALF if said.site is None else Decimal("0.6"),
                owner_share=Decimal(0),
            )
            clashes = (said.end is not None and said.end <= said.begin) or any(
                (one.supplier, one.site) == (said.supplier, said.site)
                and any(one.holds(d) and said.holds(d) for d in range(10))
                for one in kept
            )
            if clashes:
                with pytest.raises(BadContract):
                    await add_contract(session, said.supplier, contract)
            else:
                await add_contract(session, said.supplier, contract)
                kept.append(said)
        on_sale = await catalogue.on_sale(session, at)
        query = select(Outlet).options(WITH_OFFERS, joinedload(Outlet.site)).where(Outlet.site_id.in_(sites))
        outlets = (await session.scalars(query)).all()
        found = set(await session.scalars(select(Outlet.id).where(Outlet.site_id.in_(sites), on_sale.sold())))
        for outlet in outlets:
            number = sites.index(outlet.site_id)
            expected = ["own"]
            for code in ("A", "B"):
                here = [one for one in kept if one.supplier == code and one.holds(day)]
                own = [one for one in here if one.site == number]
                force = await contract_in_force(session, code, outlet.site_id, at)
                if own:
                    assert force is not None
                    assert force.supplier_share == Decimal("0.6")
                elif any(one.site is None for one in here):
                    assert force is not None
                    assert force.supplier_share == HALF
                else:
                    assert force is None
                    continue
                expected += ["a"] if code == "A" else ["b", "b-time"]
            if outlet.metering is Metering.ESTIMATED:
                expected = [name for name in expected if name == "b-time"]
            assert [offer.name for offer in on_sale.offers_of(outlet)] == [n for n in names if n in expected]
            assert (outlet.id in found) is bool(expected)
    await database.close()


async def test_a_contract_ends_from_now_on_and_another_may_follow(database: Database) -> None:
    now = START + 3 * DAY
    terms = {"site_id": None, "supplier_share": HALF, "owner_share": HALF}
    async with database.transaction() as session:
        await add_supplier(session, WantedSupplier(code="A", name="A"))
        first = await add_contract(session, "A", WantedContract(valid_from=START, valid_to=None, **terms))  # type: ignore[arg-type]
        with pytest.raises(ContractOver):
            await end_contract(session, "A", first.id, now - DAY, now)
        with pytest.raises(ContractOverlaps):
            await add_contract(session, "A", WantedContract(valid_from=now, valid_to=None, **terms))  # type: ignore[arg-type]
        await end_contract(session, "A", first.id, now, now)
        second = await add_contract(session, "A", WantedContract(valid_from=now, valid_to=None, **terms))  # type: ignore[arg-type]
        later = WantedContract(valid_from=now + 9 * DAY, valid_to=None, **terms)  # type: ignore[arg-type]
        await end_contract(session, "A", second.id, now + 5 * DAY, now)
        planned = await add_contract(session, "A", later)
        # One that has not begun never comes about.
        await end_contract(session, "A", planned.id, now + DAY, now)
        await add_contract(session, "A", later)
        with pytest.raises(ContractOver):
            await end_contract(session, "A", first.id, now + DAY, now)


@pytest.mark.parametrize(
    ("supplier_share", "owner_share"),
    [("1.1", "0"), ("-0.1", "0.2"), ("0.6", "0.5"), ("NaN", "0"), ("0.1234567", "0"), ("0", "Infinity")],
)
async def test_no_more_is_given_away_than_there_is(database: Database, supplier_share: str, owner_share: str) -> None:
    wanted = WantedContract(
        site_id=None,
        valid_from=START,
        valid_to=None,
        supplier_share=Decimal(supplier_share),
        owner_share=Decimal(owner_share),
    )
    async with database.transaction() as session:
        await add_supplier(session, WantedSupplier(code="A", name="A"))
        with pytest.raises(BadContract):
            await add_contract(session, "A", wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": ""},
        {"code": "a0269"},
        {"code": "A" * 33},
        {"name": ""},
        {"name": "n" * 101},
        {"invoice_number": "T123"},
        {"invoice_number": "T1000012050002"},
        {"code": "B1"},
    ],
)
async def test_what_no_supplier_can_be_is_refused(database: Database, wrong: dict[str, str]) -> None:
    async with database.transaction() as session:
        await add_supplier(session, WantedSupplier(code="B1", name="B", invoice_number="T7000012050002"))
        with pytest.raises(BadSupplier):
            await add_supplier(session, WantedSupplier(**({"code": "A0269", "name": "A"} | wrong)))


async def test_own_power_types_travel_as_the_nearest_standard_one_above(database: Database) -> None:
    async with database.transaction() as session:
        for word, parent in (("roof", "solar"), ("carport", "roof"), ("wave", "renewable"), ("hydrogen", "gas")):
            await power.add_power_type(session, word=word, parent=parent, name_en=f"The {word}", name_ja=word)
        tree = await power.power_tree(session)

    told = {word: tree.kind(word).travels_as for word in ("roof", "carport", "wave", "hydrogen", "wind", "gone")}
    assert told == {
        "roof": "solar", "carport": "solar", "wave": "other", "hydrogen": "gas", "wind": "wind", "gone": "other",
    }  # fmt: skip
    assert [tree.kind(word).renewable for word in ("carport", "wave", "hydrogen", "other")] == [
        True,
        True,
        False,
        False,
    ]
    assert {kind.travels_as for kind in tree if kind.sold} <= {kind.value for kind in WireType}
    assert [kind.word for kind in tree if kind.own] == ["roof", "carport", "wave", "hydrogen"]
    assert not tree.kind("renewable").sold


async def test_a_power_type_that_is_sold_or_has_parts_stays(database: Database) -> None:
    async with database.transaction() as session:
        for word, parent in (("roof", "solar"), ("carport", "roof")):
            await power.add_power_type(session, word=word, parent=parent, name_en=word, name_ja=word)
        await apply_tariff(session, priced("t", "", power_type="carport"), START)
        for word in ("roof", "carport", "solar", "nothing"):
            with pytest.raises(BadPowerType):
                await power.remove_power_type(session, word)
        await power.add_power_type(session, word="wall", parent="roof", name_en="Wall", name_ja="壁")
        await power.remove_power_type(session, "wall")
        assert set(await session.scalars(select(PowerType.word))) == {"roof", "carport"}


@pytest.mark.parametrize(
    "wrong",
    [{"parent": "nothing"}, {"word": "Roof"}, {"word": "solar"}, {"word": "r" * 21}, {"name_en": " "}, {"name_ja": ""}],
)
async def test_what_no_power_type_can_be_is_refused(database: Database, wrong: dict[str, str]) -> None:
    fine = {"word": "roof", "parent": "solar", "name_en": "Roof", "name_ja": "屋根"}
    async with database.transaction() as session:
        with pytest.raises(BadPowerType):
            await power.add_power_type(session, **(fine | wrong))


def test_what_an_outlet_was_sold_at_becomes_its_one_offer_and_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "k.sqlite3"
    config = migrations.config(f"sqlite+aiosqlite:///{path}")
    command.upgrade(config, "0050")
    with sqlite3.connect(path) as before:
        before.execute(
            "INSERT INTO sites (id, station_id, password_hash, name, place, time_zone, connected, opening_hours,"
            " presence, ours, next_password_hashes, security_profile)"
            " VALUES ('s', 's', '-', 'S', '', 'Asia/Tokyo', 0, '', 'none', 1, '[]', 1)"
        )
        for number, tariff in enumerate(("day", None), start=1):
            before.execute(
                "INSERT INTO outlets (id, site_id, evse_id, code, name, rated_w, volts, tariff_name, model, firmware,"
                " status, status_reason) VALUES (?, 's', ?, ?, 'O', 3000, 200, ?, '', '', 'available', '')",
                (f"{number:032}", number, f"C{number}", tariff),
            )

    command.upgrade(config, "0051")
    with sqlite3.connect(path) as after:
        assert after.execute("SELECT outlet_id, tariff_name, position FROM outlet_offers").fetchall() == [
            (f"{1:032}", "day", 0)
        ]
        assert set(after.execute("SELECT metering, metering_class FROM outlets").fetchall()) == {("verified", "")}
        after.execute("INSERT INTO outlet_offers VALUES (?, 'night', 1)", (f"{1:032}",))
    command.downgrade(config, "0050")

    with sqlite3.connect(path) as back:
        assert back.execute("SELECT tariff_name FROM outlets ORDER BY evse_id").fetchall() == [("day",), (None,)]
