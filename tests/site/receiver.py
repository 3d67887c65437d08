"""A real HTTP server in the place of the platform: keeps docs/contracts.md §4, or misbehaves as a test says."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

type Item = dict[str, Any]
type Mood = Callable[[web.Request], web.StreamResponse]

TOKEN = "ken_of-this-site"
FIELDS = {"id", "outlet", "region", "start", "end", "wh", "power_type", "supplier", "use"}
_FORMS = {
    "id": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "outlet": r"[A-Z2-7]{26}",
    "region": r"[A-Z]{2}(-[A-Z0-9]{1,8})?",
    "start": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "end": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "power_type": "solar|wind|hydro|geothermal|biomass|gas|coal|oil|other",
    "supplier": "[A-Z0-9][A-Z0-9_-]{0,31}|unknown",
    "use": "resold|own",
}


class Receiver:
    """Takes measurements."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        """What was accepted, by id."""
        self.deliveries: list[list[str]] = []
        """Ids of every delivery, also of those that came to nothing."""
        self.refuse: dict[str, str] = {}
        """Reason by region: what is refused."""
        self.moods: list[Mood | None] = []
        """How the next requests are answered instead; None as it should be. Taken in order."""
        self.lose_answers = 0
        """So many next deliveries are kept, but their answer is lost."""
        self.wanted = False
        self.looks = 0
        self.raw: list[bytes] = []
        """Every byte that was heard, request by request."""
        self.largest = 1000
        self.answering = asyncio.Event()
        """Cleared: it hears, but does not answer."""
        self.answering.set()
        self.heard = asyncio.Event()
        """Set by every request."""
        self.token = TOKEN
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._app = app
        self._server: TestServer | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = TestServer(self._app, host="127.0.0.1", port=self.port)
        await self._server.start_server()
        self.port = self._server.port or 0

    async def stop(self) -> None:
        if self._server:
            await self._server.close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def wh(self) -> int:
        return sum(item["wh"] for item in self.items.values())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        self.raw.append(f"{request.method} {request.raw_path}\r\n{head}\r\n".encode() + body)
        self.heard.set()
        if request.method == "POST":
            self.deliveries.append([each["id"] for each in json.loads(body)["measurements"]])
        await self.answering.wait()
        if self.moods and (mood := self.moods.pop(0)):
            return mood(request)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"title": "Unauthorized"}, status=401, content_type="application/problem+json")
        match request.method, request.path:
            case "GET", "/v1/wanted":
                self.looks += 1
                return web.json_response({"wanted": self.wanted})
            case "POST", "/v1/measurements":
                return self._take(request, json.loads(body)["measurements"])
        return web.json_response({}, status=404)

    def _take(self, request: web.Request, items: list[Item]) -> web.StreamResponse:
        if len(items) > self.largest:
            return web.json_response({}, status=413)
        accepted = repeated = 0
        refused: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            if reason := self._reason(item):
                refused.append({"index": index, "id": item["id"], "reason": reason, "detail": "says the receiver"})
            elif item["id"] in self.items:
                repeated += 1
            else:
                accepted += 1
                self.items[item["id"]] = item
        self.wanted = self.wanted and not accepted + repeated
        if self.lose_answers:
            self.lose_answers -= 1
            return hang_up(request)
        return web.json_response({"accepted": accepted, "repeated": repeated, "refused": refused})

    def _reason(self, item: Item) -> str | None:
        if broken := broken_rule(item):
            return broken
        known = self.items.get(item["id"])
        if known is not None:
            return None if known == item else "IdTaken"
        for other in self.items.values():
            if other["outlet"] == item["outlet"] and item["start"] < other["end"] and other["start"] < item["end"]:
                return "Overlapping"
        return self.refuse.get(item["region"])


def broken_rule(item: Item) -> str | None:
    """Return what is wrong with a measurement by itself."""
    if item.keys() - {"slices"} != FIELDS or any(not re.fullmatch(form, item[key]) for key, form in _FORMS.items()):
        return "BadItem"
    if item["start"] >= item["end"]:
        return "EndBeforeStart"
    if not isinstance(item["wh"], int) or item["wh"] <= 0:
        return "Negative"
    if "slices" not in item:
        return None
    starts = [each["start"] for each in item["slices"]]
    if starts != sorted(set(starts)) or not all(re.search(r":(00|30):00Z", each) for each in starts):
        return "BadItem"
    # The half hour that holds the start begins at most 30 minutes before it.
    first = item["start"][:14] + ("30:00Z" if item["start"][14:16] >= "30" else "00:00Z")
    if starts[0] < first or starts[-1] >= item["end"]:
        return "SlicesOutside"
    if sum(each["wh"] for each in item["slices"]) != item["wh"]:
        return "SlicesDoNotAddUp"
    return None


def hang_up(request: web.Request) -> web.StreamResponse:
    """End the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def answer(status: int = 200, text: str = "", **headers: str) -> Mood:
    """Return a mood in which every request is answered like this."""
    return lambda _: web.Response(status=status, text=text, headers=headers)
