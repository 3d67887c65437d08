"""One GET of a source's address: within bounds of time, size and redirects, and on the public network only."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
from yarl import URL

from konsento.feeds import places, sources
from konsento.feeds.errors import (
    AnswerCutOff,
    Answered,
    AnswerTooLarge,
    BadAddress,
    NotReached,
    TooManyRedirects,
    TooSlow,
)
from konsento.grid.readers.file import LARGEST
from konsento.kit import addresses
from konsento.kit.addresses import NotPublicError, PublicResolver
from konsento.operations.replicas import own_version
from konsento.settings import Settings

TIMEOUT_S: Final = 35.0
"""From the look-up of the name to the end of the answer, redirects included; the lease of due work is 90 s."""
MOST_REDIRECTS: Final = 5
LONGEST_PAUSE_S: Final = 86_400.0
"""The longest that a server is believed that says when to come again."""
_REDIRECTS: Final = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_VALIDATORS: Final = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""What an answer has, and what asks whether it has changed (RFC 9110, 8.8 and 13.1)."""


@dataclass(frozen=True, kw_only=True)
class Got:
    """What a server answered."""

    content: bytes | None
    """None: what the validators stand for has not changed."""
    validators: dict[str, str] = field(default_factory=dict)
    """`ETag` and `Last-Modified`, as far as there are."""


async def get(settings: Settings, address: str, secret: str, validators: Mapping[str, str]) -> Got:
    """Fetch an address with its dates filled in. `secret` goes to its place, or into a header of its first server.

    Raises a subclass of `NotFetched`.
    """
    headers = {
        "Accept": "*/*",
        "User-Agent": f"Konsento/{own_version()} (+{settings.public_url})",
        **{_VALIDATORS[name]: value for name, value in validators.items() if name in _VALIDATORS},
    }
    url, keyed = address, headers
    if places.SECRET in address:
        url = address.replace(places.SECRET, quote(secret, safe=""))
    elif secret:
        keyed = headers | _key_header(secret)
    origin, host = sources.origin_of(url), urlsplit(url).hostname or ""
    # Who leads on from the public network leads no further than that, also not to servers that the operator has named.
    may_be_inner = sources.is_inner(url, settings)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for _ in range(MOST_REDIRECTS + 1):
                # The key is for the server that the operator has named, and for no other.
                own = keyed if sources.origin_of(url) == origin else headers
                answer = await _one(settings, url, own, may_be_inner=may_be_inner)
                if isinstance(answer, Got):
                    return answer
                url = answer
    except TimeoutError:
        raise TooSlow(host=host, seconds=int(TIMEOUT_S)) from None
    raise TooManyRedirects(host=host)


def _key_header(secret: str) -> dict[str, str]:
    """Return the header of a key: `name: value` as typed, or a bearer token."""
    name, colon, value = secret.partition(":")
    return {name.strip(): value.strip()} if colon else {"Authorization": f"Bearer {secret}"}


async def _one(settings: Settings, url: str, headers: Mapping[str, str], *, may_be_inner: bool) -> Got | str:
    """Return the answer, or where it leads to."""
    host = _host(url)
    try:
        inner = may_be_inner and sources.is_inner(url, settings)
        if not inner:
            addresses.check(url, loopback=False)
    except ValueError:
        raise BadAddress(host=host) from None
    resolver = None if inner else PublicResolver(loopback=False)
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True, limit=1)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        try:
            # As it was typed: a server may know `2026/04/01`, and not `2026%2F04%2F01`.
            async with client.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as answer:
                if answer.status in _REDIRECTS and "Location" in answer.headers:
                    return urljoin(url, answer.headers["Location"])
                return await _got(answer, host)
        except aiohttp.ClientPayloadError:
            raise AnswerCutOff(host=host) from None
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__ or error, NotPublicError):
                raise BadAddress(host=host) from None
            # Without its cause: that may quote the address, and with it the key.
            raise NotReached(host=host) from None


async def _got(answer: aiohttp.ClientResponse, host: str) -> Got:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Got(content=None)
    if answer.status != HTTPStatus.OK:
        error = Answered(host=host, status=str(answer.status))
        after = answer.headers.get("Retry-After", "")
        if after.isascii() and after.isdecimal():
            error.after_s = min(float(after), LONGEST_PAUSE_S)
        raise error
    body = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        body += part
        if len(body) > LARGEST:
            raise AnswerTooLarge(host=host, megabytes=LARGEST // 1_000_000)
    validators = {name: answer.headers[name] for name in _VALIDATORS if name in answer.headers}
    return Got(content=bytes(body), validators=validators)


def _host(url: str) -> str:
    """Return the host for a sentence; a redirect may lead to anything."""
    try:
        return (urlsplit(url).hostname or "")[:100]
    except ValueError:
        return ""
