"""The test card: pays like a card, and no money moves. For development, demonstrations and tests.

It exists with `KONSENTO_FAKE_PAYMENTS=true` only, and declines every hold above `DECLINES_ABOVE_MINOR`.
"""

from typing import Final

from konsento.models import AccountKind, LedgerAccount
from konsento.payments.errors import CardDeclined
from konsento.payments.ledger_hold import LedgerProvider

NAME: Final = "fake"
DECLINES_ABOVE_MINOR: Final = 10_000
"""Minor units (10,000 yen, 100.00 euros): so that a decline can be seen on purpose."""


class FakeProvider(LedgerProvider):
    """Pays with a card that does not exist."""

    name = NAME
    source = AccountKind.TEST_CARD

    def check(self, account: LedgerAccount, hold_minor: int) -> None:
        """Raise `CardDeclined` above the card's limit, which is one for each hold."""
        if hold_minor > DECLINES_ABOVE_MINOR:
            raise CardDeclined
