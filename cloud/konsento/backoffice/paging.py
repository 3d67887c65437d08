"""Pages of a long table."""

from dataclasses import dataclass
from typing import Final

PAGE: Final = 50
"""Rows of one page."""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Which page of how many."""

    number: int
    last: int
    total: int
    """Rows of all pages."""

    @staticmethod
    def of(number: int, total: int) -> Pages:
        """Return the page nearest to the one that was asked for."""
        last = max(1, -(-total // PAGE))
        return Pages(number=min(max(1, number), last), last=last, total=total)

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * PAGE
