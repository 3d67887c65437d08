"""Asking another server what it sells: within a time and a size, and nowhere else than it is asked."""

from http import HTTPStatus
from typing import Final

import aiohttp

from konsento.kit.offers import BadAnswer, SupplierOffers

LARGEST: Final = 1_000_000
"""Bytes of an answer: a thousand outlets with an offer or two each."""
_PATH: Final = "/api/v1/offers"


class NoAnswer(Exception):
    """The other server gave no answer that can be used. The message is one word: why."""


async def ask(client: aiohttp.ClientSession, base_url: str, place: str, timeout_s: float) -> SupplierOffers | None:
    """Return what the server at `base_url` sells at a site or an outlet, by common name; None: it knows none.

    Redirects are not followed: what was checked is where it goes. Raises `NoAnswer`.
    """
    try:
        async with client.get(
            f"{base_url}{_PATH}/{place}",
            headers={"Accept": "application/json", "User-Agent": "Konsento-Offers/1"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            if answer.status != HTTPStatus.OK:
                raise NoAnswer("Refused")
            if answer.content_type != "application/json":
                raise NoAnswer("NotUnderstood")
            body = await _bounded(answer)
    except TimeoutError:
        raise NoAnswer("Timeout") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoAnswer("NotReached") from error
    try:
        return SupplierOffers.read(body, base_url)
    except BadAnswer:
        raise NoAnswer("NotUnderstood") from None


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        body += part
        if len(body) > LARGEST:
            raise NoAnswer("TooLarge")
    return bytes(body)
