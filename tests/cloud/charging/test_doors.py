"""Who comes in, by the station's security profile and the operator's word, and passwords that change on the way."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from sqlalchemy import select, update

from konsento import provisioning
from konsento.charging import doors, passwords
from konsento.charging.doors import Doors
from konsento.charging.passwords import Outcome
from konsento.models import AuditEntry, PendingStation, SecurityProfile, Site
from konsento.ocpp import CallRefused, CallTimeout, Entry, Gateway, LocalStationRouter, Shown, Version
from konsento.ocpp.messages import (
    BootNotification,
    ChargingStation,
    Component,
    RegistrationStatus,
    SetVariableResult,
    SetVariables,
    SetVariablesResponse,
    SetVariableStatus,
    Variable,
)
from konsento.settings import Settings, UnknownStations
from konsento.sites import pending, proofs
from konsento.sites.errors import PasswordsUnderWay, StationIdTaken
from konsento.sites.setup import SiteDetails

from ..conftest import PROVISIONING, STATION, Core
from ..ocpp.conftest import Station

PASSWORD = "station-password-1"
STRANGER = "Acme:0001"
THEIRS = "brought-by-the-charger"
BOOT = BootNotification(
    charging_station=ChargingStation(model="Q1", vendor_name="Acme", serial_number="4711", firmware_version="9.1"),
    reason="PowerUp",
)
DETAILS = SiteDetails(name="Harbour", place="Pier 3", time_zone="Asia/Tokyo", latitude=None, longitude=None)


def shown(password: str | None = None, *, encrypted: bool = False, names: set[str] | None = None) -> Shown:
    return Shown(password=password, names=frozenset(names or ()), encrypted=encrypted, address="203.0.113.7")


async def set_profile(core: Core, profile: SecurityProfile) -> None:
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(security_profile=profile))


async def site_of(core: Core, station_id: str = STATION) -> Site:
    async with core.services.database.transaction() as session:
        return (await session.scalars(select(Site).where(Site.station_id == station_id))).one()


async def row_of(core: Core, station_id: str = STRANGER) -> PendingStation | None:
    async with core.services.database.transaction() as session:
        return await session.scalar(select(PendingStation).where(PendingStation.station_id == station_id))


@pytest.fixture
def hold(core: Core) -> Core:
    core.services.settings.ocpp_unknown = UnknownStations.HOLD
    return core


WAYS = {
    "password": shown(PASSWORD),
    "wrong password": shown("station-password-2", encrypted=True),
    "password over TLS": shown(PASSWORD, encrypted=True),
    "certificate": shown(encrypted=True, names={STATION}),
    "certificate of another": shown(encrypted=True, names={"another"}),
    "certificate and password": shown(PASSWORD, encrypted=True, names={STATION}),
    "nothing": shown(),
}


@pytest.mark.parametrize(
    ("profile", "comes_in"),
    [
        (SecurityProfile.BASIC, {"password", "password over TLS", "certificate and password"}),
        (SecurityProfile.TLS_BASIC, {"password over TLS", "certificate and password"}),
        (SecurityProfile.TLS_CERTIFICATE, {"certificate", "certificate and password"}),
        (SecurityProfile.NONE, set()),
    ],
)
async def test_a_station_comes_in_by_its_own_profile_and_no_other(
    core: Core, profile: SecurityProfile, comes_in: set[str]
) -> None:
    await set_profile(core, profile)
    door = Doors(core.services)
    entries = {way: await door.admit(STATION, what) for way, what in WAYS.items()}
    assert {way for way, entry in entries.items() if entry is Entry.ADMITTED} == comes_in
    assert {entry for way, entry in entries.items() if way not in comes_in} == {Entry.REFUSED}


async def test_profile_0_counts_only_where_the_settings_allow_it(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    await set_profile(core, SecurityProfile.NONE)
    assert await Doors(core.services).admit(STATION, shown()) is Entry.REFUSED
    assert "which the settings do not allow" in caplog.text
    core.services.settings.ocpp_without_password = True
    assert await Doors(core.services).admit(STATION, shown()) is Entry.ADMITTED


async def test_why_a_station_that_came_without_tls_is_refused_is_in_the_log(
    core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    await set_profile(core, SecurityProfile.TLS_BASIC)
    await Doors(core.services).admit(STATION, shown(PASSWORD))
    assert "X-Forwarded-Proto" in caplog.text
    assert PASSWORD not in caplog.text


async def test_a_file_sets_the_profile_and_marks_what_is_insecure(core: Core) -> None:
    async def apply(text: str) -> list[str]:
        async with core.services.database.transaction() as session:
            file = provisioning.parse(text)
            return (await provisioning.apply(session, file, core.services.settings, core.clock.now())).lines

    with_profile = PROVISIONING.replace('place = "Setagaya', 'security_profile = 2\nplace = "Setagaya')
    assert await apply(with_profile) == [f"site {STATION}: security_profile is now '2'"]
    assert (await site_of(core)).security_profile == 2
    assert await apply(PROVISIONING) == []
    assert "INSECURE" in (await apply(with_profile.replace("profile = 2", "profile = 0")))[0]
    with pytest.raises(provisioning.BadFileError, match="security_profile"):
        provisioning.parse(with_profile.replace("profile = 2", "profile = 4"))


async def test_an_unknown_station_is_refused_unless_the_settings_say_otherwise(core: Core) -> None:
    assert await Doors(core.services).admit(STRANGER, shown(THEIRS)) is Entry.REFUSED
    assert await row_of(core) is None


async def test_an_unknown_station_waits_with_what_it_came_with(hold: Core) -> None:
    door = Doors(hold.services)
    assert await door.admit(STRANGER, shown(THEIRS, encrypted=True)) is Entry.HELD
    assert await door.admit(STRANGER, shown(THEIRS, encrypted=True)) is Entry.HELD
    assert await door.admit(STRANGER, shown("of-somebody-else-1", encrypted=True)) is Entry.REFUSED
    assert await door.admit(STRANGER, shown(THEIRS)) is Entry.REFUSED
    assert await door.admit(STRANGER, shown()) is Entry.REFUSED
    row = await row_of(hold)
    assert row is not None
    assert (row.security_profile, row.address, row.rejected_at) == (2, "203.0.113.7", None)
    assert row.password_hash.startswith("$argon2id$")
    assert THEIRS not in row.password_hash


async def test_an_unknown_station_with_a_certificate_waits_without_a_password(hold: Core) -> None:
    door = Doors(hold.services)
    assert await door.admit(STRANGER, shown(encrypted=True, names={STRANGER})) is Entry.HELD
    assert await door.admit(STRANGER, shown(THEIRS, encrypted=True)) is Entry.REFUSED
    assert await door.admit("Acme:0002", shown(encrypted=True, names={STRANGER})) is Entry.REFUSED
    row = await row_of(hold)
    assert row is not None
    assert row.security_profile == SecurityProfile.TLS_CERTIFICATE


async def test_what_a_waiting_station_says_about_itself_is_kept_for_the_operator(hold: Core) -> None:
    door = Doors(hold.services)
    await door.admit(STRANGER, shown(THEIRS))
    assert await door.register(STRANGER, Version.V201, BOOT) is RegistrationStatus.PENDING
    row = await row_of(hold)
    assert row is not None
    assert (row.version, row.vendor, row.model, row.serial, row.firmware) == ("ocpp2.0.1", "Acme", "Q1", "4711", "9.1")


async def test_an_accepted_station_is_a_site_with_the_way_in_with_which_it_came(hold: Core) -> None:
    door = Doors(hold.services)
    await door.admit(STRANGER, shown(THEIRS))
    async with hold.services.database.transaction() as session:
        (row,) = await pending.listed(session)
        await pending.accept(session, row, DETAILS)
    assert await door.register(STRANGER, Version.V21, BOOT) is RegistrationStatus.ACCEPTED
    assert await door.admit(STRANGER, shown(THEIRS)) is Entry.ADMITTED
    assert await door.admit(STRANGER, shown("of-somebody-else-1")) is Entry.REFUSED
    site = await site_of(hold, STRANGER)
    assert (site.name, site.security_profile, site.connected) == ("Harbour", 1, False)
    assert await row_of(hold) is None


async def test_a_station_id_that_became_a_site_meanwhile_cannot_be_accepted(hold: Core) -> None:
    await Doors(hold.services).admit(STRANGER, shown(THEIRS))
    async with hold.services.database.transaction() as session:
        await session.execute(update(Site).values(station_id=STRANGER))
    async with hold.services.database.transaction() as session:
        row = (await session.scalars(select(PendingStation))).one()
        with pytest.raises(StationIdTaken):
            await pending.accept(session, row, DETAILS)
    async with hold.services.database.transaction() as session:
        assert await pending.listed(session) == []
        assert await pending.waiting(session) == 0


async def test_a_rejected_station_stays_out_until_that_is_taken_back(hold: Core) -> None:
    door = Doors(hold.services)
    await door.admit(STRANGER, shown(THEIRS))
    async with hold.services.database.transaction() as session:
        pending.reject((await pending.listed(session))[0], hold.clock.now())
    assert await door.register(STRANGER, Version.V21, BOOT) is RegistrationStatus.REJECTED
    assert await door.admit(STRANGER, shown(THEIRS)) is Entry.HELD
    assert await door.register(STRANGER, Version.V21, BOOT) is RegistrationStatus.REJECTED
    async with hold.services.database.transaction() as session:
        pending.take_back((await pending.listed(session))[0])
    assert await door.register(STRANGER, Version.V21, BOOT) is RegistrationStatus.PENDING


async def test_no_more_than_so_many_wait_and_no_more_than_so_many_of_one_address(
    hold: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MOST_WAITING", 3)
    monkeypatch.setattr(doors, "NEWCOMERS_AN_HOUR", 2)
    door = Doors(hold.services)
    elsewhere = Shown(password=THEIRS, names=frozenset(), encrypted=False, address="198.51.100.1")
    entries = [await door.admit(f"N{number}", shown(THEIRS)) for number in range(3)]
    assert entries == [Entry.HELD, Entry.HELD, Entry.REFUSED]
    assert await door.admit("N0", shown(THEIRS)) is Entry.HELD
    assert await door.admit("N3", elsewhere) is Entry.HELD
    assert await door.admit("N4", elsewhere) is Entry.REFUSED


async def test_who_is_not_heard_of_is_forgotten_a_rejected_one_later(hold: Core) -> None:
    door = Doors(hold.services)
    await door.admit(STRANGER, shown(THEIRS))
    await door.admit("Acme:0002", shown(THEIRS))
    async with hold.services.database.transaction() as session:
        row = (await session.scalars(select(PendingStation).where(PendingStation.station_id == STRANGER))).one()
        pending.reject(row, hold.clock.now())
    for days, left in ((6, 2), (2, 1), (83, 0)):
        hold.clock.advance(timedelta(days=days))
        async with hold.services.database.transaction() as session:
            await pending.forget(session, hold.clock.now())
        async with hold.services.database.transaction() as session:
            assert len(await pending.listed(session)) == left


async def test_so_many_at_once_are_told_to_come_later_and_get_in_then(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "MOST_WAITING", 2)
    door = Doors(core.services)
    crowd = [shown(f"guessed-password-{number}") for number in range(8)]
    entries = await asyncio.gather(*(door.admit(STATION, one) for one in crowd))
    assert Entry.BUSY in entries
    assert await door.admit(STATION, shown(PASSWORD)) is Entry.ADMITTED


async def test_a_station_that_is_waited_for_already_makes_no_second_hash(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    verified = proofs.hashing.verified

    def counted(secret: str, stored: str) -> bool:
        made.append(secret)
        return verified(secret, stored)

    monkeypatch.setattr(proofs.hashing, "verified", counted)
    door = Doors(core.services)
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(password_hash=proofs.stored_chosen("only-used-in-this-test")))
    entries = await asyncio.gather(*(door.admit(STATION, shown("only-used-in-this-test")) for _ in range(5)))
    assert entries == [Entry.ADMITTED] * 5
    assert made == ["only-used-in-this-test"]


# Passwords


def answer_with(core: Core, status: SetVariableStatus | Exception) -> list[str]:
    sent: list[str] = []

    def answer(request: SetVariables) -> Any:
        sent.append(request.set_variable_data[0].attribute_value)
        if isinstance(status, Exception):
            return status
        about = {"component": Component(name="SecurityCtrlr"), "variable": Variable(name="BasicAuthPassword")}
        return SetVariablesResponse(set_variable_result=[SetVariableResult(attribute_status=status, **about)])  # type: ignore[arg-type]

    core.router.answers[SetVariables] = answer
    return sent


async def lets_in(core: Core, password: str) -> bool:
    return await Doors(core.services).admit(STATION, shown(password)) is Entry.ADMITTED


async def test_old_and_new_password_hold_until_the_station_comes_with_the_new_one(core: Core) -> None:
    answer_with(core, SetVariableStatus.ACCEPTED)
    outcome, new = await passwords.change(core.services, STATION)
    assert outcome is Outcome.TAKEN
    assert await lets_in(core, PASSWORD)
    assert await lets_in(core, new)
    assert not await lets_in(core, PASSWORD)
    assert await lets_in(core, new)
    assert (await site_of(core)).next_password_hashes == []


async def test_the_new_password_holds_before_it_is_sent(core: Core) -> None:
    sent = answer_with(core, SetVariableStatus.ACCEPTED)
    seen: list[bool] = []

    async def comes_back_before_the_answer_is_read() -> None:
        site = await site_of(core)
        seen.append(len(site.next_password_hashes) == 1)

    core.router.before_answer = comes_back_before_the_answer_is_read
    await passwords.change(core.services, STATION)
    assert seen == [True]
    assert 16 <= len(sent[0]) <= 40


@pytest.mark.parametrize(
    "refusal",
    [
        SetVariableStatus.REJECTED,
        SetVariableStatus.UNKNOWN_VARIABLE,
        CallRefused(STATION, "SetVariables", "NotSupported"),
    ],
)
async def test_a_station_that_does_not_take_it_keeps_the_old_one_alone(
    core: Core, refusal: SetVariableStatus | Exception
) -> None:
    sent = answer_with(core, refusal)
    outcome, _ = await passwords.change(core.services, STATION)
    assert outcome is Outcome.REFUSED
    assert await lets_in(core, PASSWORD)
    assert not await lets_in(core, sent[0])


@pytest.mark.parametrize(
    "failure",
    [CallTimeout(STATION, "SetVariables", "link lost"), CallRefused(STATION, "SetVariables", "InternalError")],
)
async def test_where_nobody_knows_both_hold_whichever_the_station_has(core: Core, failure: Exception) -> None:
    sent = answer_with(core, failure)
    for _ in range(passwords.MOST_UNDER_WAY):
        outcome, _ = await passwords.change(core.services, STATION)
        assert outcome is Outcome.UNCLEAR
    with pytest.raises(PasswordsUnderWay):
        await passwords.change(core.services, STATION)
    assert await lets_in(core, PASSWORD)
    # It had taken the second; what was made after it may be on its way still.
    assert await lets_in(core, sent[1])
    assert not await lets_in(core, PASSWORD)
    assert not await lets_in(core, sent[0])
    assert await lets_in(core, sent[2])
    assert not await lets_in(core, sent[1])


async def test_a_process_that_dies_after_sending_has_lost_nothing(core: Core) -> None:
    sent = answer_with(core, SetVariableStatus.ACCEPTED)

    async def die() -> None:
        raise asyncio.CancelledError

    core.router.before_answer = die
    with pytest.raises(asyncio.CancelledError):
        await passwords.change(core.services, STATION)
    core.router.before_answer = None
    await passwords.change(core.services, STATION)
    assert await lets_in(core, PASSWORD)
    assert await lets_in(core, sent[-1])


async def test_the_password_is_in_no_log_and_in_no_entry(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer_with(core, SetVariableStatus.ACCEPTED)
    _, new = await passwords.change(core.services, STATION)
    async with core.services.database.transaction() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "site.password"))).all()
    assert [entry.details for entry in entries] == [{"set_at_site": True, "scheduled": True}]
    assert new
    assert new not in caplog.text
    assert new not in (await site_of(core)).next_password_hashes[0]


async def test_on_a_schedule_connected_stations_get_another_password_once_in_the_time(core: Core) -> None:
    sent = answer_with(core, SetVariableStatus.ACCEPTED)
    passwords.install(core.services)
    assert await passwords.ask_for_old_ones(core.services) == 0
    core.services.settings.ocpp_password_days = 30
    for days, so_many in ((0, 1), (29, 1), (2, 2)):
        core.clock.advance(timedelta(days=days))
        await passwords.ask_for_old_ones(core.services)
        await core.work()
        assert len(sent) == so_many
    await set_profile(core, SecurityProfile.TLS_CERTIFICATE)
    core.clock.advance(timedelta(days=31))
    assert await passwords.ask_for_old_ones(core.services) == 0


async def test_a_station_that_refuses_is_asked_again_a_day_later(core: Core) -> None:
    sent = answer_with(core, SetVariableStatus.REJECTED)
    passwords.install(core.services)
    core.services.settings.ocpp_password_days = 30
    for hours, so_many in ((0, 1), (1, 1), (24, 2)):
        core.clock.advance(timedelta(hours=hours))
        await passwords.ask_for_old_ones(core.services)
        await core.work()
        assert len(sent) == so_many


async def test_a_file_does_not_undo_a_password_that_was_made_here(core: Core) -> None:
    answer_with(core, SetVariableStatus.ACCEPTED)
    _, new = await passwords.change(core.services, STATION)
    assert await lets_in(core, new)
    async with core.services.database.transaction() as session:
        changes = await provisioning.apply(
            session, provisioning.parse(PROVISIONING), core.services.settings, core.clock.now()
        )
    assert changes.lines == [f"site {STATION}: keeps the password that was made here; that of the file is not used"]
    assert await lets_in(core, new)


async def test_a_hash_that_costs_too_much_is_made_anew_when_the_station_comes(core: Core) -> None:
    expensive = proofs.PasswordHasher(time_cost=1, memory_cost=64, parallelism=2).hash(PASSWORD)
    async with core.services.database.transaction() as session:
        await session.execute(update(Site).values(password_hash=expensive))
    assert await lets_in(core, PASSWORD)
    assert not proofs.outdated((await site_of(core)).password_hash)
    assert await lets_in(core, PASSWORD)


# The whole way, through a real gateway


@asynccontextmanager
async def gateway_of(core: Core) -> AsyncIterator[Gateway]:
    door = Doors(core.services)
    gateway = Gateway(core.handlers, LocalStationRouter(), door.admit, register=door.register)
    await gateway.start("127.0.0.1", 0)
    try:
        yield gateway
    finally:
        await gateway.stop(grace_s=0.5)


async def test_a_stranger_dials_in_waits_is_accepted_and_charges_on_the_same_socket(hold: Core) -> None:
    boot = {"chargingStation": {"model": "Q1", "vendorName": "Acme"}, "reason": "PowerUp"}
    status = {"timestamp": "2026-11-22T02:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    async with gateway_of(hold) as gateway, ClientSession() as client:
        token = base64.b64encode(f"{STRANGER}:{THEIRS}".encode()).decode()
        url = f"http://127.0.0.1:{gateway.port}/ocpp/Acme%3A0001"
        station = Station(
            await client.ws_connect(url, protocols=("ocpp2.0.1",), headers={"Authorization": f"Basic {token}"})
        )
        async with station:
            assert (await station.call("BootNotification", boot))[2]["status"] == "Pending"
            assert (await station.call("StatusNotification", status))[2] == "SecurityError"
            async with hold.services.database.transaction() as session:
                (row,) = await pending.listed(session)
                await pending.accept(session, row, DETAILS)
            assert (await station.call("BootNotification", boot))[2]["status"] == "Accepted"
            assert (await station.call("StatusNotification", status))[0] == 3
        site = await site_of(hold, STRANGER)
        assert site.last_seen is not None
        with pytest.raises(WSServerHandshakeError):
            await client.ws_connect(url, protocols=("ocpp2.1",))


def test_tls_settings_are_whole_or_not_there(tmp_path: Any) -> None:
    for half in (
        {"ocpp_tls_certificate": tmp_path / "c"},
        {"ocpp_tls_key": tmp_path / "k"},
        {"ocpp_client_ca": tmp_path / "a"},
    ):
        with pytest.raises(ValueError, match="KONSENTO_OCPP_TLS"):
            Settings(**half)
    own = Settings(
        ocpp_tls_certificate=tmp_path / "c", ocpp_tls_key=tmp_path / "k", public_url="https://charge.example"
    )
    assert own.public_ocpp_url == "wss://charge.example:8081/ocpp"
