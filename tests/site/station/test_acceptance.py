"""A server that has not accepted the site yet, refuses it, or has another idea of the time."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from csms import PASSWORD, STATION, Csms, Payload, start_request
from station.conftest import Linked, linked_to, one_site

from custom_components.konsento.station.connection import ServerAddress, probe
from custom_components.konsento.station.errors import UnreachableError


def now(offset_s: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=offset_s)).isoformat()


async def test_a_pending_site_answers_what_it_is_but_starts_nothing(linked: Linked) -> None:
    linked.csms.answers["BootNotification"] = lambda _: {"currentTime": now(), "interval": 60, "status": "Pending"}
    linked.connect()
    await linked.csms.until(lambda: linked.csms.heard != [])

    assert (await linked.csms.ask("RequestStartTransaction", start_request()))[2]["status"] == "Rejected"
    availability = await linked.csms.ask("ChangeAvailability", {"operationalStatus": "Inoperative"})
    assert (availability[0], availability[2]) == (4, "SecurityError")
    assert (await linked.csms.ask("GetBaseReport", {"requestId": 1, "reportBase": "SummaryInventory"}))[2] == {
        "status": "Accepted"
    }
    await linked.csms.until(lambda: linked.csms.heard[-1][0] == "NotifyReport")
    assert linked.outlet.starts == []
    assert linked.csms.states() == []
    # Asked to present itself again, it does not wait for the interval.
    del linked.csms.answers["BootNotification"]
    await linked.csms.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
    await linked.csms.until(lambda: linked.csms.states() == ["Available"])


async def test_a_wrong_password_is_noticed_and_not_sent_often(linked: Linked) -> None:
    told: asyncio.Queue[str | None] = asyncio.Queue()
    linked.station._address = ServerAddress(url=linked.csms.url, station_id=STATION, password="wrong")
    linked.station.listen(lambda: told.put_nowait(linked.station.refused))
    linked.connect()

    assert await asyncio.wait_for(told.get(), 60) == "password"
    assert linked.csms.connections == 0


async def test_a_request_is_judged_by_the_clock_of_its_server(linked: Linked) -> None:
    ahead = 3600
    linked.csms.answers["BootNotification"] = lambda _: {
        "currentTime": now(ahead),
        "interval": 300,
        "status": "Accepted",
    }
    await linked.online()

    assert linked.station.clock_offset_s == pytest.approx(ahead, abs=2)
    late = await linked.csms.ask("RequestStartTransaction", start_request(1, expiresAt=now(ahead - 30)))
    assert late[2]["statusInfo"]["reasonCode"] == "RequestExpired"
    await linked.started(2, expiresAt=now(ahead + 30))


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path, socket_enabled: None) -> None:
    certificate, key = _self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await server.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        with pytest.raises(UnreachableError, match=r"(?i)certificate"):
            await probe(http, ServerAddress(url=f"wss://127.0.0.1:{port}/ocpp", station_id=STATION, password=PASSWORD))
    await runner.cleanup()


async def test_what_a_foreign_server_says_about_a_driver_goes_nowhere(
    tmp_path: Path, socket_enabled: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    csms = Csms()
    await csms.start()
    personal: Payload = {
        "groupIdToken": {"idToken": "GROUP-OF-HANAKO", "type": "Central"},
        "customData": {
            "vendorId": "org.konsento",
            "energyLimitWh": 5,
            "driver": "Hanako Yamada",
            "phone": "0900000",
        },
    }
    request = {**start_request(), **personal}
    request["idToken"] = {
        "idToken": "CARD-OF-HANAKO",
        "type": "ISO14443",
        "additionalInfo": [{"additionalIdToken": "hanako@example.com", "type": "mail"}],
    }
    async with one_site(tmp_path / "journal.sqlite3") as (site, outlet), linked_to(csms, site, outlet) as linked:
        await linked.online()
        assert (await csms.ask("RequestStartTransaction", request))[2]["status"] == "Accepted"
        await linked.supply(20)
        await csms.until(lambda: csms.last() == "Ended")
        sessions = str(await site.journal.sessions(datetime(2000, 1, 1, tzinfo=UTC)))
    await csms.stop()

    kept = b"".join(path.read_bytes() for path in (tmp_path / "journal.sqlite3",)).decode(errors="replace")
    for word in ("HANAKO", "Hanako", "hanako", "0900000"):
        assert word not in kept + sessions
        assert word not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("custom_components"))


def _self_signed(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(certificate_path), str(key_path)
