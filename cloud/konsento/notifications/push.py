"""Notices to browsers: Web Push (RFC 8030), encrypted for the browser (RFC 8291), signed by this server (RFC 8292).

The address that a browser names is where this server will send a request to, so only those of known push services are
taken (`KONSENTO_PUSH_SERVICES`): nobody can have it knock at doors inside the operator's network.
"""

import base64
import json
import logging
from dataclasses import dataclass
from email.utils import parseaddr
from http import HTTPStatus
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types
from pydantic import BaseModel, Field
from pywebpush import WebPusher  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.kit.ids import new_id
from konsento.models import ChargingSession, PushSubscription
from konsento.notifications.errors import PushRefused
from konsento.operations.keys import server_key
from konsento.services import Services
from konsento.settings import Settings

log = logging.getLogger(__name__)

KEY: Final = "vapid"
SIGNED_S: Final = 4 * 3600
"""How long a signature counts, s; at most 24 hours (RFC 8292, 2)."""
TIMEOUT_S: Final = 20.0
MOST_BROWSERS: Final = 5
"""Browsers that are told about one session."""
SECRET_BYTES: Final = 16
"""Length of a browser's secret (RFC 8291, 3.2)."""
_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class Keys(BaseModel):
    """What the browser's messages are encrypted with, base64url."""

    p256dh: str = Field(max_length=100)
    auth: str = Field(max_length=40)


class Endpoint(BaseModel):
    """Where the browser's push service takes messages for it."""

    endpoint: str = Field(max_length=1000)


class Browser(Endpoint):
    """A browser's subscription, as `PushSubscription.toJSON()` writes it."""

    keys: Keys


class Subscribed(Protocol):
    """A browser's subscription as it is kept."""

    endpoint: str
    p256dh: str
    auth: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a phone shows."""

    title: str
    body: str
    path: str
    """Page that opens when it is tapped."""
    topic: str
    """A newer notice of the same topic takes the place of this one, on its way and on the phone; at most 32 characters
    of base64url (RFC 8030, 5.4)."""
    kept_s: int
    """How long a push service keeps it for a phone that is off, s: afterwards it is old news."""
    urgency: Literal["high", "normal"] = "high"
    """Whether a phone that saves power is to be woken (RFC 8030, 5.3)."""


async def public_key(session: AsyncSession, settings: Settings) -> str:
    """Return this server's public key, base64url, for the browser to subscribe with."""
    key = (await _vapid(session, settings)).public_key
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


async def subscribe(session: AsyncSession, services: Services, session_id: UUID, browser: Browser, locale: str) -> None:
    """Have a browser told about a session; the caller has checked whose it is. Raises `PushRefused`."""
    check(browser, services.settings)
    known = await subscriptions(session, session_id)
    if any(one.endpoint == browser.endpoint for one in known):
        return
    if len(known) >= MOST_BROWSERS:
        await session.delete(known[0])
    row = PushSubscription(
        id=new_id(),
        session_id=session_id,
        endpoint=browser.endpoint,
        p256dh=browser.keys.p256dh,
        auth=browser.keys.auth,
        locale=locale,
        created_at=services.clock.now(),
    )
    session.add(row)
    await session.flush()


async def unsubscribe(session: AsyncSession, session_id: UUID, endpoint: str) -> None:
    """Tell a browser nothing more about a session."""
    await session.execute(
        delete(PushSubscription).where(PushSubscription.session_id == session_id, PushSubscription.endpoint == endpoint)
    )


async def subscriptions(session: AsyncSession, session_id: UUID) -> list[PushSubscription]:
    """Return the browsers that are told about a session, the oldest first."""
    query = select(PushSubscription).where(PushSubscription.session_id == session_id)
    return list(await session.scalars(query.order_by(PushSubscription.created_at, PushSubscription.id)))


async def forget_driver(session: AsyncSession, driver_id: UUID) -> None:
    """Tell a driver's browsers nothing more, about any session."""
    own = select(ChargingSession.id).where(ChargingSession.driver_id == driver_id)
    await session.execute(delete(PushSubscription).where(PushSubscription.session_id.in_(own)))


async def forget(session: AsyncSession, subscription_id: UUID) -> None:
    """Forget a subscription."""
    await session.execute(delete(PushSubscription).where(PushSubscription.id == subscription_id))


def check(browser: Browser, settings: Settings) -> None:
    """Raise `PushRefused` for a subscription to which nothing may, or can, be sent."""
    if not allowed(browser.endpoint, settings):
        raise PushRefused
    _check(browser.keys)


def allowed(endpoint: str, settings: Settings) -> bool:
    """Tell whether notices may go to an address: HTTPS to a known host or one below it, or a named origin."""
    try:
        parts = urlsplit(endpoint)
        origin, host, port = f"{parts.scheme}://{parts.netloc}", parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    for known in settings.push_services.split():
        if "://" in known:
            if origin == known.rstrip("/"):
                return True
        elif parts.scheme == "https" and port in {None, 443} and (host == known or host.endswith(f".{known}")):
            return True
    return False


async def send(services: Services, browser: Subscribed, notice: Notice) -> bool:
    """Hand a notice to a browser's push service. Opens its own transaction.

    False for a browser that has withdrawn its subscription, or whose service is no longer allowed: the caller forgets
    it. Raises RuntimeError, TimeoutError or `aiohttp.ClientError` where the service did not take it; due work tries
    again.
    """
    if not allowed(browser.endpoint, services.settings):  # the setting has changed since
        return False
    async with services.database.transaction() as session:
        vapid = await _vapid(session, services.settings)
    pusher = WebPusher(_info(browser.endpoint, browser.p256dh, browser.auth))
    body = pusher.encode(_message(services.settings, browser, notice))["body"]
    headers = _headers(services, vapid, browser.endpoint, notice)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as client,
        client.post(browser.endpoint, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        status = answer.status
    if status in _GONE:
        return False
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise RuntimeError(f"the push service answered {status}")
    return True


def _check(keys: Keys) -> None:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(keys.p256dh))
        secret = _bytes(keys.auth)
    except ValueError:
        raise PushRefused from None
    if len(secret) != SECRET_BYTES:
        raise PushRefused


def _message(settings: Settings, browser: Subscribed, notice: Notice) -> bytes:
    # Declarative Web Push: a browser that knows it shows this by itself, any other hands it to our service worker.
    shown = {
        "title": notice.title,
        "body": notice.body,
        "lang": browser.locale,
        "tag": notice.topic,
        "navigate": f"{settings.public_url.rstrip('/')}{notice.path}",
    }
    return json.dumps({"web_push": 8030, "notification": shown}, ensure_ascii=False).encode()


def _headers(services: Services, vapid: Vapid02, endpoint: str, notice: Notice) -> dict[str, str]:
    parts = urlsplit(endpoint)
    contact = parseaddr(services.settings.mail_from)[1]
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": f"mailto:{contact}",
        "exp": int(services.clock.now().timestamp()) + SIGNED_S,
    }
    signed: dict[str, str] = vapid.sign(claims)
    return signed | {
        "TTL": str(notice.kept_s),
        "Urgency": notice.urgency,
        "Topic": notice.topic,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }


async def _vapid(session: AsyncSession, settings: Settings) -> Vapid02:
    """Return this server's key: the setting's, else the one that was made when it was needed first."""
    if settings.vapid_private_key:
        return _vapid_of(settings.vapid_private_key)
    return _vapid_of(await server_key(session, KEY, _new_key))


def _new_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _vapid_of(key: str) -> Vapid02:
    return Vapid02.from_pem(key.encode()) if key.startswith("-----") else Vapid02.from_string(key)


def _info(endpoint: str, p256dh: str, auth: str) -> dict[str, object]:
    return {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
