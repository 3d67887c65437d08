"""Whether this process can serve: asked by load balancers, systemd and compose."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import text

from konsento.kit.db import Database

log = logging.getLogger(__name__)

PATIENCE_S: Final = 1.0
"""How long the database may take to answer."""
REMEMBERED_S: Final = 1.0
"""How long an answer counts: whoever asks often costs the database nothing."""


class Readiness:
    """Looks whether the database answers and has the tables of this version. Nobody's data is in what it tells."""

    def __init__(
        self, database: Database, revisions: Sequence[str], info: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        """Make it with the versions of the tables that this program knows, the newest first.

        `info` is told along and decides nothing.
        """
        self._database = database
        self._newest = revisions[0]
        self._older = frozenset(revisions[1:])
        self._info = info
        self._lock = asyncio.Lock()
        self._known: dict[str, Any] = {}
        self._known_at = -REMEMBERED_S

    async def look(self) -> tuple[bool, dict[str, Any]]:
        """Return whether this process is ready, and why (not)."""
        async with self._lock:
            now = asyncio.get_running_loop().time
            if now() - self._known_at >= REMEMBERED_S:
                before = self._known.get("database", "ok")
                self._known = await self._facts()
                self._known_at = now()
                if self._known["database"] != before:
                    log.warning("the database is %s", self._known["database"])
        ready = self._known["database"] == "ok" and self._known["migrations"] != "behind"
        more = self._info() if self._info is not None else {}
        return ready, {"status": "ready" if ready else "not ready", **self._known, **more}

    async def _facts(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(PATIENCE_S), self._database.transaction() as session:
                found = await session.scalar(text("SELECT version_num FROM alembic_version"))
        except Exception:  # noqa: BLE001  # whatever is wrong with it, it does not answer; why is in the log of whoever needed it
            return {"database": "away", "migrations": "unknown"}
        if found == self._newest:
            return {"database": "ok", "migrations": "ok"}
        # A newer program has changed the tables already: while an upgrade runs the older ones still serve.
        behind = found in self._older or found is None
        return {"database": "ok", "migrations": "behind" if behind else "ahead"}
