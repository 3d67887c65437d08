"""What a management server may set about its own link. Kept in the journal, so that a restart does not undo it."""

import asyncio
import logging
import random
from dataclasses import asdict, dataclass, fields, replace

from ..control.journal import Journal

_LOGGER = logging.getLogger(__name__)
_KIND = "link_settings"


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkSettings:
    """Seconds and counts; the names of the variables of OCPP are in variables.py."""

    heartbeat_s: int = 300
    """Used until the server has named an interval itself."""
    attempts: int = 10
    """How often an event is sent that the server calls malformed, before it is given up."""
    attempt_interval_s: int = 5
    """Pause before an event is sent again, times the number of attempts so far."""
    wait_minimum_s: int = 1
    """Shortest pause before the link is made again; doubled each time."""
    wait_random_s: int = 2
    """Up to so much is added: the sites of a server that comes back must not all call in the same second."""
    wait_doublings: int = 5
    """After so many attempts the pause does not grow any more."""

    def pause_s(self, failures: int) -> float:
        """Return how long to wait before the link is made again after so many failures (1 or more)."""
        doubled = self.wait_minimum_s * 2.0 ** min(failures - 1, self.wait_doublings)
        return doubled + random.uniform(0, self.wait_random_s)  # noqa: S311  # no secret

    @property
    def longest_pause_s(self) -> float:
        """The pause that is waited once attempts do not help."""
        return self.pause_s(self.wait_doublings + 1)


class LinkSettingsStore:
    """The settings of one server, and where they are kept."""

    def __init__(self, journal: Journal, server: str) -> None:
        self.now = LinkSettings()
        self._journal = journal
        self._server = server
        self._saving: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Read what the server has set in an earlier run."""
        body = (await self._journal.remembered(_KIND)).get(self._server, {})
        known = {each.name for each in fields(LinkSettings)}
        self.now = LinkSettings(**{name: value for name, value in body.items() if name in known})

    def change(self, **values: int) -> None:
        """Use other numbers from now on, and keep them."""
        before, self.now = self.now, replace(self.now, **values)
        if self.now == before:
            return
        saving = asyncio.create_task(self._journal.remember(_KIND, self._server, asdict(self.now)))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)
