"""Passkeys: signing in with the lock of one's own device (WebAuthn, https://www.w3.org/TR/webauthn-3/).

The server hands out a challenge, the device signs it for this site alone, and the server checks the signature with the
key that it was given when the passkey was made. Challenges lie in the database: any replica may get the answer, and
each counts once.
"""

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from konsento.accounts.contact import normal_name
from konsento.accounts.errors import (
    LastWayIn,
    PasskeyChallengeOver,
    PasskeyCopied,
    PasskeyKnown,
    PasskeyRefused,
    TooManyPasskeys,
    UnknownPasskey,
)
from konsento.kit.ids import new_id
from konsento.models import Driver, DriverKind, Passkey, PasskeyChallenge

log = logging.getLogger(__name__)

ANSWER_WITHIN: Final = timedelta(minutes=5)
"""So long a challenge counts: a sign-in page may lie open before a passkey is chosen on it."""
MOST: Final = 20
"""Of one driver."""
_CHALLENGE_BYTES: Final = 32
_LONGEST_ID: Final = 1023  # bytes, WebAuthn 4, "credential ID"

type Answer = Mapping[str, Any]
"""A browser's credential, as `PublicKeyCredential.toJSON()` writes it. Not trusted."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """For what passkeys are made: they work nowhere else."""

    rp_id: str
    """The host name."""
    origin: str
    name: str
    """What the device's own dialogue may show."""


def site_at(public_url: str, origin: str, name: str) -> Site | None:
    """Return the site at an address, or None where browsers make no passkeys: without TLS, and for bare IP addresses.

    `localhost` needs no TLS.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        secure = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
        return Site(rp_id=host, origin=origin, name=name) if host and secure else None
    return None


async def options_to_make(session: AsyncSession, site: Site, driver: Driver, now: datetime) -> str:
    """Return what a browser needs to make a passkey for a driver, as JSON. Raises `TooManyPasskeys`."""
    known = await of_driver(session, driver.id)
    if len(known) >= MOST:
        raise TooManyPasskeys(maximum=MOST)
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.name,
        # Says nothing of the driver; devices give it back when they sign.
        user_id=driver.id.bytes,
        user_name=driver.email,
        user_display_name=driver.name or driver.email,
        challenge=await _challenge(session, now, driver.id),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[_descriptor(one) for one in known],
    )
    return webauthn.options_to_json(options)


async def make(
    session: AsyncSession, site: Site, driver: Driver, answer: Answer, *, name: str, now: datetime
) -> Passkey:
    """Keep the passkey that a browser has made.

    Raises `PasskeyChallengeOver`, `PasskeyRefused`, `PasskeyKnown`, `NameTooLong`, `TooManyPasskeys`.
    """
    name = normal_name(name)
    challenge = await _take_challenge(session, answer, now, driver.id)
    made = _checked_new(site, answer, challenge)
    if await count(session, driver.id) >= MOST:
        raise TooManyPasskeys(maximum=MOST)
    row = Passkey(
        id=new_id(),
        driver_id=driver.id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        transports=_transports(answer),
        name=name,
        created_at=now,
        last_used_at=None,
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise PasskeyKnown from None
    log.info("driver %s made passkey %s", driver.id, row.id)
    return row


async def options_to_sign_in(session: AsyncSession, site: Site, now: datetime) -> str:
    """Return what a browser needs to sign in whoever has a passkey for this site, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        challenge=await _challenge(session, now, None),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


async def signed_in_by(session: AsyncSession, site: Site, answer: Answer, now: datetime) -> Driver:
    """Return whose passkey has signed.

    The challenge is used up by an answer that is right; one that is refused rolls that back, and gains nothing by it.
    Raises `PasskeyChallengeOver`, `UnknownPasskey`, `PasskeyRefused`, `PasskeyCopied`.
    """
    challenge = await _take_challenge(session, answer, now, None)
    found = await _with_driver(session, answer)
    if found is None:
        raise UnknownPasskey
    passkey, driver = found
    used = _checked(site, answer, challenge, passkey)
    if _handle(answer) != driver.id.bytes:
        raise PasskeyRefused
    # WebAuthn 6.1.1: a counter that does not grow means that two devices hold the same key.
    if (used.new_sign_count or passkey.sign_count) and used.new_sign_count <= passkey.sign_count:
        log.warning("passkey %s of driver %s was refused: its counter ran backwards", passkey.id, driver.id)
        raise PasskeyCopied
    passkey.sign_count = used.new_sign_count
    passkey.last_used_at = now
    return driver


async def of_driver(session: AsyncSession, driver_id: UUID) -> list[Passkey]:
    """Return a driver's passkeys, the oldest first."""
    query = select(Passkey).where(Passkey.driver_id == driver_id)
    return list(await session.scalars(query.order_by(Passkey.created_at, Passkey.id)))


async def count(session: AsyncSession, driver_id: UUID) -> int:
    """Return how many passkeys a driver has."""
    query = select(func.count()).select_from(Passkey).where(Passkey.driver_id == driver_id)
    return await session.scalar(query) or 0


async def own(session: AsyncSession, driver_id: UUID, passkey_id: UUID) -> Passkey:
    """Return a driver's passkey. Raises `UnknownPasskey`."""
    row = await session.get(Passkey, passkey_id)
    if row is None or row.driver_id != driver_id:
        raise UnknownPasskey
    return row


async def remove(session: AsyncSession, driver: Driver, passkey_id: UUID, *, links: bool) -> Passkey:
    """Let a passkey sign nobody in any more; returns what it was. `links` tells whether mails can be sent.

    Raises `UnknownPasskey`, and `LastWayIn` for the only way in that there is.
    """
    row = await own(session, driver.id, passkey_id)
    if not links and driver.password_hash is None and await count(session, driver.id) == 1:
        raise LastWayIn
    await session.delete(row)
    log.info("driver %s removed passkey %s", driver.id, passkey_id)
    return row


async def _challenge(session: AsyncSession, now: datetime, driver_id: UUID | None) -> bytes:
    await session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= now))
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    session.add(PasskeyChallenge(challenge=challenge, driver_id=driver_id, expires_at=now + ANSWER_WITHIN))
    return challenge


async def _take_challenge(session: AsyncSession, answer: Answer, now: datetime, driver_id: UUID | None) -> bytes:
    """Use up the challenge that was signed. Raises `PasskeyChallengeOver`, `PasskeyRefused`."""
    try:
        challenge = parse_client_data_json(base64url_to_bytes(answer["response"]["clientDataJSON"])).challenge
    except Exception as error:  # whatever the parsers stumble over in what a stranger sent
        raise PasskeyRefused from error
    # Deleting decides who of two that come at once is first.
    taken = (
        await session.execute(
            delete(PasskeyChallenge)
            .where(PasskeyChallenge.challenge == challenge, PasskeyChallenge.driver_id.is_not_distinct_from(driver_id))
            .returning(PasskeyChallenge.expires_at)
        )
    ).one_or_none()
    if taken is None or taken.expires_at <= now:
        raise PasskeyChallengeOver
    return challenge


def _checked_new(site: Site, answer: Answer, challenge: bytes) -> VerifiedRegistration:
    try:
        made = webauthn.verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:  # the library raises more than its own errors for what cannot be read
        raise PasskeyRefused from error
    if len(made.credential_id) > _LONGEST_ID:
        raise PasskeyRefused
    return made


def _checked(site: Site, answer: Answer, challenge: bytes, passkey: Passkey) -> VerifiedAuthentication:
    try:
        return webauthn.verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # looked at by `signed_in_by`, which has a word of its own for it
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise PasskeyRefused from error


async def _with_driver(session: AsyncSession, answer: Answer) -> tuple[Passkey, Driver] | None:
    try:
        credential_id = base64url_to_bytes(answer["rawId"])
    except Exception as error:  # as above
        raise PasskeyRefused from error
    query = (
        select(Passkey, Driver)
        .join(Driver, Driver.id == Passkey.driver_id)
        .where(Passkey.credential_id == credential_id, Driver.kind != DriverKind.DELETED)
        .with_for_update(of=Passkey)
    )
    row = (await session.execute(query)).one_or_none()
    return (row[0], row[1]) if row else None


def _handle(answer: Answer) -> bytes:
    # Devices that find a passkey by themselves always say whose it is (WebAuthn 7.2, step 6).
    handle = answer["response"].get("userHandle")
    return base64url_to_bytes(handle) if isinstance(handle, str) else b""


def _transports(answer: Answer) -> str:
    named = answer["response"].get("transports")
    known = {one.value for one in AuthenticatorTransport}
    return " ".join(sorted(known & {str(one) for one in named})) if isinstance(named, list) else ""


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(one) for one in passkey.transports.split()]
    return PublicKeyCredentialDescriptor(id=passkey.credential_id, transports=transports or None)
