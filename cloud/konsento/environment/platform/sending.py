"""The one place where the platform speaks to the computation system, and its ledger of what left."""

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment.platform.models import Delivery, Egress, Measurement
from konsento.environment.platform.settings import Form, PlatformSettings
from konsento.environment.wire import Answer
from konsento.kit.clock import Clock
from konsento.kit.db import Database
from konsento.kit.ids import new_id

log = logging.getLogger(__name__)

PATIENCE_S: Final = 60
"""For one answer; below the lease of the work that waits for it."""
MOST_ANSWER: Final = 1024 * 1024


class NotTakenError(Exception):
    """The computation system has refused a whole request; sending it again changes nothing until somebody looks."""


class UnreachableError(Exception):
    """No answer, or one that says to come back later."""


@dataclass(frozen=True, kw_only=True)
class Computation:
    """The computation system, as this platform reaches it."""

    settings: PlatformSettings
    database: Database
    clock: Clock
    http: aiohttp.ClientSession

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        return bool(self.settings.computation_url)

    async def deliver(self, delivery: Delivery) -> None:
        """Send a delivery and note its answer. Raises `NotTakenError`, `UnreachableError`."""
        path = "/v1/sums" if delivery.form is Form.SUMS else "/v1/measurements"
        body = delivery.body.encode()
        entry_id = new_id()
        async with self.database.transaction() as session:
            session.add(
                Egress(
                    id=entry_id,
                    at=self.clock.now(),
                    delivery_id=delivery.id,
                    recipient=self.settings.computation_url,
                    form=delivery.form,
                    rows=delivery.rows,
                    sha256=hashlib.sha256(body).hexdigest(),
                )
            )
        try:
            status, answer = await self._request("POST", path, body)
            error = "" if status == 200 else str(status)
        except UnreachableError as trouble:
            status, answer, error = None, None, str(trouble)
        async with self.database.transaction() as session:
            await session.execute(update(Egress).where(Egress.id == entry_id).values(status=status))
            await self._note(session, delivery, error, answer)
        if not error:
            log.info("delivery %s: %d measurements forwarded", delivery.id, delivery.measurements)
        elif status is not None and 400 <= status < 500 and status not in {401, 403, 408, 429}:
            log.error("delivery %s was refused by the computation system: HTTP %d", delivery.id, status)
            raise NotTakenError(f"HTTP {status}")
        else:
            log.warning("delivery %s could not be made (%s); it is tried again", delivery.id, error)
            raise UnreachableError(error)

    async def _note(self, session: AsyncSession, delivery: Delivery, error: str, answer: Any) -> None:
        values: dict[str, Any] = {"attempts": Delivery.attempts + 1, "last_error": error}
        if not error:
            refused = Answer.model_validate(answer).refused if delivery.form is not Form.SUMS else ()
            values |= {"answered_at": self.clock.now(), "body": "", "refused": len(refused)}
            for one in refused:
                await session.execute(
                    update(Measurement)
                    .where(Measurement.id == one.id, Measurement.delivery_id == delivery.id)
                    .values(refusal=one.reason)
                )
            if refused:
                log.error("delivery %s: the computation system refused %d measurements", delivery.id, len(refused))
        await session.execute(update(Delivery).where(Delivery.id == delivery.id).values(**values))

    async def wants(self) -> bool:
        """Ask whether the computation system wants what is outstanding. Raises `UnreachableError`."""
        status, answer = await self._request("GET", "/v1/wanted")
        if status != 200 or not isinstance(answer, dict):
            raise UnreachableError(str(status))
        return answer.get("wanted") is True

    async def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        url = self.settings.computation_url.rstrip("/") + path
        headers = {
            "Authorization": f"Bearer {self.settings.computation_token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        try:
            async with self.http.request(
                method,
                url,
                data=body,
                headers=headers,
                # The token is for this address alone.
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
            ) as response:
                text = await response.content.read(MOST_ANSWER)
                return response.status, json.loads(text) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnreachableError(type(error).__name__) from error
