"""The way to whoever takes measurements: two requests over HTTP, and what can become of them (docs/contracts.md §4)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeIs

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
)

from ..control.clock import Clock
from .measurement import Measurement, envelope
from .outbox import Refusal

AT_MOST = 1000
"""Measurements of one delivery (docs/contracts.md §4)."""
_TIMEOUT = ClientTimeout(total=60, sock_connect=10)
_LARGEST_ANSWER = 2_000_000
_REASON = re.compile(r"[A-Za-z]{1,40}")
_MAX_DETAIL = 200


class Trouble(StrEnum):
    """Why a request came to nothing."""

    UNREACHABLE = "unreachable"
    TOKEN = "token_refused"  # noqa: S105  # a word for it
    NOT_FOUND = "not_found"
    REDIRECTED = "redirected"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    GARBLED = "garbled"
    """It answers, but not as one that takes measurements does."""


class RouteError(Exception):
    """A request came to nothing; the message says why, without secrets."""

    def __init__(self, trouble: Trouble, sentence: str, *, arrived: bool = False, retry_after_s: float = 0.0) -> None:
        """`arrived`: whether the other side may have acted on it all the same."""
        super().__init__(sentence)
        self.trouble = trouble
        self.arrived = arrived
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where measurements go, and what opens the door there."""

    url: str
    token: str = field(repr=False)


class Line:
    """Speaks to one receiver."""

    def __init__(self, http: ClientSession, route: Route, clock: Clock) -> None:
        self._http = http
        self._route = route
        self._clock = clock

    async def wanted(self) -> bool:
        """Ask whether the other side waits for what is outstanding. Raises RouteError."""
        answer = await self._ask("GET", "/v1/wanted")
        if not isinstance(answer, dict) or not isinstance(wanted := answer.get("wanted"), bool):
            raise RouteError(Trouble.GARBLED, "the answer to /v1/wanted is none")
        return wanted

    async def deliver(self, measurements: Sequence[Measurement]) -> list[Refusal]:
        """Send measurements; returns those that were refused, all others are there. Raises RouteError."""
        answer = await self._ask("POST", "/v1/measurements", envelope(measurements))
        refusals = _refusals(answer, [each.id for each in measurements])
        if refusals is None:
            raise RouteError(Trouble.GARBLED, "the answer to a delivery is none", arrived=True)
        return refusals

    async def _ask(self, method: str, path: str, body: object = None) -> object:
        try:
            async with self._http.request(
                method,
                self._route.url + path,
                json=body,
                headers={"Authorization": f"Bearer {self._route.token}", "Accept": "application/json"},
                timeout=_TIMEOUT,
                # The token is for this address alone.
                allow_redirects=False,
            ) as response:
                if response.status != HTTPStatus.OK:
                    raise self._refusal(response)
                text = await _read(response)
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            # Without the address, which these errors name.
            why = type(getattr(error, "os_error", None) or error).__name__
            raise RouteError(Trouble.UNREACHABLE, f"the address cannot be reached: {why}") from error
        except TimeoutError as error:
            raise RouteError(Trouble.UNREACHABLE, "no answer in time", arrived=True) from error
        except (ClientError, OSError) as error:
            raise RouteError(Trouble.UNREACHABLE, f"the line broke: {type(error).__name__}", arrived=True) from error
        try:
            answer: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RouteError(Trouble.GARBLED, "the answer is no JSON", arrived=True) from error
        return answer

    def _refusal(self, response: ClientResponse) -> RouteError:
        status = response.status
        sentence = f"answered {status}"
        match status:
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                return RouteError(Trouble.TOKEN, "the token is not accepted")
            case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
                return RouteError(Trouble.NOT_FOUND, sentence)
            case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                return RouteError(Trouble.TOO_LARGE, sentence)
            case HTTPStatus.TOO_MANY_REQUESTS:
                return RouteError(Trouble.BUSY, sentence, retry_after_s=self._pause(response))
            case _ if 300 <= status < 400:
                return RouteError(Trouble.REDIRECTED, f"{sentence}: this address only refers to another one")
            case _ if 400 <= status < 500:
                return RouteError(Trouble.GARBLED, sentence)
            case _:
                return RouteError(Trouble.BUSY, sentence, arrived=True, retry_after_s=self._pause(response))

    def _pause(self, response: ClientResponse) -> float:
        """Return the seconds that `Retry-After` asks for, given as such or as a time."""
        value = response.headers.get("Retry-After", "")
        if value.isascii() and value.isdigit():
            return float(value[:9])
        try:
            return max(0.0, (parsedate_to_datetime(value) - self._clock.now()).total_seconds())
        except ValueError, TypeError:
            return 0.0


async def _read(response: ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > _LARGEST_ANSWER:
            raise RouteError(Trouble.GARBLED, "the answer has no end", arrived=True)
    return bytes(body)


def _refusals(answer: object, ids: Sequence[str]) -> list[Refusal] | None:
    """Return what an answer says of each measurement that it refuses; None when it does not account for all of them."""
    if not isinstance(answer, dict):
        return None
    accepted, repeated, refused = (answer.get(name) for name in ("accepted", "repeated", "refused"))
    if not _is_count(accepted) or not _is_count(repeated) or not isinstance(refused, list):
        return None
    found = {each.id: each for item in refused if (each := _refusal(item, ids)) is not None}
    if len(found) != len(refused) or accepted + repeated + len(found) != len(ids):
        return None
    return list(found.values())


def _refusal(item: Any, ids: Sequence[str]) -> Refusal | None:
    if not isinstance(item, dict):
        return None
    index, reason, detail = item.get("index"), item.get("reason"), item.get("detail", "")
    if not _is_count(index) or index >= len(ids) or item.get("id", ids[index]) not in {ids[index], None}:
        return None
    if not isinstance(reason, str) or not _REASON.fullmatch(reason):
        return None
    return Refusal(id=ids[index], reason=reason, detail=detail[:_MAX_DETAIL] if isinstance(detail, str) else "")


def _is_count(value: Any) -> TypeIs[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
