"""TLS in the gateway: what is spoken, stations with certificates of their own, and certificates that change."""

import asyncio
import logging
import shutil
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from konsento.ocpp import BadCertificateError, TlsFiles

from .certificates import Authority
from .conftest import Site, Station

type MakeSite = Callable[..., Awaitable[Site]]


class Shop:
    """Who certifies servers and stations, and the files of the gateway."""

    def __init__(self, folder: Path) -> None:
        self.servers = Authority(folder, "servers")
        self.stations = Authority(folder, "stations")
        certificate, key = self.servers.certify("gateway", "127.0.0.1", file="gateway")
        self.files = TlsFiles(certificate=certificate, key=key, client_ca=self.stations.path)

    def client(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.servers.path)
        context.check_hostname = False
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


async def test_a_station_comes_over_tls_with_its_password(make_site: MakeSite, shop: Shop) -> None:
    site = await make_site(tls=shop.files)
    async with await site.connect(ssl=shop.client()) as station:
        assert (await station.call("Heartbeat", {}))[0] == 3
    assert (site.shown[0].encrypted, site.shown[0].names) == (True, frozenset())


@pytest.mark.parametrize(("common_name", "others"), [("SITE-1", ()), ("serial 4711", ("SITE-1", "other.example"))])
async def test_a_station_with_a_certificate_of_its_name_needs_no_password(
    make_site: MakeSite, shop: Shop, common_name: str, others: tuple[str, ...]
) -> None:
    site = await make_site(tls=shop.files)
    own = shop.client(shop.stations.certify(common_name, *others))
    async with await site.connect(ssl=own, headers={}) as station:
        assert (await station.call("Heartbeat", {}))[0] == 3
    assert site.shown[0].names == {common_name, *others}


async def test_a_certificate_of_another_name_lets_nobody_in(make_site: MakeSite, shop: Shop) -> None:
    site = await make_site(tls=shop.files)
    with pytest.raises(ClientError):
        await site.connect(ssl=shop.client(shop.stations.certify("SITE-2")), headers={})
    assert site.shown[0].names == {"SITE-2"}


async def test_a_certificate_of_a_strange_authority_or_one_that_is_over_ends_the_handshake(
    make_site: MakeSite, shop: Shop, tmp_path: Path
) -> None:
    site = await make_site(tls=shop.files)
    for certificate in (Authority(tmp_path, "strange").certify("SITE-1"), shop.stations.certify("SITE-1", days=-1)):
        with pytest.raises((ClientError, ConnectionError, ssl.SSLError)):
            await site.connect(ssl=shop.client(certificate), headers={})
    assert site.asked == []


async def test_without_authorities_no_certificate_is_asked_for(make_site: MakeSite, shop: Shop) -> None:
    site = await make_site(tls=TlsFiles(certificate=shop.files.certificate, key=shop.files.key))
    async with await site.connect(ssl=shop.client(shop.stations.certify("SITE-1"))):
        pass
    assert site.shown[0].names == frozenset()


async def test_nothing_older_than_tls_1_2_and_no_weak_cipher_is_spoken(make_site: MakeSite, shop: Shop) -> None:
    site = await make_site(tls=shop.files)
    old = shop.client()
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    weak = shop.client()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    for context in (old, weak):
        with pytest.raises(ClientError):
            await site.connect(ssl=context)
    good = shop.client()
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    async with await site.connect(ssl=good) as station:
        assert station.socket.get_extra_info("cipher")[0].startswith("ECDHE-ECDSA-AES")


async def test_plain_http_at_the_tls_port_is_no_way_in(make_site: MakeSite, shop: Shop) -> None:
    site = await make_site(tls=shop.files)
    site.scheme = "http"
    with pytest.raises(ClientError):
        await site.connect()
    assert site.asked == []


async def test_new_certificate_files_are_taken_without_dropping_anybody(
    make_site: MakeSite, shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = await make_site(tls=shop.files, look_every_s=0.05)
    station = await site.connect(ssl=shop.client())
    certificate, key = shop.servers.certify("renewed", "127.0.0.1")
    # As a renewal may do it: for a moment the key does not fit.
    shutil.copy(certificate, shop.files.certificate)
    await _logged(caplog, "cannot be used, the old ones stay")
    assert await _subject(site, shop) == "gateway"
    shutil.copy(key, shop.files.key)
    await _logged(caplog, "new connections get the new ones")
    assert await _subject(site, shop) == "renewed"
    assert (await station.call("Heartbeat", {}))[0] == 3
    await station.socket.close()


async def test_a_station_whose_authority_was_taken_away_comes_no_more(
    make_site: MakeSite, shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = await make_site(tls=shop.files, look_every_s=0.05)
    own = shop.client(shop.stations.certify("SITE-1"))
    async with await site.connect(ssl=own, headers={}):
        pass
    shutil.copy(Authority(tmp_path, "other").path, shop.stations.path)
    await _logged(caplog, "new connections get the new ones")
    with pytest.raises((ClientError, ConnectionError, ssl.SSLError)):
        await site.connect(ssl=own, headers={})


@pytest.mark.parametrize("broken", ["certificate", "key", "client_ca"])
def test_files_that_cannot_be_used_are_named_at_the_start(shop: Shop, broken: str) -> None:
    path: Path = getattr(shop.files, broken)
    path.write_text("nothing of the kind")
    with pytest.raises(BadCertificateError, match=path.name):
        shop.files.context()
    path.unlink()
    with pytest.raises(BadCertificateError, match=path.name):
        shop.files.context()


async def test_behind_a_trusted_proxy_it_says_whether_it_has_tls(make_site: MakeSite) -> None:
    site = await make_site(trusted_proxies=frozenset({"127.0.0.1"}))
    for forwarded in ("https", "http, wss", "http", "https, http"):
        async with await site.connect(headers={**site.auth("SITE-1"), "X-Forwarded-Proto": forwarded}):
            pass
    assert [shown.encrypted for shown in site.shown] == [True, True, False, False]
    stranger = await make_site()
    async with await stranger.connect(headers={**stranger.auth("SITE-1"), "X-Forwarded-Proto": "https"}):
        pass
    assert not stranger.shown[0].encrypted


async def _subject(site: Site, shop: Shop) -> str:
    # A session of its own: another handshake.
    async with ClientSession() as client:
        station = Station(
            await client.ws_connect(
                site.url("SITE-2"), headers=site.auth("SITE-2"), protocols=("ocpp2.1",), ssl=shop.client()
            )
        )
        async with station:
            certificate = station.socket.get_extra_info("peercert")
    return str(dict(part[0] for part in certificate["subject"])["commonName"])


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    async with asyncio.timeout(5):
        while text not in caplog.text:  # noqa: ASYNC110  # a log wakes nobody
            await asyncio.sleep(0.01)
