"""The providers within this database."""

from typing import Final

from konsento.payments.balance import BalanceProvider
from konsento.payments.fake import FakeProvider
from konsento.payments.later import BILL, LaterProvider
from konsento.payments.port import InternalProvider

INTERNAL: Final[dict[str, InternalProvider]] = {
    provider.name: provider for provider in (BalanceProvider(), FakeProvider(), LaterProvider(), LaterProvider(BILL))
}
"""By the name that stands with their payments."""
