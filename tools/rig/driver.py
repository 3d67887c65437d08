"""A driver with a phone: uses the pages' own endpoints, as a browser would."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import httpx


class RefusedError(Exception):
    """The server refused; the page's text says why."""


class Driver:
    """One driver, one browser."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        headers = {"Origin": base_url, "Accept-Language": "en"}
        self._http = httpx.AsyncClient(base_url=base_url, headers=headers, timeout=40)

    async def close(self) -> None:
        """Close the browser."""
        await self._http.aclose()

    async def sign_up(self, email: str, password: str, name: str) -> None:
        """Make an account and be signed in."""
        await self._post("/signup", {"email": email, "password": password, "name": name})

    async def page(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self._http.get(path, follow_redirects=True)

    async def until_free(self, code: str, patience: float) -> None:
        """Wait until the page of an outlet offers to choose how much."""
        page = None
        try:
            async with asyncio.timeout(patience):
                while page is None or f'href="/o/{code}/choose"' not in page.text:
                    page = await self.page(f"/o/{code}")
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise TimeoutError(
                f"after {patience} s the outlet's page says: {_text(page) if page else 'nothing'}"
            ) from None

    async def start(self, code: str, kind: str, amount: str, unit: str) -> str:
        """Look at the price and start; returns the session's id."""
        await self.see_price(code, kind, amount, unit)
        return await self.confirm(code, kind, amount, unit)

    async def see_price(self, code: str, kind: str, amount: str, unit: str) -> None:
        """Look at the price; raises RefusedError where nothing can be started."""
        price = await self._http.get(f"/o/{code}/confirm", params={"kind": kind, "amount": amount, "unit": unit})
        if price.status_code != 200:
            raise RefusedError(_text(price))

    async def confirm(self, code: str, kind: str, amount: str, unit: str) -> str:
        """Press the button below the price; returns the session's id."""
        answer = await self._post(f"/o/{code}/start", {"kind": kind, "amount": amount, "unit": unit})
        return urlsplit(answer.headers["location"]).path.rsplit("/", 1)[-1]

    async def ask_to_start(self, code: str, kind: str, amount: str, unit: str) -> str:
        """Press the button below the price where presence is asked for; returns what the page then says."""
        answer = await self._post(f"/o/{code}/start", {"kind": kind, "amount": amount, "unit": unit})
        return _text(await self.page(answer.headers["location"]))

    async def until_there(self, code: str, patience: float) -> None:
        """Wait until the server knows that the driver stands before the outlet."""
        async with asyncio.timeout(patience):
            view = ""
            while view != "shown":
                view = (await self._http.get(f"/o/{code}/presence/state")).json()["view"]
                await asyncio.sleep(0.1)

    async def stop(self, session_id: str) -> None:
        """Stop a session."""
        await self._post(f"/s/{session_id}/stop", {})

    async def progress(self, session_id: str) -> dict[str, Any]:
        """Return what the session page shows."""
        answer = await self._http.get(f"/s/{session_id}/progress")
        answer.raise_for_status()
        progress: dict[str, Any] = answer.json()
        return progress

    async def until(self, session_id: str, states: set[str], patience: float) -> dict[str, Any]:
        """Wait until a session is in one of the states; a server that is away for a while is waited for."""
        last: dict[str, Any] | str = "nothing"
        try:
            async with asyncio.timeout(patience):
                while True:
                    try:
                        progress = await self.progress(session_id)
                    except httpx.TransportError as error:
                        last = repr(error)
                    else:
                        last = progress
                        if progress["state"] in states:
                            return progress
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise TimeoutError(f"after {patience} s the session page says {last}") from None

    async def _post(self, path: str, form: dict[str, str]) -> httpx.Response:
        answer = await self._http.post(path, data=form)
        if answer.status_code not in {302, 303}:
            raise RefusedError(_text(answer))
        return answer


def _text(page: httpx.Response) -> str:
    body = re.sub(r"<(style|script|head).*?</\1>", " ", page.text, flags=re.DOTALL)
    return f"{page.status_code}: " + " ".join(re.sub(r"<[^>]+>", " ", body).split())[:400]
