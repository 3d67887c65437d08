"""What stands on the outlets' labels, as the management servers tell it: each has its own codes and pages.

Kept in the journal, so that labels can be printed while a server is away.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from .journal import Journal

MOST: Final = 1000
"""Labels that one server may tell."""
_KIND = "labels"


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What a driver scans, or types, at one outlet."""

    evse: int
    code: str
    """As it is printed."""
    url: str
    """Of the outlet's page."""


class Labels:
    """The labels of a site, by management server."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told: dict[str, tuple[Label, ...]] = {}

    async def open(self) -> None:
        """Read what was told before; the journal is open."""
        kept = await self._journal.remembered(_KIND)
        self._told = {server: tuple(Label(**each) for each in body["labels"]) for server, body in kept.items()}

    def of(self, server: str) -> dict[int, Label] | None:
        """Return the labels of a server by outlet number; None where it has told none."""
        told = self._told.get(server)
        return None if told is None else {label.evse: label for label in told}

    async def take(self, server: str, labels: Iterable[Label]) -> None:
        """Take what a server tells in the place of what it told before; it is on disk when this returns."""
        told = tuple(labels)
        await self._journal.remember(_KIND, server, {"labels": [asdict(label) for label in told]})
        self._told[server] = told

    def forget(self, server: str) -> None:
        """Forget a server that the site is no longer linked to; the journal does so by itself."""
        self._told.pop(server, None)
