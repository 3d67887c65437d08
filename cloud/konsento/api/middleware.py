"""What happens to every request of the API around its operation."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from konsento.api import problems
from konsento.api.errors import BodyTooLarge

HEADERS: Final = "headers"
"""In `request.state`: headers that the answer gets, whatever it will be."""


class Frame:
    """Refuses bodies that are too large, and puts the headers on every answer that were noted on the way.

    Pure ASGI: Starlette's convenience class would hold back the live stream.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted: dict[str, str] = {}
        scope.setdefault("state", {})[HEADERS] = noted
        taken = 0

        async def receive_some() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > problems.MOST_BODY:
                raise HTTPException(BodyTooLarge.status)
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in noted.items():
                    headers.setdefault(name, value)
            await send(message)

        length = Request(scope).headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > problems.MOST_BODY:
            answer = problems.answer(Request(scope), BodyTooLarge(maximum=problems.MOST_BODY))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive_some, send_with_headers)
